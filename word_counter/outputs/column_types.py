"""Column types: finds the one type that fits the values of all rows, for tables whose columns have a type."""

from __future__ import annotations

import enum
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from word_counter.errors import OutputError
from word_counter.files.drafts import KeepAlive, Rows
from word_counter.outputs.text import line_text
from word_counter.settings.user_folders import room_for

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
#: Up to this number a float holds every whole number exactly.
_EXACT = 2**53


class Kind(enum.Enum):
    """The type of a column that holds all values of a job's results exactly. None fits each of them, as NULL."""

    INTEGER = "integer"  #: whole numbers of 64 bits
    NUMBER = "number"  #: floats, and whole numbers that floats hold exactly
    BOOLEAN = "boolean"
    TEXT = "text"
    JSON = "json"  #: anything else, and mixtures: JSON text


def kind_of(value: Any) -> Kind | None:
    """Return the kind of one value; None for None."""
    if value is None:
        return None
    if value.__class__ is int:
        return Kind.INTEGER if _SMALLEST <= value <= _LARGEST else Kind.JSON
    if value.__class__ is float:
        return Kind.NUMBER
    if value.__class__ is bool:
        return Kind.BOOLEAN
    return Kind.TEXT if value.__class__ is str else Kind.JSON


def cell(value: Any, kind: Kind) -> Any:
    """Return a value in the form for a column of a kind: None, the value, or JSON text."""
    if value is None or kind is not Kind.JSON:
        return value
    return line_text(value)


@contextmanager
def spilled(rows: Rows, keep_alive: KeepAlive) -> Iterator[tuple[Kind, Iterator[tuple[str, Any]]]]:
    """Write all rows to a temporary file; give the kind that fits all values, and the rows again from the file."""
    kinds: set[Kind | None] = set()
    largest = 0
    with ExitStack() as stack:
        with room_for("keep the results for a while", OutputError) as folder:
            file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder))
            for key, value in rows:
                if value.__class__ is int:
                    largest = max(largest, abs(value))
                kinds.add(kind_of(value))
                file.write(f"[{json.dumps(key)},{json.dumps(value)}]\n")
            file.seek(0)
        again = ((key, value) for key, value in map(json.loads, file))
        yield _together(kinds - {None}, exact=largest <= _EXACT), keep_alive(again)


def _together(kinds: set[Kind | None], *, exact: bool) -> Kind:
    if len(kinds) == 1:
        return kinds.pop() or Kind.TEXT
    if kinds == {Kind.INTEGER, Kind.NUMBER} and exact:
        return Kind.NUMBER
    return Kind.JSON if kinds else Kind.TEXT
