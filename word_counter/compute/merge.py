"""Merge: the results of all partitions become one stream of pairs, sorted by key.

This module knows nothing of Redis or of processes: segments come in, pairs go out.
"""

from __future__ import annotations

import heapq
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

_key_of = itemgetter(0)
#: So many of the largest values are shown.
_MOST = 10


def merge(partitions: Iterable[Iterable[str | bytes]]) -> Iterator[tuple[str, Any]]:
    """Merge the segments of all partitions into one stream of key texts and values, sorted by key.

    One segment of each partition is in memory at a time. All pairs up to the smallest of their last keys are taken at
    once and sorted. They are a few sorted runs, which a sort merges many times faster than a heap does key by key.
    """
    streams = [_entries(segments) for segments in partitions]
    held = [(next(stream, []), stream) for stream in streams]
    held = [(entries, stream) for entries, stream in held if entries]
    while held:
        bound = min(entries[-1][0] for entries, _ in held)
        ready: list[tuple[str, Any]] = []
        still_held: list[tuple[list[tuple[str, Any]], Iterator[list[tuple[str, Any]]]]] = []
        for entries, stream in held:
            end = bisect_right(entries, bound, key=_key_of)
            ready += entries[:end]
            still_held.append((entries[end:] or next(stream, []), stream))
        held = [(entries, stream) for entries, stream in still_held if entries]
        ready.sort(key=_key_of)
        yield from ready


def parts_of(results: Sequence[Iterable[str | bytes]], form: str) -> list[Iterator[tuple[str, Any]]]:
    """Return the pairs for each file of results: one file with all, merged; in the form "mr-out" one a partition."""
    return [merge([one]) for one in results] if form == "mr-out" else [merge(results)]


def _entries(segments: Iterable[str | bytes]) -> Iterator[list[tuple[str, Any]]]:
    return filter(None, (list(json.loads(segment).items()) for segment in segments))


@dataclass(slots=True)
class Summary:
    """A summary of a job's results: how many keys, and the ``most`` largest values."""

    most: int = _MOST
    keys: int = 0
    #: A heap of the largest values. Of equal values the one whose key came first ranks higher.
    best: list[tuple[float, int, str]] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, top: int) -> Summary:
        """Return an empty one; of results of which only the first ``top`` are written it shows no more (0: all)."""
        return cls(min(_MOST, top or _MOST))

    @property
    def largest(self) -> list[tuple[str, float]]:
        """The largest numeric values with their keys, the largest first."""
        return [(key, value) for value, _, key in sorted(self.best, reverse=True)]


def summarised(pairs: Iterable[tuple[str, Any]], summary: Summary) -> Iterator[tuple[str, Any]]:
    """Pass the merged results on, and fill ``summary`` with their number and the largest numeric values."""
    best, n = summary.best, summary.most
    for key, value in pairs:
        summary.keys += 1
        if (value.__class__ is int or value.__class__ is float) and (len(best) < n or value > best[0][0]):
            entry = (value, -summary.keys, key)
            if len(best) < n:
                heapq.heappush(best, entry)
            else:
                heapq.heapreplace(best, entry)
        yield key, value
