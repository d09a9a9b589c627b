"""The shipped job: how often each word occurs.

A word is a run of letters and digits of any script, in lower case, with apostrophes inside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from word_counter.job import Job
from word_counter.mapper import Mapper
from word_counter.reducers import Sum

#: What a word is. ``[^\W_]`` is a letter or digit; an apostrophe, straight or curly, counts between two of them.
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


class WordMapper(Mapper):
    """Yields each distinct word of a chunk with how often it occurs there."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        for match in WORD.finditer(line.lower()):
            yield match.group(), 1


class WordCount(Job):
    """Counts words: each word with how often it occurs, over all inputs."""

    mapper = WordMapper
    reducer = Sum
