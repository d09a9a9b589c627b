"""LogMapper: a mapper of log lines. A user writes :meth:`LogMapper.map_record` and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

from word_counter.job.mapper import Mapper, Pair
from word_counter.job.param import Param, UndeclaredParamError
from word_counter.logs.clock import Clock, check_format, check_zone
from word_counter.logs.formats import FORMATS, check_pattern, reader
from word_counter.logs.levels import SPELLINGS, level_name
from word_counter.logs.param_use import own_calls
from word_counter.logs.record import Record, Unreadable
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
)
#: Params of a job over log lines that uses their times.
TIME_PARAMS: Mapping[str, Param] = MappingProxyType(
    {
        **LINE_PARAMS,
        "time_format": Param(
            "",
            "iso, clf, bsd, epoch, epoch_ms (or _us, _ns), or as strptime takes it; empty: as is usual in the format",
            check=check_format,
        ),
        "zone": Param("UTC", "the zone of times that name none, as in Europe/Berlin", check=check_zone),
        "year": Param(0, "the year of times that name none", least=0),
    }
)
#: The params that methods of LogMapper read themselves. ``windows`` calls ``milliseconds``.
_READ_BY = {
    "setup": (*LINE_PARAMS,),
    "milliseconds": (*(name for name in TIME_PARAMS if name not in LINE_PARAMS),),
    "windows": ("size", "every"),
}
#: Those that not every mapper calls.
_TIME_METHODS = {"milliseconds", "windows"}
#: So many levels that have no name of ours are told apart in a task, and each is so long at the most.
_OTHER_LEVELS, _LONGEST_LEVEL = 5, 20


class LogMapper(Mapper, ABC):
    """Turns each line into a record, and each record into any number of pairs.

    Its job declares :data:`LINE_PARAMS` among its ``params``, or :data:`TIME_PARAMS` if a record's time is asked for.
    One that does not is refused before it runs.

    A line that cannot be read is never skipped silently. With the param ``unreadable`` at ``keep`` it is a bad record,
    which goes into quarantine, up to ``max_bad_records`` of them. With ``count`` it is only counted.
    """

    input_kinds = ("lines",)  # among them those of JSON
    #: So many lines that cannot be read a job may set aside, unless it is told another number.
    KEPT: ClassVar[dict[str, int]] = {"max_bad_records": 1000}

    @classmethod
    def wrong_with_params(cls, declared: Mapping[str, Param]) -> str:
        return _lacking(cls, own_calls(cls, LogMapper) & _TIME_METHODS, declared)

    @abstractmethod
    def map_record(self, record: Record) -> Iterable[Pair]:
        """Yield the pairs of one record; raise Unreadable when it lacks something that is needed."""

    def setup(self) -> None:
        form, pattern, self._unreadable = self._values("setup")
        self._read = reader(form, pattern)
        self._clocks: dict[str, Clock] = {}
        self._other_levels: set[str] = set()
        self._passed_over: dict[str, int] = {}
        self._met = False

    def map(self, line: str) -> Iterable[Pair]:
        if not line.strip():
            self.count("blank lines")
            return ()
        try:
            return list(self.map_record(self._read(line)))  # all of its pairs, or none
        except Unreadable:
            if self._unreadable == "keep":
                raise
            self.count("lines that cannot be read")
            return ()

    def wants(self, record: Record, levels: Sequence[str]) -> bool:
        """Return whether a record has one of some levels, however spelled, or none is named.

        So the counters say which levels there were in each chunk of which no line had one that was asked for.
        """
        if not levels or record.has_level(*levels):
            self._met = True
            return True
        if not self._met:
            name = self._counted_level(record.level)
            self._passed_over[name] = self._passed_over.get(name, 0) + 1
        return False

    def close(self) -> Iterable[Pair] | None:
        if not self._met:
            for name, n in self._passed_over.items():
                self.count(f"lines {name}, not asked for", n)
        return super().close()

    def _counted_level(self, level: str) -> str:
        """Return a level as a counter names it. Counters are few, whatever stands in a log."""
        if level == "-":
            return "without a level"
        name = level_name(level)
        if name not in SPELLINGS and name not in self._other_levels:
            if len(name) > _LONGEST_LEVEL or len(self._other_levels) == _OTHER_LEVELS:
                return "of other levels"
            self._other_levels.add(name)
        return f"of level {name}"

    def windows(self, record: Record) -> list[str]:
        """Return the starts, as texts in UTC, of a record's windows: those of the params ``size`` and ``every``."""
        size, every = self._window
        starts = window_starts(self.milliseconds(record), size, every)
        if not starts:
            self.count("lines between windows")
        try:
            return list(map(utc, starts))
        except (ValueError, OverflowError, OSError) as error:
            message = f"a window of the time {record.time} begins beyond the calendar: {error}"
            raise Unreadable(message) from None

    def milliseconds(self, record: Record) -> int:
        """Return when something happened, in milliseconds since 1970; Unreadable when the record does not say."""
        time_format, zone, year = self._dating
        form = time_format or record.clock
        clock = self._clocks.get(form)
        if clock is None:
            clock = self._clocks[form] = Clock(form, zone, year)
        return clock.milliseconds(record.time)

    @cached_property
    def _dating(self) -> Sequence[Any]:
        return self._values("milliseconds")

    @cached_property
    def _window(self) -> Sequence[Any]:
        return self._values("windows")

    def _values(self, method: str) -> Sequence[Any]:
        """Return the params that a method reads; UndeclaredParamError when the job lacks some of them.

        The check before the run looks for calls, and sees none that are indirect, such as those of a function.
        """
        if lacking := _lacking(type(self), {method} & _TIME_METHODS, self.params):
            raise UndeclaredParamError(lacking)
        return [self.params[name] for name in _READ_BY[method]]


def _lacking(cls: type, called: Collection[str], declared: Collection[str]) -> str:
    """Return what a job lacks for a mapper, whose methods are called that need the time of a record; "" for nothing."""
    read = [*LINE_PARAMS, *(TIME_PARAMS if called else ()), *(_READ_BY["windows"] if "windows" in called else ())]
    lacking = [name for name in dict.fromkeys(read) if name not in declared]
    if not lacking:
        return ""
    why = f"asks for the time of records ({', '.join(sorted(called))})" if called else "reads lines of logs"
    told = "TIME_PARAMS" if called else "LINE_PARAMS"
    own = "".join(f', "{name}": Param(60)' for name in lacking if name not in TIME_PARAMS)
    named = f"{{**{told}{own}}}" if own else told
    return (
        f"mapper {cls.__name__} {why}, and the job lacks the params {', '.join(lacking)}; give it "
        f"params = {named}, and import {told} from word_counter.logs"
    )
