"""The arguments and the output of every peer: ``python -m benchmarks.peers.NAME CORPUS RESULTS WORKERS``."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from unicodedata import category, normalize

_JOINERS = "\u200c\u200d"
_RUN_OF_CLASSES = f"[\\p{{L}}\\p{{N}}][\\p{{L}}\\p{{N}}\\p{{M}}{_JOINERS}]*"
#: The pattern of a word for engines that have Unicode classes, and no ``\w`` that means what Python's does.
CLASSES_RULE = f"{_RUN_OF_CLASSES}(?:['\u2019]{_RUN_OF_CLASSES})*"
#: What a range of bytes has, for peers that cut a file up by themselves.
RANGE_BYTES = 8 * 1024 * 1024


def finder() -> Callable[[str], list[str]]:
    """Return what finds the words of a text, as they stand there. ``re`` has no class of marks: it is told them all."""
    planes = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))  # there are none elsewhere
    marks = "".join(chr(code) for plane in planes for code in plane if category(chr(code)).startswith("M"))
    run = rf"[^\W_]+(?:(?![\0-\x7f])[{_JOINERS}{marks}]+[^\W_]*)*"
    return re.compile(rf"{run}(?:['\u2019]{run})*").findall


def key(word: str) -> str:
    """Return what a word is counted under."""
    return normalize("NFC", normalize("NFC", word).lower())


def asked() -> tuple[str, str, int]:
    """Return the arguments of the command line: the corpus, where the results go, and how many workers."""
    corpus, results, workers = sys.argv[1:4]
    return corpus, results, int(workers)


def write(counts: Mapping[str, int], results: str) -> None:
    """Write the results as word_counter does: sorted, synced to disk, and seen whole or not at all."""
    with open(results + ".tmp", "w", encoding="utf-8") as file:
        json.dump(dict(sorted(counts.items())), file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    os.replace(results + ".tmp", results)


def log_key(service: str, level: str) -> str:
    """Return the text under which word_counter writes a key of two parts."""
    return json.dumps([service, level], ensure_ascii=False, separators=(",", ":"))


def ranges(corpus: str) -> Iterator[tuple[str, int, int]]:
    """Yield ranges of whole lines of a file, as (path, offset, length)."""
    size = os.path.getsize(corpus)
    with open(corpus, "rb") as file:
        start = 0
        while start < size:
            file.seek(start + RANGE_BYTES)
            file.readline()
            end = min(file.tell(), size)
            yield corpus, start, end - start
            start = end


def text_of(place: tuple[str, int, int]) -> str:
    """Return the text of a range."""
    corpus, offset, length = place
    with open(corpus, "rb") as file:
        file.seek(offset)
        return file.read(length).decode("utf-8", "replace")
