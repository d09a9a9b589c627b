"""Exact sums: of ints and floats without rounding, so that no grouping of the values can change the result."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

#: From here on every float is a whole number.
_ALL_WHOLE = 2.0**53


class ExactSum:
    """A sum of ints and floats without rounding, so that no grouping of the values can change it.

    Floats are kept as non-overlapping partial sums (J. R. Shewchuk, "Adaptive Precision Floating-Point
    Arithmetic", 1997, as in ``math.fsum``); a float's partials print and read back exactly in JSON.
    """

    __slots__ = ("partials", "whole")

    def __init__(self, whole: int = 0, partials: Iterable[float] = ()) -> None:
        self.whole = whole
        self.partials = list(partials)

    def add(self, x: float) -> None:
        """Add a float; ValueError when it is not finite."""
        if not math.isfinite(x):
            message = f"Sum takes finite numbers, not {x!r}"
            raise ValueError(message)
        if abs(x) >= _ALL_WHOLE:
            self.whole += int(x)  # exact, and keeps the partials from overflowing in some order but not in another
            return
        partials = self.partials
        i = 0
        for y in partials:
            if abs(x) < abs(y):
                x, y = y, x  # noqa: PLW2901 (the algorithm swaps them)
            high = x + y
            low = y - (high - x)
            if low:
                partials[i] = low
                i += 1
            x = high
        partials[i:] = [x]

    def state(self) -> Any:
        """Return the sum as JSON can hold it."""
        return {"int": self.whole, "floats": self.partials}

    def value(self) -> float:
        """Return the float nearest to the exact sum; OverflowError when there is none."""
        return float(self.whole + sum(map(Fraction, self.partials)))


def add(total: Any, value: Any) -> Any:
    """Add a number or a travelled state to a running total: an int as long as all were ints."""
    if value.__class__ is int:
        if total.__class__ is int:
            return total + value
        total.whole += value
        return total
    if total.__class__ is int:
        total = ExactSum(total)
    if isinstance(value, dict):
        total.whole += value["int"]
        for x in value["floats"]:
            total.add(x)
    else:
        total.add(value)
    return total


def pack(total: Any) -> Any:
    """Return a running total as JSON can hold it."""
    return total if total.__class__ is int else total.state()
