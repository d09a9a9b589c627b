"""LogMapper: a mapper of log lines. A user writes :meth:`LogMapper.map_record` and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from word_counter.job.mapper import Mapper, Pair
from word_counter.job.param import Param
from word_counter.logs.clock import Clock, check_format, check_zone
from word_counter.logs.formats import FORMATS, Record, Unreadable, check_pattern, reader
from word_counter.logs.windows import utc, window_starts

#: Params of a job over log lines.
LINE_PARAMS: Mapping[str, Param] = MappingProxyType(
    {
        "format": Param(
            "auto", "how lines are written; auto: as the first of the others that fits", ("auto", *FORMATS)
        ),
        "pattern": Param(
            "", "in place of a format, a regular expression with groups like (?P<time>...)", check=check_pattern
        ),
        "unreadable": Param(
            "keep", "what happens to lines that cannot be read: set aside, or only counted", ("keep", "count")
        ),
    }
)  #: Params of a job over log lines that uses their times.
TIME_PARAMS: Mapping[str, Param] = MappingProxyType(
    {
        **LINE_PARAMS,
        "time_format": Param(
            "",
            "iso, clf, bsd, epoch, epoch_ms, or as strptime takes it; empty: as is usual in the format",
            check=check_format,
        ),
        "zone": Param("UTC", "the zone of times that name none, as in Europe/Berlin", check=check_zone),
        "year": Param(0, "the year of times that name none", least=0),
    }
)
#: What holds in a job that does not declare them.
_DEFAULTS = {name: param.default for name, param in TIME_PARAMS.items()}


class LogMapper(Mapper, ABC):
    """Turns each line into a record, and each record into any number of pairs.

    A job that has :data:`LINE_PARAMS`, or :data:`TIME_PARAMS`, among its ``params`` lets its user say how lines are
    written. In another job these params have their defaults.

    A line that cannot be read is never skipped silently. With the param ``unreadable`` at ``keep`` it is a bad record,
    which goes into quarantine, up to ``max_bad_records`` of them. With ``count`` it is only counted.
    """

    #: So many lines that cannot be read a job may set aside, unless it is told another number.
    KEPT: ClassVar[dict[str, int]] = {"max_bad_records": 1000}

    @abstractmethod
    def map_record(self, record: Record) -> Iterable[Pair]:
        """Yield the pairs of one record; raise Unreadable when it lacks something that is needed."""

    def setup(self) -> None:
        self.params = {**_DEFAULTS, **self.params}
        self._read = reader(self.params["format"], self.params["pattern"])
        self._clocks: dict[str, Clock] = {}

    def map(self, line: str) -> Iterable[Pair]:
        if not line.strip():
            self.count("blank lines")
            return ()
        try:
            return list(self.map_record(self._read(line)))  # all of its pairs, or none
        except Unreadable:
            if self.params["unreadable"] == "keep":
                raise
            self.count("lines that cannot be read")
            return ()

    def windows(self, record: Record) -> list[str]:
        """Return the starts, as texts in UTC, of a record's windows: those of the params ``size`` and ``every``."""
        starts = window_starts(self.milliseconds(record), self.params["size"], self.params["every"])
        if not starts:
            self.count("lines between windows")
        try:
            return list(map(utc, starts))
        except (ValueError, OverflowError, OSError) as error:
            message = f"a window of the time {record.time} begins beyond the calendar: {error}"
            raise Unreadable(message) from None

    def milliseconds(self, record: Record) -> int:
        """Return when something happened, in milliseconds since 1970; Unreadable when the record does not say."""
        form = self.params["time_format"] or record.clock
        clock = self._clocks.get(form)
        if clock is None:
            clock = self._clocks[form] = Clock(form, self.params["zone"], self.params["year"])
        return clock.milliseconds(record.time)
