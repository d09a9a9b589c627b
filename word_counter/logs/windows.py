"""Windows of time by the time of events: pure functions, so that late and unordered lines are counted right.

Tumbling windows follow each other, sliding ones overlap. Both begin at whole multiples of a step since 1970, in UTC.
A session is a span of events that follow each other within a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple


def window_starts(milliseconds: int, size: int, every: int = 0) -> range:
    """Return the starts of the windows that contain a time, in seconds since 1970.

    Args:
        milliseconds: the time, since 1970.
        size: how long a window is, in seconds. It contains its start, but not its end.
        every: the seconds from the start of a window to the next; 0: the same as ``size``. When it is more than
            ``size``, some times are in no window.
    """
    every = every or size
    second = milliseconds // 1000
    last = second - second % every
    first = last - (size - 1 - (second - last)) // every * every
    return range(first, last + 1, every)


class Span(NamedTuple):
    """Events that follow each other within a gap: the first and the last time, in ms since 1970, and how many."""

    start: int
    end: int
    events: int


def spans(some: Iterable[Span | tuple[int, int, int]], gap: int) -> list[Span]:
    """Join spans that are at most ``gap`` milliseconds apart; return them in the order of time.

    Joining joined spans gives the spans of all their events, however these were grouped.
    """
    joined: list[Span] = []
    for start, end, events in sorted(some):
        if joined and start - joined[-1].end <= gap:
            last = joined[-1]
            joined[-1] = Span(last.start, max(last.end, end), last.events + events)
        else:
            joined.append(Span(start, end, events))
    return joined


@lru_cache(4096)
def utc(seconds: float) -> str:
    """Return a time as text in UTC, as in ``2026-11-20T09:15:00Z``; with milliseconds where it has any."""
    whole = seconds == int(seconds)
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds" if whole else "milliseconds")
    return text.replace("+00:00", "Z")
