"""Inputs whose shuffle is larger than memory should be: one key with many values, and many keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.scale.text import Make

_MODULUS = 2**61 - 1
_BLOCK_LINES = 100_000
_JOB = """
from word_counter import Job, Mapper, Reducer, Sum


class Numbers(Mapper):
    def map(self, line):
        yield "all", int(line)


class OneByOne(Reducer):
    def reduce(self, key, values):
        number = digest = 0
        for value in values:
            number += 1
            digest = (digest * 31 + value) % {modulus}
        return [number, digest]


class Chained(Job):
    mapper, reducer = Numbers, OneByOne


class Added(Job):
    mapper, reducer = Numbers, Sum
"""


def _numbers(folder: Path, lines: int) -> None:
    (folder.parent / "one_key.py").write_text(_JOB.format(modulus=_MODULUS))
    with (folder / "numbers.txt").open("wb") as file:
        for start in range(0, lines, _BLOCK_LINES):
            block = range(start, min(lines, start + _BLOCK_LINES))
            file.write(b"".join(b"%d\n" % (n * 7919 % 1_000_003) for n in block))


def one_key(lines: int) -> Make:
    """Return what makes so many values of one key, which are to be reduced one by one, in their order."""

    def make(folder: Path, seed: str) -> Callable[[Path], bool]:
        _numbers(folder, lines)
        digest = 0
        for n in range(lines):
            digest = (digest * 31 + n * 7919 % 1_000_003) % _MODULUS
        return lambda results: json.loads(results.read_bytes()) == {"all": [lines, digest]}

    return make


def one_sum(lines: int) -> Make:
    """Return what makes so many values of one key, which are to be added up."""

    def make(folder: Path, seed: str) -> Callable[[Path], bool]:
        _numbers(folder, lines)
        total = sum(n * 7919 % 1_000_003 for n in range(lines))
        return lambda results: json.loads(results.read_bytes()) == {"all": total}

    return make


def distinct_keys(keys: int) -> Make:
    """Return what makes text of so many distinct words, each of them twice and far apart."""

    def make(folder: Path, seed: str) -> Callable[[Path], bool]:
        with (folder / "text.txt").open("wb") as file:
            for _ in range(2):
                for start in range(0, keys, 10):
                    file.write(b" ".join(b"w%08d" % (n * 7919 % keys) for n in range(start, start + 10)) + b"\n")
        return lambda results: _all_twice(results, keys)

    return make


def _all_twice(results: Path, keys: int) -> bool:
    """Return whether results are those words twice each; line by line, as there are many."""
    with results.open() as file:
        if next(file) != "{\n":
            return False
        for n in range(keys):
            if next(file) != f'  "w{n:08}": 2{"," if n + 1 < keys else ""}\n':
                return False
        return [*file] == ["}\n"]
