"""The files that each word occurs in, sorted.

`word-counter run docs/ --job inverted_index`. Words are those of the word count.
"""

from __future__ import annotations

from word_counter import Job, Lines, Mapper, Unique
from word_counter.kernel import count_words


class WordsOfFile(Mapper):
    """Yields each word of a chunk once, with the chunk's file."""

    def map_chunk(self, lines: Lines) -> dict[str, str]:
        return dict.fromkeys(count_words(lines.raw), lines.source)


class InvertedIndex(Job):
    """The distinct files of each word."""

    mapper = WordsOfFile
    reducer = Unique
