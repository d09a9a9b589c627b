"""Pieces: the chunks of a job's input, one after the other, some with their bytes.

What lies open is cut where it lies, and workers read its chunks for themselves. What can only be read from its
beginning on, a packed file or standard input, is read here, once, and its chunks travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from word_counter.errors import InputError
from word_counter.files.urls import is_url
from word_counter.inputs.base import Cutting, Opened
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.kind_table import Openings, kind_of
from word_counter.inputs.row_splitter import first_row
from word_counter.job.model import Chunk, Cursor, Source


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
    return inline or kind_of(source).travels(source)


def split_sources(
    sources: Sequence[Source],
    cursor: Cursor,
    cutting: Cutting,
    *,
    opened: Callable[[Opened], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Piece]:
    """Yield the chunks of all sources from ``cursor`` on.

    A chunk that travels begins with the header of its source where rows have one, though it is not of the chunk.

    Args:
        sources: the sources.
        cursor: where to start.
        cutting: how they are cut.
        opened: is given each source whose chunks travel, open, before it is read.
        say: gets a line when a stream turns out to look like no text.

    Raises:
        InputError: a source cannot be read (any more), or is not whole.
        InputChangedError: a source is not as it was when the job was made.
    """
    whole_files, headed = cutting.whole_files, cutting.records.headed
    empty_files = whole_files or cutting.empty_files
    openings = Openings()
    for index in range(cursor.source, len(sources)):
        source = sources[index]
        start = cursor if index == cursor.source else Cursor(cursor.chunk, index)
        if source.size == 0 and not empty_files and not kind_of(source).once:
            continue
        none = True
        goes = travels(source, inline=cutting.inline)
        header = header_of(source, cutting.records) if goes and start.offset and headed else b""
        try:
            with openings.opened(source) as file:
                file.say = say
                if goes:
                    opened(file)
                for chunk, content in file.cut(start, cutting, keep=goes):
                    none = False
                    cursor = Cursor(chunk.id + 1, index, chunk.offset + chunk.length, chunk.line + chunk.lines)
                    if headed and goes and not chunk.offset:
                        header = first_row([content], cutting.records, file.encoding)
                    carried = (header + content if chunk.offset else content) if goes else None
                    # Of an empty file the place does not tell that it was taken: then the cursor goes on to the next.
                    yield Piece(chunk, Cursor(chunk.id + 1, index + 1) if whole_files else cursor, carried)
                if none and empty_files and not start.offset:
                    cursor = Cursor(start.chunk + 1, index)
                    empty = b"" if goes else None
                    yield Piece(Chunk(start.chunk, index, 0, 0, 1, 0), Cursor(start.chunk + 1, index + 1), empty)
        except OSError as error:
            message = f"cannot read {source.name}: {error.strerror or error}"
            raise InputError(message) from error
    openings.close()


def header_of(source: Source, records: InputFormat) -> bytes:
    """Return the first row of a source, with its line break and the empty lines before it, in the source's encoding.

    Raises:
        InputError: it cannot be read.
    """
    return _opened(source, lambda file: first_row(file.blocks(), records, file.encoding))


def check_headers(sources: Sequence[Source], records: InputFormat) -> None:
    """Raise InputError unless the header of each source names its fields, as far as that is soon told.

    What is in archives, comes but once or is behind a URL is looked at when it is cut and read.
    """
    for source in sources if records.headed else ():
        kind = kind_of(source)
        if source.size and not (kind.once or source.member or is_url(source.path)):
            records.reading(kind.encoding(source).utf8(header_of(source, records)), source.name)


def reread(source: Source, chunk: Chunk) -> bytes:
    """Return the bytes of a chunk that travelled, from where its source lies.

    Raises:
        InputError: the source cannot be read, or is standard input, which is gone.
        InputChangedError: it is not as it was when the job was made.
    """
    return _opened(source, lambda file: file.read(chunk))


def _opened(source: Source, read: Callable[[Opened], bytes]) -> bytes:
    try:
        with closing(Openings()) as openings, openings.opened(source) as file:
            return read(file)
    except OSError as error:
        message = f"cannot read {source.name}: {error.strerror or error}"
        raise InputError(message) from error
