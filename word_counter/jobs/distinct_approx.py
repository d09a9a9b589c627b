"""About how many different lines, or values of a field, there are.

`word-counter run visits.csv --job distinct_approx --param field=3`. It uses a HyperLogLog. The result has bounds: in
95 of 100 cases the number lies between them, about 3 % to either side. It is the same in each run. Needs the extra
`sketches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from word_counter import Job, Mapper, Reducer
from word_counter.fields import field_of
from word_counter.jobs.distinct import Distinct as Exact
from word_counter.sketches import DistinctSketch, library


class SketchOfValues(Mapper):
    """Adds each value to one sketch, and yields the sketch at the end."""

    input_kinds = ("lines",)

    def setup(self) -> None:
        self.sketch = DistinctSketch()

    def map(self, line: str) -> tuple[()]:
        self.sketch.add(field_of(line, self.params["field"], self.params["delimiter"]))
        return ()

    def close(self) -> Iterator[tuple[str, str]]:
        yield "distinct", self.sketch.pack()


class MergedSketches(Reducer):
    """Merges sketches, and returns the result of the last one."""

    def combine(self, key: str, values: Iterable[str]) -> str:  # noqa: ARG002 (there is one key)
        return DistinctSketch.merged(values).pack()

    def reduce(self, key: str, values: Iterable[str]) -> dict[str, int]:  # noqa: ARG002
        return DistinctSketch.merged(values).result()


class DistinctApprox(Job):
    """One sketch of all values."""

    mapper = SketchOfValues
    reducer = MergedSketches
    params = Exact.params

    def check(self) -> None:
        super().check()
        library("datasketches")
