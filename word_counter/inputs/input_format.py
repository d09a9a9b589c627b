r"""Records: what a mapper gets of its input: lines, the objects of JSON lines, or the rows of CSV.

A row may go over several lines, where a field in quotes has line breaks. So a file of rows is cut where a row ends,
by a scan that knows quotes; line breaks in fields are ``\n``, whatever they were.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from word_counter.errors import BadRecordError, InputError, UsageError
from word_counter.inputs.encodings import UTF8, TextEncoding
from word_counter.job.mapper import Mapper, Reading
from word_counter.job.step import Phase
from word_counter.settings.plurals import count

_KINDS = ("lines", "jsonl", "csv", "tsv")
_OPTIONS = ("delimiter", "quote", "header")
_NAMED = {"tab": "\t", "space": " ", "none": ""}
#: A row is no longer than this: a quote that nobody closes would make one of all that follows.
_LONGEST_ROW = 64 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_EMPTY_LINES = re.compile(r"\A(?:[ \t\r\f\v]*\n)+")
_LONE_RETURN = "it has line breaks of old Macs (carriage returns alone); write them anew, as by tr '\\r' '\\n'"


@dataclass(frozen=True, slots=True)
class InputFormat:
    """What a record is.

    Attributes:
        kind: "lines", "jsonl" or "csv".
        delimiter: what stands between the fields of a row.
        quote: what stands around a field that holds a delimiter, a quote or a line break; nothing: no field does.
        header: the names of the fields; None: they stand in the first row; (): there are none, and records are lists.
    """

    kind: str = "lines"
    delimiter: str = ","
    quote: str = '"'
    header: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> InputFormat:
        """Return the format of a text such as ``csv`` or ``csv delimiter=; header=none``.

        Raises:
            UsageError: it is none; says what would be.
        """
        kind, *options = text.split()
        if kind not in _KINDS:
            message = f"input-format must be one of {', '.join(_KINDS)}, not {kind!r}"
            raise UsageError(message)
        made = cls("csv", delimiter="\t") if kind == "tsv" else cls(kind)
        for option in options:
            name, equals, value = option.partition("=")
            if name not in _OPTIONS or not equals or made.kind != "csv":
                message = (
                    f"input-format {kind} has no option {option!r}; csv and tsv have {', '.join(_OPTIONS)}, as in "
                )
                message += "'csv delimiter=; quote=none header=none'"
                raise UsageError(message)
            if name == "header":
                names = tuple(value.split(","))
                if len(set(names)) < len(names):
                    message = f"input-format {kind}: header={value} names a field twice"
                    raise UsageError(message)
                made = replace(made, header={"first": None, "none": ()}.get(value, names))
                continue
            char = _NAMED.get(value, value)
            if (
                len(char) != (1 if char or name == "delimiter" else 0)
                or not char.isascii()
                or (char in "\r\n" and char)
            ):
                message = f"the {name} of {kind} must be one ASCII character, or tab or space, not {value!r}"
                raise UsageError(message)
            made = replace(made, delimiter=char) if name == "delimiter" else replace(made, quote=char)
        return made

    @property
    def headed(self) -> bool:
        """Whether the first row of each source names the fields."""
        return self.kind == "csv" and self.header is None

    def cut_by_rows(self, beginning: bytes) -> bool:
        """Whether line breaks alone do not tell where a row ends.

        ``beginning`` is that of the source in UTF-8, or nothing of what is cut from its middle on: empty lines before a
        header belong to it.
        """
        empty = self.headed and beginning.removeprefix(_BYTE_ORDER_MARK)[:1].isspace()
        return self.kind == "csv" and (bool(self.quote) or empty)

    def reading(self, header: bytes = b"", name: str = "") -> JsonLines | Rows | None:
        """Return how records are read; None: they are lines.

        Args:
            header: the first row of their source in UTF-8, with the empty lines before it.
            name: the source, for errors.

        Raises:
            InputError: the header is no row, or names a field twice.
        """
        if self.kind == "jsonl":
            return JsonLines()
        if self.kind != "csv":
            return None
        if not self.headed:
            return Rows(self, self.header or ())
        return Rows(self, self._names(header, name))

    def _names(self, header: bytes, name: str) -> tuple[str, ...]:
        text = header.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        row = _EMPTY_LINES.sub("", text)
        place = f"{name}, line {text[: len(text) - len(row)].count(chr(10)) + 1}"
        try:
            names = tuple(next(iter(Rows(self, ()).records(iter(row.split("\n")))), ()))
        except BadRecordError as error:
            message = f"{place}: the header {_shown(row)}: {error}"
            raise InputError(message) from error
        if "\r" in row and not self.quote:
            message = f"{place}: the header {_shown(row)}: this is no row of {self.kind}: {_LONE_RETURN}"
            raise InputError(message)
        twice = next((one for number, one in enumerate(names) if one in names[:number]), None)
        if twice is not None:
            at = " and ".join(str(number) for number, one in enumerate(names, 1) if one == twice)
            message = (
                f"{place}: the header names {twice!r} more than once (columns {at}), so that one would hide the other; "
                "rename one of them in the file"
            )
            raise InputError(message)
        return names

    def rows(self, lines: Iterable[bytes], encoding: TextEncoding = UTF8, *, at_start: bool = False) -> Iterator[bytes]:
        """Yield rows, each with its line break, of lines with theirs, in the bytes of their encoding.

        With ``at_start`` these are all lines of a source: a byte order mark is no part of its first row, and empty
        lines before a header belong to it.

        Raises:
            InputError: a quote is not closed.
        """
        quote = self.quote.encode()
        scan = _Scan(self.delimiter, self.quote) if quote else None
        in_utf8 = encoding is UTF8
        held: list[bytes] = []
        size, is_open = 0, False
        for raw in lines:
            line = raw if in_utf8 else encoding.utf8(raw)
            if at_start:
                line = line.removeprefix(_BYTE_ORDER_MARK)
                if self.headed and not line.strip():
                    held.append(raw)
                    continue
                at_start = False
            if not is_open and (scan is None or quote not in line):
                if held:
                    held.append(raw)
                    yield b"".join(held)
                    held = []
                else:
                    yield raw
                continue
            held.append(raw)
            size += len(line)
            is_open = (is_open and quote not in line) or (scan is not None and scan.stays_open(line, is_open=is_open))
            if not is_open:
                yield b"".join(held)
                held, size = [], 0
            elif size > _LONGEST_ROW:
                row = encoding.utf8(b"".join(held[:2]))[:100]
                message = f"a quote that opens in the row {row!r} is not closed for {count(size, 'byte')}"
                raise InputError(message)
        if held:
            yield b"".join(held)


#: The format of most inputs.
LINES = InputFormat()


def chosen_format(asked: str, phase: Phase) -> str:
    """Return the format of a job's input: what a run asks for, or what the job's first mapper says.

    Raises:
        UsageError: it is none, or the mapper takes the bytes of chunks and knows nothing of records, or none of these.
    """
    chosen = asked or phase.input_format
    mapper = phase.mappers[0]
    made = InputFormat.parse(chosen)
    if made.kind != "lines" and mapper.input_format == "lines" and mapper.map_chunk is not Mapper.map_chunk:
        message = f"{mapper.__name__} maps chunks of lines (map_chunk), and takes no input-format {chosen}"
        raise UsageError(message)
    named = made.kind == "jsonl" or (made.kind == "csv" and made.header != ())
    params = phase.given.get("params", {})
    if why := mapper.wrong_with_format(chosen, made.kind, named=named, params=params):
        message = f"input-format {chosen!r}: {mapper.__name__} {why}"
        raise UsageError(message)
    return chosen


def _cause(error: csv.Error) -> str:
    """Say what is wrong with a row, where the library says it to programmers."""
    told = str(error)
    if told.startswith("new-line character"):
        return _LONE_RETURN
    return "a quote that opens in it is not closed" if told == "unexpected end of data" else told


def _shown(row: str) -> str:
    return repr(row[:100]) + ("..." if len(row) > 100 else "")  # noqa: PLR2004


class JsonLines:
    """Reads a JSON value a line. Empty lines are none."""

    def records(self, lines: Iterator[str]) -> Iterator[Any]:
        """Yield the value of each line; BadRecordError when a line is no JSON."""
        try:
            yield from (json.loads(line) for line in lines if line and not line.isspace())
        except json.JSONDecodeError as error:
            message = f"this is no JSON: {error.msg} at column {error.colno}"
            raise BadRecordError(message) from None

    def split(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of each record."""
        return iter(lines)


