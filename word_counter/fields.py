"""Fields: what stands between the delimiters of a line, in a row of a table, or in a JSON object."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from word_counter.errors import BadRecordError
from word_counter.settings.plurals import plural

#: As an input format names what cannot stand in one.
_NAMED = {"\t": "tab", " ": "space"}


def fields_of(line: str, delimiter: str = ",") -> list[str]:
    """Return the fields of a line: by the rules of CSV, or, without a delimiter, its words between white space.

    Raises:
        BadRecordError: quotes are left open, or go on behind their end.
    """
    if not delimiter:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        message = f"this is no line of CSV: {error}"
        raise BadRecordError(message) from None


def field_of(line: str, number: int, delimiter: str = ",") -> str:
    """Return a field by its number, from 1; 0 is the whole line. BadRecordError when there are not so many."""
    if not number:
        return line
    found: str = _numbered(fields_of(line, delimiter), number)
    return found


def key_of(record: Any, field: str) -> Any:
    """Return a field of a row or a JSON object: by its name, as ``outer.inner`` in inner objects, or by its number.

    Raises:
        BadRecordError: there is no such field, or it is null, or an object or a list.
    """
    if field.isdecimal():
        row = list(record.values()) if isinstance(record, Mapping) else record
        return _numbered(row if isinstance(row, Sequence) else [], int(field))
    found = record
    for name in [field] if isinstance(record, Mapping) and field in record else field.split("."):
        if not isinstance(found, Mapping) or name not in found:
            names = ", ".join(map(str, record)) if isinstance(record, Mapping) else "fields without names"
            message = f"there is no field {field!r}, only {names}"
            raise BadRecordError(message)
        found = found[name]
    if found is None or isinstance(found, (Mapping, list)):
        message = f"the field {field!r} is {'null' if found is None else 'no single value'}, and so no key"
        raise BadRecordError(message)
    return found


def _numbered(row: Sequence[Any], number: int) -> Any:
    if len(row) < number:
        message = f"field {number} is asked for, and there {plural(len(row), 'is', 'are')} {len(row)}"
        raise BadRecordError(message)
    return row[number - 1]


def format_of_rows(delimiter: str, *, named: bool) -> str:
    """Return the input format of rows with a delimiter; ``named``: the first row of each file names the fields.

    Words between white space, and delimiters beyond ASCII, are for :func:`fields_of` to find in lines.
    """
    if not delimiter or not delimiter.isascii():
        return "lines"
    return f"csv delimiter={_NAMED.get(delimiter, delimiter)}{'' if named else ' header=none'}"


def check_field(field: str) -> None:
    """Raise ValueError unless this can be a field: a name, or a number from 1."""
    if not field or (field.isdecimal() and not int(field)):
        message = "a field is a name, or a number from 1"
        raise ValueError(message)


def check_delimiter(delimiter: str) -> None:
    """Raise ValueError unless this is one character, or none."""
    if len(delimiter) > 1 or delimiter in {'"', "\r", "\n"}:
        message = "a delimiter is one character; for a tab write --param delimiter=$'\\t'"
        raise ValueError(message)
