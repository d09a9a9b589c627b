"""Weight: how much of the work a partition is, and which of its keys are the heaviest.

Both are counted in values as they travelled: one a chunk for a key whose values are folded, else all of them.
"""

from __future__ import annotations

import heapq

#: So many keys of a partition are told of.
_HEAVIEST = 5
#: How much of a key is told, in characters.
_SHOWN_CHARS = 100


class Weight:
    """The weight of one partition, added up key by key."""

    def __init__(self) -> None:
        self.keys = 0
        self.values = 0
        self._folded: dict[str | bytes, int] = {}
        self._heap: list[tuple[int, str]] = []

    def fold(self, group: str | bytes, values: int) -> None:
        """Take note that so many values of a key, by its group key, became one before it was added."""
        self._folded[group] = self._folded.get(group, 0) + values - 1

    def add(self, group: str | bytes, text: str, values: int) -> None:
        """Add a key: its group key, its text, and how many values it has now."""
        values += self._folded.get(group, 0)
        self.keys += 1
        self.values += values
        entry = (values, text[:_SHOWN_CHARS])
        if len(self._heap) < _HEAVIEST:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    @property
    def heaviest(self) -> list[tuple[str, int]]:
        """The texts of the heaviest keys, each with its values, the heaviest first."""
        return [(text, values) for values, text in sorted(self._heap, reverse=True)]
