"""Weight: how much of the work a partition is, and which of its keys are the heaviest.

Both are counted in values as they travelled: one a chunk for a key whose values are folded, else all of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from word_counter.native._kernel import Sums

#: So many keys of a partition are told of.
_HEAVIEST = 5


class KeySkew:
    """The weight of one partition."""

    def __init__(self) -> None:
        self.keys = 0
        self.values = 0
        #: The group keys of the heaviest keys, each with its values, the heaviest first.
        self.heaviest: list[tuple[str | bytes, int]] = []
        self._folded: dict[str | bytes, int] = {}

    def fold(self, group: str | bytes, values: int) -> None:
        """Take note that so many values of a key became one before it was weighed."""
        self._folded[group] = self._folded.get(group, 0) + values - 1

    def weigh_sums(self, sums: Sums) -> None:
        """Weigh what was added up natively."""
        self.keys, self.values, heaviest = sums.heaviest(_HEAVIEST)
        self.heaviest = [(key, values) for key, values in heaviest]

    def note(self, group: str | bytes, values: int) -> None:
        """Weigh one key, where they come one by one."""
        self.keys += 1
        self.values += values
        if len(self.heaviest) < _HEAVIEST or values > self.heaviest[-1][1]:
            self.heaviest.append((group, values))
            self.heaviest.sort(key=lambda weighed: -weighed[1])
            del self.heaviest[_HEAVIEST:]

    def weigh(self, groups: Mapping[str | bytes, Sequence[Any]]) -> None:
        """Weigh all keys, without a call of Python for each: there may be millions."""
        counts = dict(zip(groups, map(len, groups.values()), strict=True))
        for group, more in self._folded.items():
            counts[group] += more
        self.keys = len(counts)
        self.values = sum(counts.values())
        found = heapq.nlargest(_HEAVIEST, zip(counts.values(), range(len(counts)), counts, strict=True))
        self.heaviest = [(group, values) for values, _, group in found]
