"""Jobs that take their time, so that faults hit in the middle of map tasks, of reduce tasks and of the merge."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from tests.oracle import words_of
from word_counter import Job, Mapper, Reducer, Sum

#: Where :class:`Held` looks for the file that lets it go on.
GATE = "CHAOS_GATE"


class SlowWords(Mapper):
    """Yields every word by itself, and counts the lines in a counter of its own."""

    line_seconds = 0.001

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        time.sleep(self.line_seconds)
        self.count("lines seen")
        for word in words_of(line):
            yield word, 1


class VerySlowWords(SlowWords):
    line_seconds = 0.004


class SlowSum(Reducer):
    """Adds up, one key after the other, without a ``combine``: the partials hold every single value."""

    def reduce(self, key: str, values: Iterable[int]) -> int:
        time.sleep(0.002)
        self.count("keys reduced")
        return sum(values)


class SlowCount(Job):
    """Long map tasks."""

    mapper, reducer = VerySlowWords, Sum


class SlowReduce(Job):
    """Short map tasks and long reduce tasks."""

    mapper, reducer = SlowWords, SlowSum


class Shapes(Mapper):
    """Yields each word's first letter and length: keys that are tuples."""

    def map(self, line: str) -> Iterator[tuple[tuple[str, int], int]]:
        time.sleep(0.001)
        self.count("lines seen")
        for word in words_of(line):
            yield (word[0], len(word)), 1


class ShapeCount(Job):
    mapper, reducer = Shapes, Sum


class Gated(Mapper):
    """Waits at its first line until the gate is open."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        while not os.path.exists(os.environ[GATE]):
            time.sleep(0.01)
        self.count("lines seen")
        for word in words_of(line):
            yield word, 1


class Held(Job):
    """Tasks that run for as long as they are wanted to."""

    mapper, reducer = Gated, Sum
