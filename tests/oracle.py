"""The expected result of the word count, computed plainly and without the package's code."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from unicodedata import category, normalize

_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
#: The same of a text in which each character stands for what it is, see _kind.
_WORD_OF_KINDS = re.compile(r"a[am]*(?:'a[am]*)*")


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a file: what ends with a newline; a CR before it and a mark at the start are dropped."""
    lines = []
    for raw in BytesIO(content.removeprefix(b"\xef\xbb\xbf")):
        line = raw[:-1].removesuffix(b"\r") if raw.endswith(b"\n") else raw
        lines.append(line.decode("utf-8", "replace"))
    return lines


def words_of(line: str) -> list[str]:
    """Return the words of a line."""
    if line.isascii():
        return _ASCII_WORD.findall(line.lower())
    words = (line[slice(*found.span())] for found in _WORD_OF_KINDS.finditer("".join(map(_kind, line))))
    return [normalize("NFC", normalize("NFC", word).lower()) for word in words]


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    if character.isalnum():
        return "a"
    if category(character).startswith("M") or character in "\u200c\u200d":
        return "m"
    return "'" if character in "'\u2019" else " "


def known_words(tokens: Iterable[bytes], every: int) -> dict[bytes, tuple[str, ...]]:
    """Return the words of every so many-th token, as a kernel may know them; 0: of none."""
    some = list(tokens)[::every] if every else []
    return {token: tuple(words_of(token.decode("utf-8", "replace"))) for token in some}


def count_words(*contents: bytes) -> Counter[str]:
    """Return how often each word occurs in files of these contents."""
    return Counter(word for content in contents for line in lines_of(content) for word in words_of(line))


def results_text(results: object) -> str:
    """Return the text of a results file."""
    return json.dumps(results, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def results_bytes(counts: Counter[str]) -> bytes:
    """Return the bytes of the results file of a word count."""
    return results_text(dict(counts)).encode()
