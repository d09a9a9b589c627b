"""Result order: sorts results (``--sort``) and keeps the first ones (``--top``), in bounded memory."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from word_counter.errors import OutputError
from word_counter.files.drafts import KeepAlive, Rows, unchanged
from word_counter.job.json_order import order_of
from word_counter.settings.user_folders import room_for
from word_counter.shuffle.external_sort import sorted_on_disk

#: Up to so many first rows are selected in memory. More are sorted on disk.
_PICKED_ROWS = 100_000


def arranged(
    rows: Rows, sort: str = "key", top: int = 0, *, keep_alive: KeepAlive = unchanged
) -> Iterator[tuple[str, Any]]:
    """Yield rows in another order, or the first of them.

    All rows are read, whatever ``top`` is, as the iterator may count them.

    Args:
        rows: key texts with their values, sorted by key.
        sort: "key", "value" or "-value", which begins with the largest; rows of equal values stay sorted by key.
        top: how many to yield; 0: all.
        keep_alive: passes on rows that are read back from disk.
    """
    taken = iter(rows)
    if sort == "key":
        yield from islice(taken, top) if top else taken
        deque(taken, maxlen=0)
    elif 0 < top <= _PICKED_ROWS:
        pick = heapq.nlargest if sort == "-value" else heapq.nsmallest
        yield from pick(top, taken, key=_place)
    else:
        room = room_for("sort the results", OutputError)
        in_order = map(tuple, sorted_on_disk(taken, _place, room, falling=sort == "-value"))
        yield from islice(keep_alive(in_order), top or None)


def sorts_on_disk(sort: str, top: int) -> bool:
    """Return whether rows that are arranged so may need room where temporary files go."""
    return sort != "key" and not 0 < top <= _PICKED_ROWS


def _place(row: tuple[str, Any]) -> tuple[int, Any, str]:
    value = row[1]
    return (2, value, "") if value.__class__ is int else order_of(value)
