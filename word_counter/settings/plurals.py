"""Plurals: a number with its noun, wherever people read one."""

from __future__ import annotations


def plural(n: float, one: str, many: str = "") -> str:
    """Return the form of a word, a noun or a verb, that goes with a number; by default ``many`` has an s more."""
    return one if n == 1 else many or f"{one}s"


def count(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun, as in ``1 worker`` or ``1,024 lines``."""
    return f"{n:,} {plural(n, one, many)}"
