"""Corpora: texts that are made from a seed, or given, each with its expected results.

They are in a cache folder outside the source tree. A smaller corpus of a kind is the beginning of a larger one. The
expected counts of a corpus are counted once by a plain loop, and kept beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.peers.answer import finder, key, log_key

#: Changes with what the generators or the plain loops make, so that nothing older is taken from the cache.
_VERSION = 3
SEED = 1
MEGABYTE = 1_000_000
#: Distinct words, and distinct lines; what is longer repeats lines, which is soon made.
_WORDS, _LINES = 50_000, 200_000
#: One word in so many is not ASCII.
_FOREIGN = 8
_ALPHABETS = ["abcdefghijklmnoprstuvw", "àáâãäçèéêëíñóôöùúûüœ", "абвгдежзиклмнопрстуя", "αβγδεζηθικλμνοπρτυφω"]
_IDEOGRAPHS = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏"
_SENTENCE_LENGTHS = range(6, 17)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file of text, and what its results must be."""

    path: Path
    bytes: int
    lines: int
    ascii: bool
    expected: dict[str, int]


def folder() -> Path:
    """Return the cache folder. It is made if it is missing."""
    made = Path(os.environ.get("XDG_CACHE_HOME") or tempfile.gettempdir()) / "word_counter_bench"
    made.mkdir(parents=True, exist_ok=True)
    return made


def made(kind: str, size: int) -> Corpus:
    """Return a corpus of a kind ("words", "ascii" or "logs") and some size in bytes."""
    path = folder() / f"{kind}-v{_VERSION}-seed{SEED}-{size}.txt"
    if not path.exists():
        _write(path, _KINDS[kind](random.Random(f"{SEED} {kind}")), size)  # the same on every machine
    return _known(path, kind)


def given(path: str) -> Corpus:
    """Return a given text as a corpus of words; OSError when it cannot be read."""
    return _known(Path(path).resolve(strict=True), "words")


def head(corpus: Corpus, share: int) -> Corpus:
    """Return the first part of a corpus of words, one part in ``share``, to the end of its last line."""
    mark = hashlib.sha256(f"{corpus.path} {corpus.path.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    path = folder() / f"head-v{_VERSION}-{mark}-{share}.txt"
    if not path.exists():
        with corpus.path.open("rb") as file:
            _write(path, file, corpus.bytes // share)
    return _known(path, "words")


def numbered(lines: int) -> Corpus:
    """Return a corpus of so many short lines, of which nothing is counted."""
    path = folder() / f"numbered-{lines}.txt"
    path.write_text("".join(f"{number}\n" for number in range(lines)))
    return Corpus(path, path.stat().st_size, lines, ascii=True, expected={})


def warm(corpus: Corpus) -> None:
    """Read a corpus once, so that no contestant has to wait for the disk."""
    with corpus.path.open("rb") as file:
        while file.read(1 << 22):
            pass


def _write(path: Path, lines: Iterable[bytes], size: int) -> None:
    """Write lines until there are so many bytes; the file is seen whole or not at all."""
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    written = 0
    with beside.open("wb") as file:
        for line in lines:
            if written >= size:
                break
            written += file.write(line)
    beside.replace(path)


def _zipf(chance: random.Random, foreign: int) -> Iterator[bytes]:
    """Yield lines of words whose n-th is about n times as rare as the first; with ``foreign`` not all are ASCII."""
    vocabulary = [_word(chance, foreign) for _ in range(_WORDS)]
    weights, total = [], 0.0
    for rank in range(1, _WORDS + 1):
        total += 1 / rank
        weights.append(total)
    lines: list[bytes] = []
    while len(lines) < _LINES:
        words = chance.choices(vocabulary, cum_weights=weights, k=chance.choice(_SENTENCE_LENGTHS))
        words[0] = words[0].capitalize()
        words[len(words) // 2] += chance.choice([",", ",", ";", " -"])
        lines.append((" ".join(words) + chance.choice(".....?!") + "\n").encode())
        yield lines[-1]
    while True:
        yield from chance.choices(lines, k=1000)


def _word(chance: random.Random, foreign: int) -> str:
    letters = _ALPHABETS[0]
    if foreign and chance.randrange(foreign) == 0:
        if chance.random() < 1 / 4:
            return "".join(chance.choices(_IDEOGRAPHS, k=chance.choice([1, 2, 2, 3])))
        letters = chance.choice(_ALPHABETS[1:])
    word = "".join(chance.choices(letters, k=chance.choice([2, 3, 4, 4, 5, 5, 6, 7, 8, 9, 11])))
    return f"{word}'{letters[0]}" if chance.random() < 1 / 50 else word


def _logs(chance: random.Random) -> Iterator[bytes]:
    """Yield log lines of some services, most of them at level INFO."""
    services = [f"service-{number}" for number in range(40)]
    second = 0
    while True:
        second += 1
        time = f"2026-11-21T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
        levels = chance.choices(["INFO", "WARNING", "ERROR", "DEBUG"], cum_weights=[80, 90, 95, 100], k=100)
        for service, level in zip(chance.choices(services, k=100), levels, strict=True):
            number = chance.getrandbits(24)
            what = f"request {number} GET /orders/{number % 997} took {number % 211} ms"
            yield f"{time} {service} {level} {what}\n".encode()


_KINDS: dict[str, Callable[[random.Random], Iterator[bytes]]] = {
    "words": lambda chance: _zipf(chance, _FOREIGN),
    "ascii": lambda chance: _zipf(chance, 0),
    "logs": _logs,
}


def _known(path: Path, kind: str) -> Corpus:
    """Return a corpus with what is known of it, found out if it is the first time."""
    status = path.stat()
    what = "logs" if kind == "logs" else "words"
    mark = hashlib.sha256(f"{path} {status.st_size} {status.st_mtime_ns} {what}".encode()).hexdigest()[:16]
    beside = folder() / f"known-v{_VERSION}-{mark}.json"
    if not beside.exists():
        temporary = beside.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(_find_out(path, _count_logs if what == "logs" else _count_words)))
        temporary.replace(beside)
    known = json.loads(beside.read_text())
    return Corpus(path, status.st_size, known["lines"], known["ascii"], known["expected"])


def _find_out(path: Path, count: Callable[[Counter[str], str], None]) -> dict[str, object]:
    expected: Counter[str] = Counter()
    lines, plain = 0, True
    with path.open("rb") as file:
        for raw in file:
            if lines == 0:
                raw = raw.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901 (a byte order mark is no part of the text)
            lines += 1
            plain = plain and raw.isascii()
            count(expected, raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace"))
    return {"lines": lines, "ascii": plain, "expected": expected}


def _count_words(expected: Counter[str], line: str) -> None:
    expected.update(map(key, _find()(line)))


@cache
def _find() -> Callable[[str], list[str]]:
    return finder()


def _count_logs(expected: Counter[str], line: str) -> None:
    _, service, level, *_ = line.split(" ")
    expected[log_key(service, level)] += 1
