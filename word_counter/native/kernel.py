"""The kernel of the word count: the words of a chunk of bytes, by the word rule, as fast as this machine allows.

The rule itself (:mod:`word_counter.native.word_rule`) is slow a line and a regular expression at a time. It need not be
applied to every occurrence: a chunk is cut where the rule can find no difference, each distinct *token* is
counted as it stands, and the rule is applied to the distinct tokens only. Two kernels do this and give the very same
counts: ``_kernel`` in C, which counts ASCII words by itself, and ``python_kernel``, where there is no compiler.

Why a chunk may be cut where the kernels cut it is argued at the head of ``_words.h``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from word_counter.errors import UsageError
from word_counter.native.python_kernel import count_in_python
from word_counter.native.word_rule import apply_rule, known_tokens, words_in
from word_counter.settings.config import chosen_kernel

#: What the native kernel has to offer.
_OFFERED = ("count", "encode_counts", "gather", "newlines", "word_partials", "Sums")


def count_words(chunk: bytes) -> dict[str, int]:
    """Return how often each word occurs in a chunk of whole lines, decoded as UTF-8 with undecodable bytes replaced.

    Raises:
        UsageError: ``WORD_COUNTER_KERNEL`` names a kernel that there is not.
    """
    kernel = native()
    return count_in_python(chunk) if kernel is None else count_natively(kernel, chunk)


def encode_counts(groups: Mapping[str | bytes, Any], partitions: int) -> dict[int, str] | None:
    """Return the JSON text of each partition's share of whole numbers by text; None when somebody else has to do it.

    That is when there is no native kernel, when it finds other kinds of keys or values, and when they are no Unicode.
    """
    kernel = native()
    return None if kernel is None else kernel.encode_counts(groups, partitions)


def word_partials(chunk: bytes, partitions: int) -> tuple[dict[int, str], int] | None:
    """Return the JSON text of each partition's share of a chunk's words, and how many different words there are.

    The same as :func:`encode_counts` gives for :func:`count_words`, but that words which are ASCII never become objects
    of Python. None when there is no native kernel.
    """
    kernel = native()
    return None if kernel is None else kernel.word_partials(chunk, partitions, known_tokens, words_in)


def newlines(block: bytes, start: int, stop: int) -> int:
    """Return the number of newlines in ``block[start:stop]``; natively it takes a tenth of the time."""
    kernel = native()
    return block.count(b"\n", start, stop) if kernel is None else kernel.newlines(block, start, stop)


def native() -> ModuleType | None:
    """Return the native kernel; None where there is none, or none is wanted."""
    return _kernel()[0]


def active() -> str:
    """Return which kernel is used: "native", or "python" with the reason in parentheses."""
    return _kernel()[1]


@cache
def _kernel() -> tuple[ModuleType | None, str]:
    choice = chosen_kernel()
    if choice == "python":
        return None, "python (WORD_COUNTER_KERNEL says so)"
    try:
        return _import_native(), "native"
    except ImportError as error:
        if choice == "native":
            message = f"WORD_COUNTER_KERNEL asks for the native kernel, which cannot be loaded: {error}"
            raise UsageError(message) from error
        if isinstance(error, ModuleNotFoundError):
            return None, "python (the native kernel was not built when the package was installed)"
        return None, f"python (the native kernel cannot be loaded: {error})"


def _import_native() -> ModuleType:
    """Import it; ImportError when there is none, or only one that an older version of the package was built with."""
    module = import_module("word_counter.native._kernel")
    if not all(hasattr(module, name) for name in _OFFERED):
        message = "it was built from an older version; install the package again"
        raise ImportError(message)
    return module


def count_natively(kernel: ModuleType, chunk: bytes) -> dict[str, int]:
    """Count the words of a chunk with the native kernel."""
    words: dict[str, int]
    words, tokens = kernel.count(chunk)
    apply_rule(tokens, words)
    return words
