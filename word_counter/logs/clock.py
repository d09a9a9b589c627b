"""Clock: turns the text of a time into milliseconds since 1970. Format and time zone are given, not guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from word_counter.logs.record import Unreadable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"(-?)(\d{1,11})(?:\.(\d+))?", re.ASCII)
#: The forms of whole numbers since 1970, with how many are a millisecond.
_PARTS = {"epoch_ms": 1, "epoch_us": 1_000, "epoch_ns": 1_000_000}
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
#: The first and the last day whose windows and sessions have valid dates, with a day to spare.
_FIRST, _LAST = (
    (day - _EPOCH) // timedelta(milliseconds=1)
    for day in (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
)
#: How many texts of times are cached, as logs repeat the same second many times.
_REMEMBERED = 4096
_CLF = re.compile(r"(?P<day>\d\d)/(?P<month>\w{3})/(?P<year>\d{4}):(?P<clock>\d\d:\d\d:\d\d) (?P<zone>[+-]\d{4})")
_BSD = re.compile(r"(?P<month>\w{3}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d)")
#: A table of our own, as strptime takes ten times as long, and uses the month names of the locale.
_MONTHS = {
    name: n
    for n, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}
#: The formats that have a name; any other is one of strptime.
NAMES = ("iso", "clf", "bsd", "epoch", *_PARTS)


class Clock:
    """Reads times of one format.

    Args:
        form: ``iso`` (ISO 8601; a blank may stand for the T), ``clf`` (``20/Nov/2026:09:14:02 +0100``), ``bsd``
            (``Nov 20 09:14:02``, without a year), ``epoch`` (seconds since 1970), ``epoch_ms``, ``epoch_us``,
            ``epoch_ns``, or one of strptime.
        zone: the zone of times that name none, as in ``Europe/Berlin``. Of an hour that comes twice the first is taken.
        year: the year of times that name none; 0: such times cannot be read.
    """

    def __init__(self, form: str = "iso", zone: str = "UTC", year: int = 0) -> None:
        self._form = form
        self._zone = ZoneInfo(zone)
        self._year = year
        by_number: dict[str, Callable[[str], int]] = {"epoch": _seconds}
        by_number |= {name: partial(_whole, parts=parts) for name, parts in _PARTS.items()}
        self._read = by_number.get(form, self._dated)
        by_hand = {"iso": datetime.fromisoformat, "clf": _clf, "bsd": self._bsd}
        self._parse: Callable[[str], datetime] = by_hand.get(form, self._parsed)
        self.milliseconds = lru_cache(_REMEMBERED)(self._milliseconds)

    def _milliseconds(self, text: str) -> int:
        """Return the milliseconds since 1970, rounded down; Unreadable unless the text is such a time."""
        if not text:
            message = "there is no time in this line"
            raise Unreadable(message)
        try:
            milliseconds = self._read(text)
            if not _FIRST <= milliseconds <= _LAST:
                message = "the calendar does not go so far"
                raise ValueError(message)  # noqa: TRY301 (as for the other times that are none)
        except Unreadable:
            raise
        except (ValueError, OverflowError) as error:
            message = f"{text!r} is no time of the format {self._form}: {error}"
            raise Unreadable(message) from None
        return milliseconds

    def _dated(self, text: str) -> int:
        moment = self._parse(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return (moment - _EPOCH) // timedelta(milliseconds=1)

    def _bsd(self, text: str) -> datetime:
        found = _matched(_BSD, text)
        return datetime.fromisoformat(f"{self._told_year(text):04}-{_month_and_day(found)}T{found['clock']}")

    def _parsed(self, text: str) -> datetime:
        if re.search(r"%[YyGcxsD]", self._form):
            return datetime.strptime(text, self._form)  # noqa: DTZ007 (the zone is added where there is none)
        return datetime.strptime(f"{self._told_year(text)} {text}", f"%Y {self._form}")  # noqa: DTZ007 (as above)

    def _told_year(self, text: str) -> int:
        if not self._year:
            message = f"{text!r} names no year: say which it is with --param year="
            raise Unreadable(message)
        return self._year


def check_format(form: str) -> None:
    """Raise ValueError unless this is a format of times, or empty."""
    if form and form not in NAMES and "%" not in form:
        message = f"it is none of {', '.join(NAMES)}, and no format of strptime, such as %Y-%m-%d %H:%M:%S"
        raise ValueError(message)


def check_zone(zone: str) -> None:
    """Raise ValueError unless this is a zone that this machine knows."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        message = "this machine knows no such zone; zones are named like UTC or Europe/Berlin"
        raise ValueError(message) from None


def _clf(text: str) -> datetime:
    found = _matched(_CLF, text)
    return datetime.fromisoformat(f"{found['year']}-{_month_and_day(found)}T{found['clock']}{found['zone']}")


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        message = "it does not look like one"
        raise ValueError(message)
    return found


def _month_and_day(found: re.Match[str]) -> str:
    month = _MONTHS.get(found["month"])
    if month is None:
        message = f"there is no month {found['month']}"
        raise ValueError(message)
    return f"{month:02}-{int(found['day']):02}"


def _seconds(text: str) -> int:
    found = _SECONDS.fullmatch(text)
    if found is None:
        message = "it is no number of seconds since 1970"
        raise ValueError(message)
    sign, whole, part = found[1], int(found[2]), found[3] or ""
    milliseconds = 1000 * whole + int((part + "000")[:3])
    if not sign:
        return milliseconds
    return -milliseconds - bool(part[3:].strip("0"))  # rounded down, as above


def _whole(text: str, parts: int) -> int:
    if _WHOLE.fullmatch(text) is None:
        message = "it is no whole number since 1970"
        raise ValueError(message)
    return int(text) // parts
