"""Exact sum: adds ints and floats without rounding, so that the result does not depend on how values are grouped."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

#: Every float from this number on is a whole number.
_ALL_WHOLE = 2.0**53


class ExactSum:
    """A sum of ints and floats without rounding.

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
            self.whole += int(x)  # exact, and so partials overflow in no order of the values
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
        """Return the sum in a form that JSON can hold."""
        return {"int": self.whole, "floats": self.partials}

    def value(self) -> float:
        """Return the float nearest to the exact sum; OverflowError when there is none."""
        return float(self.whole + sum(map(Fraction, self.partials)))


def add(total: Any, value: Any) -> Any:
    """Add a number or a packed state to a running total, which is an int as long as all values were ints."""
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
    """Return a running total in a form that JSON can hold."""
    return total if total.__class__ is int else total.state()
