"""How often each word occurs.

A word is a run of letters, digits and marks of any script, with single apostrophes inside it. It is counted in lower
case and in NFC, so that its accents may be encoded in either way. This job runs when none is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from word_counter import Job, Lines, Mapper, Sum
from word_counter.kernel import count_words, word_partials, words_of


class WordMapper(Mapper):
    """Yields the words of a line: :meth:`map` says what is counted, :meth:`map_chunk` counts the same, faster."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.map is not WordMapper.map and cls.map_chunk is WordMapper.map_chunk:
            cls.map_chunk = Mapper.map_chunk  # type: ignore[assignment, method-assign]  # it maps lines its own way

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        for word in words_of(line):
            yield word, 1

    def map_chunk(self, lines: Lines) -> dict[str, int]:
        return count_words(lines.raw)

    def map_to_partials(self, lines: Lines, partitions: int) -> tuple[dict[int, str], int] | None:
        own = type(self)
        if own.map_chunk is not WordMapper.map_chunk or own.close is not Mapper.close:
            return None  # a subclass makes something else of the words
        return word_partials(lines.raw, partitions)


class WordCount(Job):
    """Counts words: each word with how often it occurs, over all inputs."""

    mapper = WordMapper
    reducer = Sum
