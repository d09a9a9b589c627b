"""Kernel of the word count: counts the words of a chunk of bytes, in C if the native kernel was built, else in Python.

The word rule (:mod:`word_counter.native.word_rule`), a regular expression, is slow. It need not be applied to every
occurrence. A chunk is cut at bytes where cutting does not change what the rule finds, each distinct *token* between
them is counted, and the rule is applied to the distinct tokens only. Two kernels do this and give the same counts:
``_kernel`` in C, which counts ASCII words by itself, and ``python_kernel``, for machines without a compiler.

The head of ``_words.h`` explains why a chunk may be cut at these bytes.
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

#: The functions and types that the native kernel must have.
_OFFERED = ("count", "encode_counts", "gather", "newlines", "word_partials", "Sums")


def count_words(chunk: bytes) -> dict[str, int]:
    """Return how often each word occurs in a chunk of whole lines, decoded as UTF-8 with undecodable bytes replaced.

    Raises:
        UsageError: ``WORD_COUNTER_KERNEL`` names a kernel that does not exist.
    """
    kernel = native()
    return count_in_python(chunk) if kernel is None else count_natively(kernel, chunk)


def encode_counts(groups: Mapping[str | bytes, Any], partitions: int) -> dict[int, str] | None:
    """Return the partials of whole numbers by key, as JSON text; None when Python has to make them.

    That is when there is no native kernel, when keys or values are of other kinds, and when a key is not valid Unicode.
    """
    kernel = native()
    return None if kernel is None else kernel.encode_counts(groups, partitions)


def word_partials(chunk: bytes, partitions: int) -> tuple[dict[int, str], int] | None:
    """Return the partials of a chunk's words as JSON text, and how many different words there are.

    They are the same as :func:`encode_counts` gives for :func:`count_words`, but ASCII words never become Python
    objects. None when there is no native kernel.
    """
    kernel = native()
    return None if kernel is None else kernel.word_partials(chunk, partitions, known_tokens, words_in)


def newlines(block: bytes, start: int, stop: int) -> int:
    """Return the number of newlines in ``block[start:stop]``; natively it takes a tenth of the time."""
    kernel = native()
    return block.count(b"\n", start, stop) if kernel is None else kernel.newlines(block, start, stop)


def native() -> ModuleType | None:
    """Return the native kernel; None where there is none, or the Python kernel was asked for."""
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
    """Import it; ImportError when there is none, or it was built from an older version of the package."""
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
