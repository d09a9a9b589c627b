"""The paths of a web server that take longest, by two steps: the mean time of each path, then the longest of these.

Try it: `word-counter run examples/shop/access.log --job examples/slow_paths.py --param n=2 --engine inline --output -`.
"""

from collections.abc import Iterator
from typing import Any

from word_counter import Job, Mapper, Mean, Param, Step, TopN
from word_counter.logs import LINE_PARAMS, LogMapper, Record, template


class TimeOfPath(LogMapper):
    """Yields the path of a request, with placeholders for numbers, and how long it took."""

    def map_record(self, record: Record) -> Iterator[tuple[str, float]]:
        yield template(record.field("path")), float(record.field("latency"))


class ToOneKey(Mapper):
    """Brings all paths together as lists that begin with the mean time, by which they are compared."""

    def map_pair(self, key: str, value: float) -> Iterator[tuple[str, list[Any]]]:
        yield "slowest", [value, key]


class Slowest(TopN):
    """Keeps the longest times."""

    def setup(self) -> None:
        self.n = self.params["n"]


class SlowPaths(Job):
    """The slowest paths, with their mean time in seconds."""

    steps = (Step(TimeOfPath, Mean), Step(ToOneKey, Slowest))
    params = {**LINE_PARAMS, "n": Param(10, "how many paths", least=1)}
    settings = LogMapper.KEPT
