"""Windows of time, by when things happened: pure functions, so that late and unordered lines come out right.

Tumbling windows follow each other, sliding ones overlap; both begin at whole multiples of a step since 1970, in UTC.
A session is a span of things that happened within a gap of each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple


def window_starts(milliseconds: int, size: int, every: int = 0) -> range:
    """Return where the windows begin that hold a time, in seconds since 1970.

    Args:
        milliseconds: the time, since 1970.
        size: how long a window is, in seconds. It holds its start, and not its end.
        every: a window begins each so many seconds; 0: when the one before ends. When it is more than ``size``, there
            are times that no window holds.
    """
    every = every or size
    second = milliseconds // 1000
    last = second - second % every
    first = last - (size - 1 - (second - last)) // every * every
    return range(first, last + 1, every)


class Span(NamedTuple):
    """What happened within a gap of each other: from when to when, in milliseconds since 1970, and how much."""

    start: int
    end: int
    events: int


def spans(some: Iterable[Span | tuple[int, int, int]], gap: int) -> list[Span]:
    """Join spans that are no further than ``gap`` milliseconds from each other; in the order of time.

    Spans of spans are the spans of all their events, however these were grouped.
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
