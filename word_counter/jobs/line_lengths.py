"""How many lines there are of each length: a histogram.

`word-counter run input/ --job line_lengths --param width=20`. A key is the smallest length of a bar, in characters.
"""

from __future__ import annotations

from collections import Counter

from word_counter import Job, Lines, Mapper, Param, Sum


class Lengths(Mapper):
    """Counts the lengths of a whole chunk at once, which saves a call for each line."""

    def map_chunk(self, lines: Lines) -> Counter[int]:
        width = self.params["width"]
        return Counter(len(line) // width * width for line in lines)


class LineLengths(Job):
    """Lines by length."""

    mapper = Lengths
    reducer = Sum
    params = {"width": Param(10, "how wide a bar is, in characters", least=1)}
