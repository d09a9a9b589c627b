"""Value readers: turn the text or value that was given for a setting into its value.

Each function here, or made here, takes text or a value and returns the value, or raises ValueError or TypeError; its
``__doc__`` says what is allowed, in words that fit after "must be", also where Python was told to drop docstrings.
"""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from collections.abc import Callable
from secrets import token_hex
from typing import Any, TypeVar

#: How long a job's name may be.
LONGEST_ID = 64

T = TypeVar("T")


def _allowing(words: str) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Return a decorator that says what a reader allows."""

    def described(read: Callable[[Any], T]) -> Callable[[Any], T]:
        read.__doc__ = words
        return read

    return described


def whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Return a reader of whole numbers."""

    @_allowing(f"a whole number {f'of at least {least}' if most is None else f'from {least} to {most}'}")
    def read(value: Any) -> int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError
        number = int(value)
        if number < least or (most is not None and number > most):
            raise ValueError
        return number

    return read


def seconds(least: float) -> Callable[[Any], float]:
    """Return a reader of durations."""

    @_allowing(f"a number of seconds of at least {least:g}")
    def read(value: Any) -> float:
        number = float(value)
        if not least <= number < float("inf"):
            raise ValueError
        return number

    return read


def one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    """Return a reader of one of some words."""

    @_allowing("one of " + ", ".join(choices))
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return read


@_allowing("text")
def text(value: Any) -> str:
    """Read text."""
    return str(value)


@_allowing("a path whose ~ is a home folder that is known (a folder of that name is ./~)")
def path(value: Any) -> str:
    """Read a path, a URL, or what stands for one."""
    named = os.path.expanduser(str(value))
    if named == "~" or named.startswith("~/"):
        raise ValueError
    return named


@_allowing("letters, digits, '-' and '_', 64 at the most")
def job_id(value: Any) -> str:
    """Read a job's name."""
    name = str(value)
    if not (name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) <= LONGEST_ID):
        raise ValueError
    return name


def made_up_id(name: str) -> str:
    """Return a unique id for a job of this name: the name, as far as an id allows it, and the time."""
    rest = f"-{time.strftime('%Y%m%d-%H%M%S')}-{token_hex(2)}"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return (re.sub(r"[^a-z0-9_]+", "", plain) or "job")[: LONGEST_ID - len(rest)] + rest


@_allowing("yes or no")
def flag(value: Any) -> bool:
    """Read a switch."""
    word = str(value).lower()
    if word not in {"true", "false", "yes", "no", "1", "0"}:
        raise ValueError
    return word in {"true", "yes", "1"}


def listed(separator: str, shown: str, each: Callable[[Any], str] = text) -> Callable[[Any], tuple[str, ...]]:
    """Return a reader of lists, ``each`` of whose items is read so."""

    @_allowing(f"a list separated by {shown}, or a JSON list of texts")
    def read(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            # Blanks after commas are for readers only. In lists of paths blanks may belong to a path.
            blanks = " \t" if separator == "," else ""
            parts = (item.strip(blanks) for item in value.split(separator))
            items = json.loads(value) if value.startswith("[") else [*parts]
        else:
            items = list(value)
        if not all(isinstance(item, str) for item in items):
            raise ValueError
        return tuple(each(item) for item in items if item)

    return read
