"""Sketches: small answers to questions whose exact answer would need all values, at the price of a known error.

Each comes out the same whatever the chunks and workers, as everything does here: what travels is made so that merging
does not depend on the order (docs/decisions/0011-sketches.md). They need the extra ``sketches``.
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
#: The bounds are so many standard deviations off: 95 of 100 answers lie within.
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
        # At its full size from the start, as the smaller forms remember the order in which they grew.
        kind = self._library.tgt_hll_type.HLL_8
        self._sketch = self._library.hll_sketch(_LG_K, kind, start_max_size=True)

    def add(self, text: str) -> None:
        """Take in a text."""
        self._sketch.update(text)

    def pack(self) -> str:
        """Return the sketch as text."""
        return base64.b64encode(self._sketch.serialize_compact()).decode()

    @classmethod
    def merged(cls, packed: Iterable[str]) -> DistinctSketch:
        """Return the sketch of all that was taken in by sketches that were packed."""
        merged = cls()
        kind = merged._library.tgt_hll_type.HLL_8
        union = merged._library.hll_union(_LG_K)
        some = [merged._library.hll_sketch.deserialize(base64.b64decode(text)) for text in packed]
        # Twice: a register is a maximum, so that nothing changes, but that the estimate is made from the registers
        # alone. One that was never merged would be made from the order in which texts came.
        for sketch in some * 2:
            union.update(sketch)
        merged._sketch = union.get_result(kind)
        return merged

    def result(self) -> dict[str, int]:
        """Return about how many there were, and between which bounds. Only of a sketch that was merged."""
        sketch = self._sketch
        low, high = sketch.get_lower_bound(_DEVIATIONS), sketch.get_upper_bound(_DEVIATIONS)
        return {"about": round(sketch.get_estimate()), "low": math.floor(low), "high": math.ceil(high)}


class PercentileSketch:
    """About which value stands at a rank: a DDSketch (C. Masson and others, 2019), with the bins of Datadog's library.

    A bin holds values that differ by less than twice the accuracy from each other. What travels is how many values each
    bin has, as JSON. Values are 0 or more.
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
