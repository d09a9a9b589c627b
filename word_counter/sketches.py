"""Sketches: small approximate answers, with a known error, to questions whose exact answer would need all values.

Each gives the same result for any chunks and workers: its intermediate values are made so that the order of merging
does not matter (docs/decisions/0011-sketches.md). They need the extra ``sketches``.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from importlib import import_module
from types import ModuleType
from typing import Any

from word_counter.errors import JobLoadError
from word_counter.settings.distribution import how_to_install

#: The registers of a HyperLogLog, as a power of two: 4 KiB, and an error of 1.6 %.
_LG_K = 12
#: The bounds are so many standard deviations from the answer: 95 of 100 true values lie between them.
_DEVIATIONS = 2


def library(name: str) -> ModuleType:
    """Return a library of sketches; JobLoadError when it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        message = f"this job needs {name}, wherever it runs: {how_to_install('sketches')} ({error})"
        raise JobLoadError(message) from None


class DistinctSketch:
    """About how many different texts there were: a HyperLogLog of Apache DataSketches."""

    def __init__(self) -> None:
        self._library = library("datasketches")
        # At its full size from the start, as the smaller forms depend on the order of the texts.
        kind = self._library.tgt_hll_type.HLL_8
        self._sketch = self._library.hll_sketch(_LG_K, kind, start_max_size=True)

    def add(self, text: str) -> None:
        """Add a text."""
        self._sketch.update(text)

    def pack(self) -> str:
        """Return the sketch as text."""
        return base64.b64encode(self._sketch.serialize_compact()).decode()

    @classmethod
    def merged(cls, packed: Iterable[str]) -> DistinctSketch:
        """Return the sketch of all texts that were added to packed sketches."""
        merged = cls()
        kind = merged._library.tgt_hll_type.HLL_8
        union = merged._library.hll_union(_LG_K)
        some = [merged._library.hll_sketch.deserialize(base64.b64decode(text)) for text in packed]
        # Each sketch is added twice. The registers are maxima, so they do not change, but the estimate then depends on
        # them alone. That of a sketch which was never merged would depend on the order of the texts.
        for sketch in some * 2:
            union.update(sketch)
        merged._sketch = union.get_result(kind)
        return merged

    def result(self) -> dict[str, int]:
        """Return about how many texts there were, with the bounds. Only for a merged sketch."""
        sketch = self._sketch
        low, high = sketch.get_lower_bound(_DEVIATIONS), sketch.get_upper_bound(_DEVIATIONS)
        return {"about": round(sketch.get_estimate()), "low": math.floor(low), "high": math.ceil(high)}


class PercentileSketch:
    """About which value has a rank: a DDSketch (C. Masson and others, 2019), with the bins of Datadog's library.

    A bin has values that differ by less than twice the accuracy from each other. The intermediate value is the number
    of values in each bin, as JSON. Values are 0 or more.
    """

    def __init__(self, accuracy: float) -> None:
        self._mapping = library("ddsketch").LogarithmicMapping(accuracy)

    def bin_of(self, value: float) -> str:
        """Return the name of a value's bin."""
        return str(self._mapping.key(value)) if value > self._mapping.min_possible else "zero"

    @staticmethod
    def merged(packed: Iterable[dict[str, int]]) -> dict[str, int]:
        """Return how many values each bin of several sketches has."""
        bins: Counter[str] = Counter()
        for some in packed:
            bins.update(some)
        return dict(bins)

    def at(self, rank: int, bins: dict[str, int]) -> float:
        """Return about which value has a rank, from 1, among those in the bins."""
        left = rank - bins.get("zero", 0)
        if left <= 0:
            return 0.0
        for key in sorted(int(name) for name in bins if name != "zero"):
            left -= bins[str(key)]
            if left <= 0:
                return float(self._mapping.value(key))
        message = f"there is no rank {rank}"
        raise IndexError(message)


def nearest_rank(percentile: str, n: int) -> int:
    """Return the rank, from 1, of a percentile of ``n`` values: the smallest that so many percent do not exceed."""
    return max(1, math.ceil(Fraction(percentile) * n / 100))


def check_percentiles(percentiles: list[Any]) -> None:
    """Raise ValueError unless these are percentiles: more than 0, and no more than 100."""
    for text in percentiles:
        if not 0 < Fraction(text) <= 100:  # noqa: PLR2004 (percent)
            message = f"a percentile is more than 0 and at most 100, not {text}"
            raise ValueError(message)
