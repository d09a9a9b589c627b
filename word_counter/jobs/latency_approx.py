"""Percentiles of latency in windows of time: within 1 %.

`word-counter run access.log --job latency_approx --param percentiles=95`. Like `latency`, but with a DDSketch: only
some hundred numbers for each window go through Redis. The result is the same in each run. Needs the extra `sketches`.
"""

from __future__ import annotations

from collections.abc import Iterable

from word_counter import Job, Param, Reducer
from word_counter.jobs.latency import Latency as Exact
from word_counter.jobs.latency import Times
from word_counter.sketches import PercentileSketch, library, nearest_rank


class TimesInBins(Times):
    """Yields a sketch for each value: its bin."""

    def setup(self) -> None:
        super().setup()
        self.sketch = PercentileSketch(self.params["accuracy"])

    def packed(self, took: float) -> dict[str, int]:
        return {self.sketch.bin_of(took): 1}


class MergedBins(Reducer):
    """Adds up the bins, and finds the values at the requested percentiles."""

    def combine(self, key: str, values: Iterable[dict[str, int]]) -> dict[str, int]:  # noqa: ARG002 (all windows alike)
        return PercentileSketch.merged(values)

    def reduce(self, key: str, values: Iterable[dict[str, int]]) -> dict[str, float]:
        sketch, bins = PercentileSketch(self.params["accuracy"]), self.combine(key, values)
        n = sum(bins.values())
        return {"n": n} | {f"p{text}": sketch.at(nearest_rank(text, n), bins) for text in self.params["percentiles"]}


class LatencyApprox(Job):
    """Percentiles by window, nearly."""

    mapper = TimesInBins
    reducer = MergedBins
    params = {
        **Exact.params,
        "accuracy": Param(0.01, "how far off a percentile may be, as a share of it", least=0.0001),
    }
    settings = Exact.settings

    def check(self) -> None:
        super().check()
        library("ddsketch")
