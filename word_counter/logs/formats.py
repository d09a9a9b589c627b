"""Formats of log lines: web servers' combined, syslog, JSON, Log4j-style, containers'. Each line becomes a record.

combined    ``203.0.113.9 - ann [20/Nov/2026:09:14:02 +0100] "GET /tea/7 HTTP/1.1" 200 512 "-" "curl/8"``; the last two
            may be missing (the common format), or followed by a duration such as nginx's ``$request_time``
syslog      RFC 5424, RFC 3164, and the latter with an ISO time, each with or without ``<PRI>``
json        one object on each line; fields of inner objects are named ``outer.inner``, and
            :mod:`word_counter.logs.field_names` says which are its message, level and time
log4j       a time, what :mod:`word_counter.logs.header` allows before a level, the level, a message
cri         what Kubernetes keeps of a container: a time, ``stdout`` or ``stderr``, ``F`` or ``P``, the container's line

A line that a container wrote, which Docker keeps in JSON, is read once more: it has the level, and the message. A line
in which a second record begins, as when two processes write at once, is not read: it would be one with parts of both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from word_counter.errors import UsageError
from word_counter.logs.field_names import IMPLIED_LEVELS, find_places, plain_name
from word_counter.logs.header import HEADER, names_a_level
from word_counter.logs.levels import class_of_status, level_of_number
from word_counter.logs.pieces import Pieces
from word_counter.logs.record import Record, Unreadable

_COMBINED = re.compile(
    r"""(?P<host>\S+)\ (?P<ident>\S+)\ (?P<user>\S+)\ \[(?P<time>[^\[\]]+)\]
    \ "(?P<request>(?:[^"\\]|\\.)*)"\ (?P<status>\d{3})\ (?P<bytes>\d+|-)
    (?:\ "(?P<referer>(?:[^"\\]|\\.)*)"\ "(?P<agent>(?:[^"\\]|\\.)*)")?
    (?:\ (?P<latency>\d+(?:\.\d+)?))?(?:\s(?P<rest>.*))?""",
    re.VERBOSE,
)
_SECOND_COMBINED = re.compile(r'\[[^\[\]]+\] "(?:[^"\\]|\\.)*" \d{3} ')
_PRI = r"(?:<(?P<pri>\d{1,3})>)?"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_BSD = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
_SYSLOG_5424 = re.compile(
    _PRI + r"1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r'(?:-|(?:\[(?:[^\]\\"]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: \ufeff?(?P<message>.*))?'
)
_SYSLOG_3164 = re.compile(
    _PRI + rf"(?P<time>{_BSD}|{_ISO}) (?P<host>\S+) (?P<app>[^\s:\[]+)(?:\[(?P<pid>[^\]]*)\])?: ?(?P<message>.*)"
)
#: Right behind other text: one that is quoted in a message, or passed on by a relay, stands behind a blank or a quote.
_SECOND_SYSLOG = re.compile(rf"(?<=[^\s\"'(\[{{=,:<])<\d{{1,3}}>(?:1 (?:-|{_ISO})|{_BSD}|{_ISO}) \S+ \S")
#: The severities of syslog, RFC 5424, section 6.2.1.
_SEVERITIES = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")
_CRI = re.compile(rf"(?P<time>{_ISO}) (?P<stream>stdout|stderr) (?P<tag>[FP])(?: (?P<message>.*))?")
_LOG4J = re.compile(
    rf"\[?(?P<time>{_ISO})\]?(?: -)?\s++(?!(?:stdout|stderr) [FP] ){HEADER}(?:\s+\[(?P<thread>[^\]]*)\])?(?:\s+-)?"
    r"(?:\s+(?P<logger>\S+(?=\s+-\s)|[\w$]+(?:\.[\w$]+)+(?=:\s))(?:\s+-|:))?(?:\s+(?P<message>.*))?"
)
_SECOND_LOG4J = re.compile(rf"(?<=[^\s\"'(\[{{=,:<]){_ISO}\]?(?: -)?\s++{HEADER}")
_EPOCH = re.compile(r"(?P<whole>\d+)(?:\.\d+)?", re.ASCII)
#: What a time is that is a number, by the digits before its point: seconds have ten until the year 2286, and so on.
_EPOCHS = ((11, "epoch"), (14, "epoch_ms"), (17, "epoch_us"), (20, "epoch_ns"))
_BYTES = re.compile(r"\[\d{1,3}(?:, \d{1,3})*\]")


def _combined(line: str) -> Record | None:
    found = _COMBINED.fullmatch(line)
    if found is None:
        return None
    _refuse_a_second(_SECOND_COMBINED, found["rest"])
    fields = _fields(found, "time", "rest")
    method, _, target = fields["request"].partition(" ")
    path = target.partition(" ")[0].partition("?")[0]
    fields |= {"method": method, "path": path}
    return Record(found["time"], "clf", f"{found['status'][0]}xx", f"{method} {path}".strip(), fields)


def _syslog(line: str) -> Record | None:
    found = _SYSLOG_5424.fullmatch(line) or _SYSLOG_3164.fullmatch(line)
    if found is None:
        return None
    _refuse_a_second(_SECOND_SYSLOG, found["message"])
    level = "-" if found["pri"] is None else _SEVERITIES[int(found["pri"]) % 8]
    clock = "iso" if found["time"][0].isdigit() else "bsd"
    time = "" if found["time"] == "-" else found["time"]
    return Record(time, clock, level, found["message"], _fields(found, "time", "message", "pri"))


def _json(line: str, pieces: Pieces | None = None) -> Record | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        fields = dict(_flat(json.loads(line)))
    except (ValueError, RecursionError):
        return None
    places = find_places(tuple(fields))
    if places.collected and pieces is not None:
        pieces.refuse_fields(fields)
    time, clock = _time(fields.get(places.time, ""))
    message = fields.get(places.message)
    if message is not None and _BYTES.fullmatch(message) and "__REALTIME_TIMESTAMP" in fields:
        message = bytes(byte % 256 for byte in json.loads(message)).decode("utf-8", "replace")  # journald, if not plain
    record = Record(time, clock, _level(places.level, fields), message, fields)
    return _of_container(record) if places.kept and message is not None else record


def _time(text: str) -> tuple[str, str]:
    """Return the text of a time in JSON and its clock. The fraction of what is less than a second is left out."""
    found = _EPOCH.fullmatch(text)
    if found is None:
        return text, "iso"
    whole = found["whole"]
    clock = next((clock for digits, clock in _EPOCHS if len(whole) <= digits), "epoch_ns")
    return (text if clock == "epoch" else whole), clock


def _level(name: str, fields: dict[str, str]) -> str:
    if name:
        return level_of_number(plain_name(name), fields[name]) or "-"
    implied = (level for field, level in IMPLIED_LEVELS.items() if field in fields)
    return class_of_status(fields.get("status", "")) or next(implied, "-")


def _flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value)


def _cri(line: str, pieces: Pieces) -> Record | None:
    found = _CRI.fullmatch(line)
    if found is None:
        return None
    pieces.refuse(found["stream"], "tag P" if found["tag"] == "P" else "")
    return _of_container(Record(found["time"], "iso", "-", found["message"] or "", _fields(found, "time", "message")))


def _of_container(kept: Record) -> Record:
    """Return the record of a line that a container wrote; its keeper's time, level and fields come first."""
    line = kept.message.removesuffix("\n").removesuffix("\r")
    inner = next(filter(None, (attempt(line) for attempt in (_combined, _syslog, _json, _log4j))), None)
    if inner is None:
        return Record(kept.time, kept.clock, kept.level, line, kept.fields)
    time, clock = (kept.time, kept.clock) if kept.time else (inner.time, inner.clock)
    level = inner.level if kept.level == "-" else kept.level
    return Record(time, clock, level, inner.message if inner.has_message else None, {**inner.fields, **kept.fields})


def _log4j(line: str) -> Record | None:
    found = _LOG4J.fullmatch(line)
    if found is None or ((context := found["context"]) and names_a_level(context)):
        return None
    _refuse_a_second(_SECOND_LOG4J, found["message"])
    fields = _fields(found, "time", "level", "message", "context", "plain")
    if context:
        fields["context"] = context.strip()
    return Record(found["time"], "iso", found["level"], found["message"], fields)


def _refuse_a_second(beginning: re.Pattern[str], text: str | None) -> None:
    """Raise Unreadable when another record begins in what is left of a line: which of them it is, nobody knows."""
    if text and beginning.search(text):
        message = "a second record begins in this line"
        raise Unreadable(message)


def _fields(found: re.Match[str], *without: str) -> dict[str, str]:
    return {name: text for name, text in found.groupdict().items() if text is not None and name not in without}


#: The formats that there are.
FORMATS = ("combined", "syslog", "json", "log4j", "cri")


def reader(name: str = "auto", pattern: str = "") -> Callable[[str], Record]:
    """Return a function that reads a line, or raises Unreadable. Its lines come in their order, from one chunk or file.

    Args:
        name: the format; "auto" takes the first that fits, for each line.
        pattern: a regular expression in place of a format. Its groups become the record's fields; the groups ``time``,
            ``level`` and ``message`` become the attributes of these names.
    """
    if pattern:
        return _by_pattern(re.compile(pattern))
    pieces = Pieces()
    json_lines, cri = partial(_json, pieces=pieces), partial(_cri, pieces=pieces)
    every: list[Callable[[str], Record | None]] = [_combined, _syslog, json_lines, _log4j, cri]
    readers = every if name == "auto" else [every[FORMATS.index(name)]]

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
        said = fields.get("message") if "message" in pattern.groupindex else line
        return Record(fields.get("time", ""), "iso", fields.get("level", "-"), said, fields)

    return read
