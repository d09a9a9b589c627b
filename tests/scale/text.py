"""Text for runs, made from a seed, together with what counting its words must come to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.oracle import count_words

#: Makes text in a folder from a seed; returns what is to be counted.
Counted = Callable[[Path, str], Counter[str]]
#: The same, or it returns what looks whether a file of results is right.
Make = Counted | Callable[[Path, str], Callable[[Path], bool]]
_BLOCK_LINES = 50_000
_WORDS = 20_000


def _lines(rng: random.Random, lines: int) -> bytes:
    """Return some lines of ten words each, a few of them frequent and most seldom, as in a language."""
    words = [f"word{n:x}" for n in range(_WORDS)]
    weights = [1 / (n + 1) for n in range(_WORDS)]
    text = rng.choices(words, weights, k=10 * lines)
    return "".join(" ".join(text[at : at + 10]) + "\n" for at in range(0, len(text), 10)).encode()


def plain(lines: int) -> Counted:
    """Return what makes one file of so many lines."""

    def make(folder: Path, seed: str) -> Counter[str]:
        content = _lines(random.Random(seed), lines)
        (folder / "text.txt").write_bytes(content)
        return count_words(content)

    return make


def large(megabytes: int) -> Counted:
    """Return what makes one file of so many megabytes, by repeating a block."""

    def make(folder: Path, seed: str) -> Counter[str]:
        block = _lines(random.Random(seed), _BLOCK_LINES)
        times = -(-megabytes * 1_000_000 // len(block))
        with (folder / "text.txt").open("wb") as file:
            for _ in range(times):
                file.write(block)
        return Counter({word: n * times for word, n in count_words(block).items()})

    return make


def small_files(files: int) -> Counted:
    """Return what makes so many files of three lines."""

    def make(folder: Path, seed: str) -> Counter[str]:
        content = _lines(random.Random(seed), 3 * files).splitlines(keepends=True)
        for number in range(files):
            below = folder / f"{number // 1000:03}"
            below.mkdir(exist_ok=True)
            (below / f"{number:06}.txt").write_bytes(b"".join(content[3 * number : 3 * number + 3]))
        return count_words(b"".join(content))

    return make


def one_line(megabytes: int) -> Counted:
    """Return what makes one line of so many megabytes, between two short ones."""

    def make(folder: Path, seed: str) -> Counter[str]:
        block = _lines(random.Random(seed), _BLOCK_LINES).replace(b"\n", b" ")
        times = -(-megabytes * 1_000_000 // len(block))
        with (folder / "text.txt").open("wb") as file:
            file.write(b"before\n")
            for _ in range(times):
                file.write(block)
            file.write(b"\nafter\n")
        return Counter({word: n * times for word, n in count_words(block).items()}) + Counter(("before", "after"))

    return make


def empty_lines(lines: int) -> Counted:
    """Return what makes so many empty lines, with a word at the end."""

    def make(folder: Path, seed: str) -> Counter[str]:
        (folder / "text.txt").write_bytes(b"\n" * lines + b"end\n")
        return Counter(["end"])

    return make
