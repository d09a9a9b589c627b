"""How many different lines, or values of a field, there are: exactly.

`word-counter run visits.csv --job distinct --param field=3`. Every different value goes through Redis. When these are
too many, `distinct_approx` needs only 4 KiB for any number of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from word_counter import Count, Job, Mapper, Param, Step, Sum
from word_counter.fields import check_delimiter, field_of


class ValueOfLine(Mapper):
    """Yields the line, or a field of it."""

    input_kinds = ("lines",)

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield field_of(line, self.params["field"], self.params["delimiter"]), 1


class OneEach(Mapper):
    """Counts a value once, however many lines have it."""

    def map_pair(self, key: str, value: int) -> Iterator[tuple[str, int]]:  # noqa: ARG002 (which it is does not matter)
        yield "distinct", 1
        yield "lines", value


class Distinct(Job):
    """Counts the different values, and the lines that have them."""

    steps = (Step(ValueOfLine, Count), Step(OneEach, Sum))
    params = {
        "field": Param(0, "which field, from 1; 0: the whole line", least=0),
        "delimiter": Param(
            ",", "what stands between fields, which may be quoted; empty: white space", check=check_delimiter
        ),
    }