@dataclass(frozen=True, slots=True)
class Rows:
    """Reads rows: each a dict by the names of its fields, or a list where there are no names. Empty lines are none."""

    format: InputFormat
    header: Sequence[str]

    def records(self, lines: Iterator[str]) -> Iterator[Any]:
        """Yield each row.

        Raises:
            BadRecordError: it is none, or has more fields than there are names, or fewer.
        """
        csv.field_size_limit(_LONGEST_ROW)
        rows = csv.reader(
            (f"{line}\n" for line in lines),
            delimiter=self.format.delimiter,
            quotechar=self.format.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.format.quote else csv.QUOTE_NONE,
            strict=True,
        )
        names, width = self.header, len(self.header)
        begin = 0  # the index of the line on which the row begins
        try:
            for row in rows:
                if row and not names:
                    yield row
                elif row:
                    if len(row) != width:
                        message = f"a row of {count(len(row), 'field')}, where the header names {width}"
                        raise BadRecordError(message, begin)
                    yield dict(zip(names, row, strict=True))
                begin = rows.line_num
        except csv.Error as error:
            message = f"this is no row of {self.format.kind}: {_cause(error)}"
            raise BadRecordError(message, begin) from None

    def split(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of each row."""
        return self.format.rows(lines)


def reading_to_json(reading: Reading | None) -> list[Any] | None:
    """Return how records are read, as JSON can hold it, for another process."""
    if isinstance(reading, Rows):
        made = reading.format
        return [made.kind, made.delimiter, made.quote, made.header, list(reading.header)]
    return None if reading is None else []


def reading_of_json(content: Sequence[Any] | None) -> JsonLines | Rows | None:
    """Return what :func:`reading_to_json` made this of."""
    if not content:
        return None if content is None else JsonLines()
    kind, delimiter, quote, names, header = content
    return Rows(InputFormat(kind, delimiter, quote, None if names is None else tuple(names)), header)


class _Scan:
    """Tells whether a quote is open at the end of a line, as csv.reader would."""

    def __init__(self, delimiter: str, quote: str) -> None:
        d, q = (re.escape(char.encode()) for char in (delimiter, quote))
        inside = rb"[^%b]*(?:%b%b[^%b]*)*%b(?!%b)" % (q, q, q, q, q, q)
        self._whole = re.compile(rb"(^|%b)%b%b" % (d, q, inside))
        self._rest = re.compile(inside)
        self._opens = re.compile(rb"(?:^|%b)%b" % (d, q))

    def stays_open(self, line: bytes, *, is_open: bool) -> bool:
        if is_open:
            closing = self._rest.match(line)
            if closing is None:
                return True
            line = b"x" + line[closing.end() :]
        return self._opens.search(self._whole.sub(rb"\1x", line)) is not None
