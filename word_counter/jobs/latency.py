"""Percentiles of latency in windows of time: exactly.

`word-counter run access.log --job latency --param percentiles=95` for the p95 of every five minutes. A percentile is
that of the nearest rank: the smallest value that so many percent of all values do not exceed. All values go through
Redis; `latency_approx` needs far less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from word_counter import Job, Param, Reducer
from word_counter.logs import TIME_PARAMS, LogMapper, Record, Unreadable
from word_counter.sketches import check_percentiles, nearest_rank


class Times(LogMapper):
    """Yields the windows of a line, with the duration in it."""

    def map_record(self, record: Record) -> Iterator[tuple[str, Any]]:
        text = record.field(self.params["field"])
        try:
            took = float(text)
        except ValueError:
            took = -1.0
        if not 0 <= took < float("inf"):
            message = f"the {self.params['field']} {text!r} is no length of time"
            raise Unreadable(message)
        for start in self.windows(record):
            yield start, self.packed(took)

    def packed(self, took: float) -> Any:
        """Return the form in which one duration is yielded."""
        return took


class Percentiles(Reducer):
    """Returns the number of values, and the values at the requested percentiles."""

    def reduce(self, key: str, values: Iterable[float]) -> dict[str, float]:  # noqa: ARG002 (all windows alike)
        ordered = sorted(values)
        n = len(ordered)
        return {"n": n} | {f"p{text}": ordered[nearest_rank(text, n) - 1] for text in self.params["percentiles"]}


class Latency(Job):
    """Percentiles by window."""

    mapper = Times
    reducer = Percentiles
    params = {
        **TIME_PARAMS,
        "field": Param("latency", "the field that says how long it took"),
        "percentiles": Param(["50", "95", "99"], "which percentiles, such as 99.9", check=check_percentiles),
        "size": Param(300, "how long a window is, in seconds", least=1),
        "every": Param(0, "a window begins each so many seconds; 0: where the last one ends", least=0),
    }
    settings = LogMapper.KEPT
