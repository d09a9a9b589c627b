"""Formats of log lines: Apache's and nginx's combined, syslog, JSON and Log4j-style. Each line becomes a record.

combined    ``203.0.113.9 - ann [20/Nov/2026:09:14:02 +0100] "GET /tea/7 HTTP/1.1" 200 512 "-" "curl/8"``; the last two
            may be missing (the common format), or followed by a duration such as nginx's ``$request_time``
syslog      RFC 5424, RFC 3164, and the latter with an ISO time, each with or without ``<PRI>``
json        one object on each line; fields of inner objects are named ``outer.inner``
log4j       a time, up to three words such as ``[thread]`` or a service, a level, a message
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from word_counter.errors import UsageError


class Unreadable(ValueError):  # noqa: N818 (it is about the line; whether it is an error is for the job to decide)
    """A line is not of the format, or lacks something that the job needs."""


@dataclass(frozen=True, slots=True)
class Record:
    """The content of one log line.

    Attributes:
        time: when it happened, as text; "" where the line has no time.
        clock: the usual format of times in this log format, by its name in :class:`word_counter.logs.clock.Clock`.
        level: the severity, as text; for a request the class of its status, as in ``5xx``; ``-`` for none.
        message: what happened; for a request its method and path.
        fields: all other fields, by name.
    """

    time: str
    clock: str
    level: str = "-"
    message: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def field(self, name: str) -> str:
        """Return a field; Unreadable when there is none, or it is ``-``."""
        value = self.fields.get(name, "-")
        if value == "-":
            message = f"there is no {name}, only {', '.join(self.fields) or 'no fields'}"
            raise Unreadable(message)
        return value


_COMBINED = re.compile(
    r"""(?P<host>\S+)\ (?P<ident>\S+)\ (?P<user>\S+)\ \[(?P<time>[^\]]+)\]
    \ "(?P<request>(?:[^"\\]|\\.)*)"\ (?P<status>\d{3})\ (?P<bytes>\d+|-)
    (?:\ "(?P<referer>(?:[^"\\]|\\.)*)"\ "(?P<agent>(?:[^"\\]|\\.)*)")?
    (?:\ (?P<latency>\d+(?:\.\d+)?))?(?:\s.*)?""",
    re.VERBOSE,
)
_PRI = r"(?:<(?P<pri>\d{1,3})>)?"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_SYSLOG_5424 = re.compile(
    _PRI + r"1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r'(?:-|(?:\[(?:[^\]\\"]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: \ufeff?(?P<message>.*))?'
)
_SYSLOG_3164 = re.compile(
    _PRI + r"(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|" + _ISO + r") (?P<host>\S+) "
    r"(?P<app>[^\s:\[]+)(?:\[(?P<pid>[^\]]*)\])?: ?(?P<message>.*)"
)
_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL"
_LOG4J = re.compile(
    r"\[?(?P<time>" + _ISO + r")\]?(?: -)?\s+(?P<context>(?:(?:\[[^\]]*\]|[^\s\[]\S*)\s+){0,3}?)"
    r"\[?(?P<level>" + _LEVELS + r")\]?:?(?:\s+\[(?P<thread>[^\]]*)\])?(?:\s+-)?"
    r"(?:\s+(?P<logger>\S+(?=\s+-\s)|[\w$]+(?:\.[\w$]+)+(?=:\s))(?:\s+-|:))?(?:\s+(?P<message>.*))?"
)
#: The severities of syslog, RFC 5424, section 6.2.1.
_SEVERITIES = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
#: The usual names of members in JSON logs, in the order in which they are tried.
_TIMES = ("time", "timestamp", "@timestamp", "ts", "date")
_LEVEL_NAMES = ("level", "severity", "levelname", "log.level", "lvl")
_MESSAGES = ("message", "msg", "event", "text")


def _combined(line: str) -> Record | None:
    found = _COMBINED.fullmatch(line)
    if found is None:
        return None
    fields = _fields(found, "time")
    method, _, target = fields["request"].partition(" ")
    path = target.partition(" ")[0].partition("?")[0]
    fields |= {"method": method, "path": path}
    return Record(found["time"], "clf", f"{found['status'][0]}xx", f"{method} {path}".strip(), fields)


def _syslog(line: str) -> Record | None:
    found = _SYSLOG_5424.fullmatch(line) or _SYSLOG_3164.fullmatch(line)
    if found is None:
        return None
    level = "-" if found["pri"] is None else _SEVERITIES[int(found["pri"]) % 8]
    clock = "iso" if found["time"][0].isdigit() else "bsd"
    time = "" if found["time"] == "-" else found["time"]
    return Record(time, clock, level, found["message"] or "", _fields(found, "time", "message", "pri"))


def _json(line: str) -> Record | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        fields = dict(_flat(json.loads(line)))
    except (ValueError, RecursionError):
        return None
    time, level, message = (
        next((fields[name] for name in names if name in fields), "") for names in (_TIMES, _LEVEL_NAMES, _MESSAGES)
    )
    clock = "epoch" if time.replace(".", "", 1).isdigit() else "iso"
    return Record(time, clock, level or "-", message, fields)


def _flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value)


def _log4j(line: str) -> Record | None:
    found = _LOG4J.fullmatch(line)
    if found is None:
        return None
    fields = _fields(found, "time", "level", "message", "context")
    if context := found["context"].strip():
        fields["context"] = context
    return Record(found["time"], "iso", found["level"], found["message"] or "", fields)


def _fields(found: re.Match[str], *without: str) -> dict[str, str]:
    return {name: text for name, text in found.groupdict().items() if text is not None and name not in without}


_READERS: dict[str, Callable[[str], Record | None]] = {
    "combined": _combined,
    "syslog": _syslog,
    "json": _json,
    "log4j": _log4j,
}
#: The formats that there are.
FORMATS = tuple(_READERS)


def reader(name: str = "auto", pattern: str = "") -> Callable[[str], Record]:
    """Return a function that reads a line, or raises Unreadable.

    Args:
        name: the format; "auto" takes the first that fits, for each line.
        pattern: a regular expression in place of a format. Its groups become the record's fields; the groups ``time``,
            ``level`` and ``message`` become the attributes of these names.
    """
    if pattern:
        return _by_pattern(re.compile(pattern))
    readers = list(_READERS.values()) if name == "auto" else [_READERS[name]]

    def read(line: str) -> Record:
        for attempt in readers:
            record = attempt(line)
            if record is not None:
                return record
        message = f"this is no line of {' or '.join(FORMATS) if name == 'auto' else name}"
        raise Unreadable(message)

    return read


def check_pattern(pattern: str) -> None:
    """Raise UsageError, or the error of `re`, unless this can be the pattern of lines."""
    if pattern and not re.compile(pattern).groupindex:
        message = "it has no named group, such as (?P<time>...)"
        raise UsageError(message)


def _by_pattern(pattern: re.Pattern[str]) -> Callable[[str], Record]:
    def read(line: str) -> Record:
        found = pattern.search(line)
        if found is None:
            message = "the pattern is not in this line"
            raise Unreadable(message)
        fields = _fields(found)
        return Record(fields.get("time", ""), "iso", fields.get("level", "-"), fields.get("message", line), fields)

    return read
