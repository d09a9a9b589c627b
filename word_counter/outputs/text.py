"""Results as text: one JSON object, JSON lines, CSV and TSV, a job's own lines, and lines of a key and its value.

Each form is a function that writes rows to a binary file in UTF-8. It calls ``before_the_end`` when all but the last
piece is written. If that raises, the file lacks its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from json.encoder import encode_basestring
from typing import Any, BinaryIO

from word_counter.files.drafts import Rows, no_check

#: How many characters are gathered before they are written.
_BUFFER_CHARS = 256 * 1024


def write_object(rows: Rows, file: BinaryIO, before_the_end: Callable[[], None] = no_check) -> None:
    """Write one JSON object with a two-space indent."""
    _write(_members(rows), file, before_the_end)


def write_json_lines(rows: Rows, file: BinaryIO, before_the_end: Callable[[], None] = no_check) -> None:
    """Write one JSON object on each line: {"key": ..., "value": ...}."""
    texts = (f'{{"key": {encode_basestring(key)}, "value": {line_text(value)}}}\n' for key, value in rows)
    _write(texts, file, before_the_end)


def write_table(
    rows: Rows, file: BinaryIO, before_the_end: Callable[[], None] = no_check, *, delimiter: str = ","
) -> None:
    """Write CSV: a line of names, then one line for each row. Fields are quoted where needed, and may have newlines."""
    # The csv module does not quote a lone CR when lines end in LF, and then reads it as a line break.
    special = re.compile(rf'[{delimiter}"\r\n]')

    def field(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if special.search(text) else text

    lines = (f"{field(key)}{delimiter}{field(cell_text(value))}\n" for key, value in rows)
    _write(chain([f"key{delimiter}value\n"], lines), file, before_the_end)


#: The same with a tab between the fields.
write_tab_table = partial(write_table, delimiter="\t")


def write_lines(rows: Rows, file: BinaryIO, before_the_end: Callable[[], None] = no_check) -> None:
    """Write values that are lists of lines. Each character of a line is one byte."""
    _write(("".join(f"{line}\n" for line in lines) for _, lines in rows), file, before_the_end, "latin-1")


def write_part(rows: Rows, file: BinaryIO, before_the_end: Callable[[], None] = no_check) -> None:
    """Write one line for each row: the key, a blank and the value. Text is unchanged, anything else is JSON."""
    texts = (f"{key} {value if value.__class__ is str else line_text(value)}\n" for key, value in rows)
    _write(texts, file, before_the_end)


def line_text(value: Any) -> str:
    """Return a value's JSON text in one line."""
    return repr(value) if value.__class__ is int else json.dumps(value, ensure_ascii=False, sort_keys=True)


def cell_text(value: Any) -> str:
    """Return a value as the text of a table cell: text unchanged, "" for None, anything else as JSON."""
    if value.__class__ is str:
        return str(value)
    return "" if value is None else line_text(value)


def value_text(value: Any) -> str:
    """Return a value's JSON text with the indent that it has inside an object of two-space indent."""
    if value.__class__ is int:
        return repr(value)
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.replace("\n", "\n  ") if "\n" in text else text


def _members(rows: Rows) -> Iterator[str]:
    before = "{"
    for key, value in rows:
        text = repr(value) if value.__class__ is int else value_text(value)  # saves a call for most rows
        yield f"{before}\n  {encode_basestring(key)}: {text}"
        before = ","
    yield "{}\n" if before == "{" else "\n}\n"


def _write(texts: Iterable[str], file: BinaryIO, before_the_end: Callable[[], None], encoding: str = "utf-8") -> None:
    waiting: list[str] = []
    chars = 0
    for text in texts:
        if chars > _BUFFER_CHARS:
            file.write("".join(waiting).encode(encoding))
            waiting.clear()
            chars = 0
        waiting.append(text)
        chars += len(text)
    before_the_end()
    file.write("".join(waiting).encode(encoding))
