"""Record: what a line of a log says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from word_counter.logs.levels import levels_asked, levels_met

_NO_FIELDS: Mapping[str, str] = MappingProxyType({})


class Unreadable(ValueError):  # noqa: N818 (it is about the line; whether it is an error is for the job to decide)
    """A line is not of the format, or lacks something that the job needs."""


class Record:
    """The content of one log line.

    Attributes:
        time: when it happened, as text; "" where the line has no time.
        clock: the usual format of times in this log format, by its name in :class:`word_counter.logs.clock.Clock`.
        level: the severity, as the line spells it; the name where the line has a number; for a request the class of its
            status, as in ``5xx``; ``-`` for none.
        fields: all other fields, by name.
    """

    __slots__ = ("_message", "clock", "fields", "level", "time")

    def __init__(
        self,
        time: str,
        clock: str,
        level: str = "-",
        message: str | None = None,
        fields: Mapping[str, str] = _NO_FIELDS,
    ) -> None:
        self.time = time
        self.clock = clock
        self.level = level
        self._message = message
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, Record) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its fields are a mapping

    def __repr__(self) -> str:
        return f"Record({', '.join(map(repr, self._parts()))})"

    def _parts(self) -> tuple[object, ...]:
        return self.time, self.clock, self.level, self._message, dict(self.fields)

    @property
    def message(self) -> str:
        """What happened, of a request its method and path; Unreadable when the line has none."""
        if self._message is None:
            raise Unreadable(self._lacks("message"))
        return self._message

    @property
    def has_message(self) -> bool:
        """Whether the line has a message, which may be empty."""
        return self._message is not None

    def field(self, name: str) -> str:
        """Return a field; Unreadable when there is none, or it is ``-``."""
        value = self.fields.get(name, "-")
        if value == "-":
            raise Unreadable(self._lacks(name))
        return value

    def has_level(self, *asked: str) -> bool:
        """Return whether the level is one of some, however they are spelled: ``WARN`` is ``warning``.

        Of a request ``5xx`` is the class of its status, and ``500`` the status.
        """
        return not levels_asked(asked).isdisjoint(levels_met(self.level, self.fields.get("status", "")))

    def _lacks(self, name: str) -> str:
        return f"there is no {name}, only {', '.join(self.fields) or 'no fields'}"
