"""The fields of a JSON line that are its message, level and time: one table for all loggers.

The first name of a row that a line has is taken. Capitals, ``_`` and ``-`` make no difference: ``LogLevel``,
``log_level`` and ``loglevel`` are one name. Fields of inner objects are named ``outer.inner``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

#: The names of each, in the order in which they are looked for. What is rendered comes before a template, what says a
#: level in words before a number.
FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
    "message": (
        *("formattedMessage", "@m", "renderedMessage", "message", "msg", "short_message", "@mt", "messageTemplate"),
        *(
            "log",
            "event",
            "text",
            "textPayload",
            "jsonPayload.message",
            "body",
            "body.stringValue",
            "full_message",
            "m",
        ),
    ),
    "level": (
        *("level_name", "levelname", "level", "severity", "log.level", "loglevel", "@l", "lvl", "severityText"),
        *("jsonPayload.level", "priority", "level_value", "levelno", "severityNumber", "l", "s"),
    ),
    "time": (
        *("time", "timestamp", "@timestamp", "ts", "@t", "datetime", "datetime.date", "asctime", "date", "timeMillis"),
        *("instant", "instant.epochSecond", "timestamp.seconds", "timeUnixNano", "eventTime", "lastTimestamp"),
        *("__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "created", "t.$date", "t"),
    ),
}
#: The level of a line that names none, by a field that it has: Serilog's compact lines leave out the usual one, and
#: those of Kubernetes have a verbosity when they are no errors.
IMPLIED_LEVELS: Mapping[str, str] = {"@t": "INFO", "v": "INFO", "err": "ERROR"}
#: How the fields begin that collectors add to what they read of a container.
_OF_CONTAINERS = ("kubernetes.", "docker.", "container_", "partial_message")
_TAGS = {"logtag", "_p"}
#: So many kinds of lines are remembered: those of one logger have mostly the same fields.
_REMEMBERED = 1024


class Places(NamedTuple):
    """The names of a line's fields that are its message, level and time; empty for what it has not.

    ``collected`` says whether somebody collected the line from a container, and ``kept`` whether its message is the
    line as the container wrote it.
    """

    message: str
    level: str
    time: str
    collected: bool
    kept: bool


@lru_cache(_REMEMBERED)
def find_places(names: tuple[str, ...]) -> Places:
    """Return which of some fields are the message, the level and the time."""
    plain = {plain_name(name): name for name in reversed(names)}
    message, level, time = (next((plain[name] for name in _PLAIN[what] if name in plain), "") for what in FIELD_NAMES)
    collected = any(name.lower().startswith(_OF_CONTAINERS) or name in _TAGS for name in names)
    of_log = plain_name(message) == "log"
    return Places(message, level, time, of_log or collected, of_log or (collected and not level))


def plain_name(name: str) -> str:
    """Return a name without what makes no difference."""
    return name.lower().replace("_", "").replace("-", "")


_PLAIN = {what: tuple(map(plain_name, names)) for what, names in FIELD_NAMES.items()}
