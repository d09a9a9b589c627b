"""Levels: how bad something is, however loggers spell it, and the numbers that some of them write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

#: The names of levels, each with its other spellings; in capitals, as no spelling depends on them.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "TRACE": ("TRC", "TRCE", "VERBOSE", "VRB", "FINER", "FINEST", "SILLY", "T", "V"),
    "DEBUG": ("DBG", "DBUG", "FINE", "D", "D1", "D2", "D3", "D4", "D5", *(f"DEBUG{n}" for n in range(1, 6))),
    "INFO": ("INF", "INFORMATION", "INFORMATIONAL", "CONFIG", "I"),
    "NOTICE": ("NOTE", "N"),
    "WARNING": ("WARN", "WRN", "W"),
    "ERROR": ("ERR", "FAIL", "SEVERE", "E"),
    "CRITICAL": ("CRIT", "CRT", "C"),
    "ALERT": ("A",),
    "EMERGENCY": ("EMERG", "PANIC", "DPANIC"),
    "FATAL": ("FTL", "F"),
}
_NAMES = {spelling: name for name, others in SPELLINGS.items() for spelling in (name, *others)}
_SYSLOG = dict(enumerate(("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")))
_OF_TENS = dict(enumerate(("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"), 1))
#: What numbers mean: the severities of syslog (RFC 5424, section 6.2.1), which GELF and journald have too; the levels
#: of bunyan and pino; those of Logback.
NUMBERS: Mapping[int, str] = {
    **_SYSLOG,
    **{10 * n: name for n, name in _OF_TENS.items()},
    5_000: "TRACE",
    10_000: "DEBUG",
    20_000: "INFO",
    30_000: "WARNING",
    40_000: "ERROR",
}
#: The fields whose numbers mean something else: those of Python's logging, and of OpenTelemetry.
NUMBERS_OF_FIELDS: Mapping[str, Mapping[int, str]] = {
    "levelno": {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"},
    "severitynumber": {4 * n + step: name for n, name in enumerate(_OF_TENS.values()) for step in (1, 2, 3, 4)},
}
_NUMBER = re.compile(r"\d{1,5}", re.ASCII)
_STATUS = re.compile(r"[1-5]\d\d", re.ASCII)
_CLASS = re.compile(r"[1-5]XX", re.ASCII)
#: So many levels are remembered: logs have few.
_REMEMBERED = 1024


@lru_cache(_REMEMBERED)
def level_name(level: str) -> str:
    """Return the one name of a level: of ``warn``, ``40`` or ``[WARNING]`` it is ``WARNING``.

    What is no known level is returned in capitals, a class of statuses as in ``5xx``.
    """
    bare = level.strip("[]()<>: \t").upper()
    spelled = re.sub(r"[+-]\d+$", "", bare) or bare  # Go's slog writes what lies between two levels as INFO+2
    if _NUMBER.fullmatch(bare) and int(bare) in NUMBERS:
        return NUMBERS[int(bare)]
    return bare.lower() if _CLASS.fullmatch(bare) else _NAMES.get(spelled, bare)


def level_of_number(field: str, text: str) -> str:
    """Return the name of a level that is a number in some field; other text as it stands."""
    if not _NUMBER.fullmatch(text):
        return text
    return NUMBERS_OF_FIELDS.get(field, NUMBERS).get(int(text), text)


def class_of_status(status: str) -> str:
    """Return the class of a status of HTTP, as in ``5xx``; "" when it is none."""
    return f"{status[0]}xx" if _STATUS.fullmatch(status) else ""


@lru_cache(_REMEMBERED)
def levels_met(level: str, status: str) -> frozenset[str]:
    """Return the names by which a record's level may be asked for; ``status`` is that of its request, or empty."""
    met = {level_name(level)}
    for text in (level, status):
        if of_status := class_of_status(text):
            met |= {of_status, text}
    return frozenset(met)


@lru_cache(_REMEMBERED)
def levels_asked(asked: tuple[str, ...]) -> frozenset[str]:
    """Return the names of levels that somebody asks for."""
    return frozenset(map(level_name, asked))
