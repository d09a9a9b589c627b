"""The order of results, and how many of them are written, in bounded memory."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from word_counter.errors import OutputError
from word_counter.files.drafts import Holding, Rows, as_they_are
from word_counter.job.json_order import order_of
from word_counter.settings.user_folders import room_for
from word_counter.shuffle.external_sort import sorted_on_disk

#: So many rows are picked out of all of them in memory.
_PICKED_ROWS = 100_000


def arranged(
    rows: Rows, sort: str = "key", top: int = 0, *, holding: Holding = as_they_are
) -> Iterator[tuple[str, Any]]:
    """Yield rows in another order, or the first of them.

    All rows are taken, whatever ``top`` is: who passes them on may count them.

    Args:
        rows: key texts with their values, sorted by key.
        sort: "key", "value" or "-value", which begins with the largest; rows of equal values stay sorted by key.
        top: how many to yield; 0: all.
        holding: goes through what was on disk.
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
        yield from islice(holding(in_order), top or None)


def sorts_on_disk(sort: str, top: int) -> bool:
    """Return whether rows that are arranged so may need room where temporary files go."""
    return sort != "key" and not 0 < top <= _PICKED_ROWS


def _place(row: tuple[str, Any]) -> tuple[int, Any, str]:
    value = row[1]
    return (2, value, "") if value.__class__ is int else order_of(value)
