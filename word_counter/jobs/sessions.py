"""How long users stayed: their sessions, by the times of log lines.

`word-counter run access.log --job sessions --param gap=900`. A session ends when nothing happens for longer than the
gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from word_counter import Job, Param, Reducer
from word_counter.logs import TIME_PARAMS, LogMapper, Record, Span, spans, utc


class Moments(LogMapper):
    """Yields the user of a line, with a session of this one line."""

    def map_record(self, record: Record) -> Iterator[tuple[str, list[Span]]]:
        at = self.milliseconds(record)
        yield record.field(self.params["by"]), [Span(at, at, 1)]


class Joined(Reducer):
    """Joins sessions that are no further apart than the gap, in any order."""

    def combine(self, key: str, values: Iterable[list[Span]]) -> list[Span]:  # noqa: ARG002 (all users alike)
        return spans((span for value in values for span in value), round(1000 * self.params["gap"]))

    def reduce(self, key: str, values: Iterable[list[Span]]) -> list[dict[str, Any]]:
        return [
            {
                "start": utc(span.start / 1000),
                "end": utc(span.end / 1000),
                "seconds": (span.end - span.start) / 1000,
                "lines": span.events,
            }
            for span in self.combine(key, values)
        ]


class Sessions(Job):
    """The sessions of each user, the earliest first."""

    mapper = Moments
    reducer = Joined
    params = {
        **TIME_PARAMS,
        "by": Param("host", "the field that says whose line it is, such as host or user"),
        "gap": Param(1800.0, "after so many seconds of silence another session begins", least=0),
    }
    settings = LogMapper.KEPT
