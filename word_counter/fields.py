"""Fields: splits a line into fields at its delimiters."""

from __future__ import annotations

import csv

from word_counter.settings.plurals import plural


def fields_of(line: str, delimiter: str = ",") -> list[str]:
    """Return the fields of a line, by the rules of CSV or, without a delimiter, split at white space.

    Raises:
        ValueError: a quote is not closed, or text follows a closing quote.
    """
    if not delimiter:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        message = f"this is no line of CSV: {error}"
        raise ValueError(message) from None


def field_of(line: str, number: int, delimiter: str = ",") -> str:
    """Return a field by its number, from 1; 0 is the whole line. ValueError when the line has fewer fields."""
    if not number:
        return line
    found = fields_of(line, delimiter)
    if len(found) < number:
        message = f"field {number} is asked for, and there {plural(len(found), 'is', 'are')} {len(found)}"
        raise ValueError(message)
    return found[number - 1]


def check_delimiter(delimiter: str) -> None:
    """Raise ValueError unless this is one character, or none."""
    if len(delimiter) > 1 or delimiter in {'"', "\r", "\n"}:
        message = "a delimiter is one character; for a tab write --param delimiter=$'\\t'"
        raise ValueError(message)
