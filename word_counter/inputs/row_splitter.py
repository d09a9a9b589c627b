"""Rows: chunks of a source whose records may go over several lines, as a field in quotes has line breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from word_counter.errors import InputError
from word_counter.inputs.encodings import UTF8, TextEncoding
from word_counter.inputs.input_format import InputFormat
from word_counter.job.model import Chunk, Cursor


def cut_rows(
    blocks: Iterable[bytes],
    cursor: Cursor,
    chunk_size: int,
    records: InputFormat,
    chunk_bytes: int,
    encoding: TextEncoding = UTF8,
    *,
    name: str,
) -> Iterator[tuple[Chunk, bytes]]:
    """Yield the chunks of a source whose rows may go over several lines.

    See :func:`word_counter.inputs.line_splitter.cut`.
    """
    chunk, offset, line = cursor.chunk, cursor.offset, cursor.line
    held: list[bytes] = []
    size = 0
    try:
        for row in records.rows(encoding.lines(blocks), encoding, at_start=not cursor.offset):
            held.append(row)
            size += len(row)
            if len(held) == chunk_size or size >= chunk_bytes:
                content = b"".join(held)
                lines = encoding.count(content)
                yield Chunk(chunk, cursor.source, offset, size, line, lines), content
                chunk, offset, line = chunk + 1, offset + size, line + lines
                held, size = [], 0
    except InputError as error:
        at = line + encoding.count(b"".join(held))
        message = str(error) if name in str(error) else f"{name}, line {at}: {error}"
        raise InputError(message) from error
    if held:
        content = b"".join(held)
        yield Chunk(chunk, cursor.source, offset, size, line, encoding.count(content)), content


def first_row(blocks: Iterable[bytes], records: InputFormat, encoding: TextEncoding = UTF8) -> bytes:
    """Return the first row of what begins with one, with its line break and the empty lines before it."""
    return next(records.rows(encoding.lines(blocks), encoding, at_start=True), b"")
