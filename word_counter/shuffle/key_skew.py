"""Key skew: how much of the work a partition has, and which of its keys have the most values.

Both are counted in intermediate values: one for each chunk when the values of a key are combined, else all of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from word_counter.native._kernel import Sums

#: How many of the heaviest keys of a partition are recorded.
_HEAVIEST = 5


class KeySkew:
    """The number of keys and values of one partition, and its heaviest keys."""

    def __init__(self) -> None:
        self.keys = 0
        self.values = 0
        #: The group keys of the heaviest keys, each with the number of its values, the heaviest first.
        self.heaviest: list[tuple[str | bytes, int]] = []
        self._folded: dict[str | bytes, int] = {}

    def fold(self, group: str | bytes, values: int) -> None:
        """Record that so many values of a key were combined into one before the key was counted."""
        self._folded[group] = self._folded.get(group, 0) + values - 1

    def count_sums(self, sums: Sums) -> None:
        """Count the keys and values that the native kernel has added up."""
        self.keys, self.values, heaviest = sums.heaviest(_HEAVIEST)
        self.heaviest = [(key, values) for key, values in heaviest]

    def note(self, group: str | bytes, values: int) -> None:
        """Count one key, where keys come one by one."""
        self.keys += 1
        self.values += values
        if len(self.heaviest) < _HEAVIEST or values > self.heaviest[-1][1]:
            self.heaviest.append((group, values))
            self.heaviest.sort(key=lambda entry: -entry[1])
            del self.heaviest[_HEAVIEST:]

    def count_all(self, groups: Mapping[str | bytes, Sequence[Any]]) -> None:
        """Count all keys at once, without a Python call for each: there may be millions."""
        counts = dict(zip(groups, map(len, groups.values()), strict=True))
        for group, more in self._folded.items():
            counts[group] += more
        self.keys = len(counts)
        self.values = sum(counts.values())
        found = heapq.nlargest(_HEAVIEST, zip(counts.values(), range(len(counts)), counts, strict=True))
        self.heaviest = [(group, values) for values, _, group in found]
