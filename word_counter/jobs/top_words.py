"""The most frequent words, by two steps.

`word-counter run books/ --job top_words --param n=20`: one step counts them, the next keeps the most frequent. Of
equally frequent words the first by name is kept.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from word_counter import Job, Mapper, Param, Reducer, Step, Sum
from word_counter.jobs.word_count import WordMapper

#: Words and how often each occurs.
Counted = list[list[Any]]


class ToOneKey(Mapper):
    """Brings all counted words together, each as a list of one."""

    def map_pair(self, key: str, value: int) -> Iterator[tuple[str, Counted]]:
        yield "words", [[key, value]]


class Largest(Reducer):
    """Keeps the most frequent words of several lists."""

    def combine(self, key: str, values: Iterable[Counted]) -> Counted:  # noqa: ARG002 (there is one key)
        every = (counted for value in values for counted in value)
        return heapq.nsmallest(self.params["n"], every, key=lambda counted: (-counted[1], counted[0]))

    def reduce(self, key: str, values: Iterable[Counted]) -> Counted:
        return self.combine(key, values)


class TopWords(Job):
    """The words of the word count, the most frequent first."""

    steps = (Step(WordMapper, Sum), Step(ToOneKey, Largest))
    params = {"n": Param(10, "how many words", least=1)}
