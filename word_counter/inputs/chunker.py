"""Pieces: the chunks of a job's input, one after the other, some with their bytes.

A file that lies open is cut where it lies, and workers read its chunks for themselves. What can only be read from its
beginning on, a packed file or standard input, is read here, once, and its chunks travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, cast

from word_counter.errors import InputError
from word_counter.inputs.input_format import LINES, InputFormat
from word_counter.inputs.line_splitter import CHUNK_BYTES, UNLIMITED, chunk_limits, cut, split
from word_counter.inputs.streams import Opened, Openings, Stream
from word_counter.job.model import STDIN, Chunk, Cursor, Source


class Piece(NamedTuple):
    """A chunk, the cursor just after it, and its bytes if it travels."""

    chunk: Chunk
    cursor: Cursor
    content: bytes | None = None


def travels(source: Source, *, inline: bool = False) -> bool:
    """Whether the chunks of a source carry their bytes: when workers cannot read them at their offset.

    Args:
        source: the source.
        inline: whether all do, as workers may not have the files.
    """
    return inline or bool(source.packing)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How the input is cut.

    Attributes:
        chunk_size: records a chunk.
        whole_files: each source is one chunk, however long; an empty one too.
        inline: all chunks carry their bytes.
        records: what the records are.
        chunk_bytes: the number of bytes after which a chunk takes no further record.
    """

    chunk_size: int
    whole_files: bool = False
    inline: bool = False
    records: InputFormat = LINES
    chunk_bytes: int = CHUNK_BYTES

    @classmethod
    def of(cls, sources: Sequence[Source], chunk_size: int, records: InputFormat) -> Cutting:
        """Return how sources are cut into lines; a ``chunk_size`` of 0 is as suits them."""
        lines, size = chunk_limits(chunk_size, sum(source.size for source in sources))
        return cls(lines, records=records, chunk_bytes=size)


def split_sources(
    sources: Sequence[Source],
    cursor: Cursor,
    cutting: Cutting,
    *,
    opened: Callable[[Stream], None] = lambda _: None,
) -> Iterator[Piece]:
    """Yield the chunks of all sources from ``cursor`` on.

    A chunk that travels begins with the header of its source where rows have one, though it is not of the chunk.

    Args:
        sources: the sources.
        cursor: where to start.
        cutting: how they are cut.
        opened: is given each stream that is read from its beginning on, before it is read.

    Raises:
        InputError: a source cannot be read (any more), or is not whole.
        InputChangedError: a source is not as it was when the job was made.
    """
    whole_files = cutting.whole_files
    openings = Openings()
    for index in range(cursor.source, len(sources)):
        source = sources[index]
        start = cursor if index == cursor.source else Cursor(cursor.chunk, index)
        if source.size == 0 and not whole_files and source.packing != STDIN:
            continue
        none = True
        goes = travels(source, inline=cutting.inline)
        header = header_of(source, cutting.records) if goes and start.offset and cutting.records.headed else b""
        try:
            with openings.opened(source) as file:
                stream = Stream(source, file)
                if goes:
                    opened(stream)
                for chunk, content in _chunks(source, stream, file, start, cutting):
                    none = False
                    cursor = Cursor(chunk.id + 1, index, chunk.offset + chunk.length, chunk.line + chunk.lines)
                    if cutting.records.headed and goes and not chunk.offset:
                        header = first_row(content, cutting.records)
                    carried = (header + content if chunk.offset else content) if goes else None
                    # Of an empty file the place does not tell that it was taken: then the cursor goes on to the next.
                    yield Piece(chunk, Cursor(chunk.id + 1, index + 1) if whole_files else cursor, carried)
                if none and whole_files:
                    cursor = Cursor(start.chunk + 1, index)
                    empty = b"" if goes else None
                    yield Piece(Chunk(start.chunk, index, 0, 0, 1, 0), Cursor(start.chunk + 1, index + 1), empty)
        except OSError as error:
            message = f"cannot read {source.name}: {error.strerror or error}"
            raise InputError(message) from error
    openings.close()


def _chunks(
    source: Source, stream: Stream, file: Opened, start: Cursor, cutting: Cutting
) -> Iterator[tuple[Chunk, bytes]]:
    records, most = (UNLIMITED, UNLIMITED) if cutting.whole_files else (cutting.chunk_size, cutting.chunk_bytes)
    goes = travels(source, inline=cutting.inline)
    if cutting.records.kind == "csv" and cutting.records.quote:
        return cut_rows(stream.blocks(start.offset), start, records, cutting.records, most, name=source.name)
    if goes:
        return cut(stream.blocks(start.offset), start, records, most, name=source.name)
    return ((chunk, b"") for chunk in split(cast("BinaryIO", file), start, records, source.size, most))


def cut_rows(
    blocks: Iterable[bytes], cursor: Cursor, chunk_size: int, records: InputFormat, chunk_bytes: int, *, name: str
) -> Iterator[tuple[Chunk, bytes]]:
    """Yield the chunks of a source whose rows may go over several lines.

    See :func:`word_counter.inputs.line_splitter.cut`.
    """
    chunk, offset, line = cursor.chunk, cursor.offset, cursor.line
    held: list[bytes] = []
    size = 0
    try:
        for row in records.rows(_lines(blocks)):
            held.append(row)
            size += len(row)
            if len(held) == chunk_size or size >= chunk_bytes:
                content = b"".join(held)
                lines = content.count(b"\n") + (not content.endswith(b"\n"))
                yield Chunk(chunk, cursor.source, offset, size, line, lines), content
                chunk, offset, line = chunk + 1, offset + size, line + lines
                held, size = [], 0
    except InputError as error:
        message = str(error) if name in str(error) else f"{name}: {error}"
        raise InputError(message) from error
    if held:
        content = b"".join(held)
        lines = content.count(b"\n") + (not content.endswith(b"\n"))
        yield Chunk(chunk, cursor.source, offset, size, line, lines), content


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for block in blocks:
        first, *lines = block.split(b"\n")
        if not lines:
            rest.append(first)
            continue
        yield b"".join([*rest, first, b"\n"])
        yield from (line + b"\n" for line in lines[:-1])
        rest = [lines[-1]] if lines[-1] else []
    if rest:
        yield b"".join(rest)


def first_row(content: bytes, records: InputFormat) -> bytes:
    """Return the first row of what begins with one."""
    return next(records.rows(_lines([content])), b"")


def header_of(source: Source, records: InputFormat) -> bytes:
    """Return the first row of a source, with its line break.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with closing(Openings()) as openings, openings.opened(source) as file:
            return next(records.rows(_lines(Stream(source, file).blocks())), b"")
    except OSError as error:
        message = f"cannot read {source.name}: {error.strerror or error}"
        raise InputError(message) from error
