"""Pieces: the chunks of a job's input, one after the other, some with their bytes.

A file that lies open is cut where it lies, and workers read its chunks for themselves. What can only be read from its
beginning on, a packed file or standard input, is read here, once, and its chunks travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, cast

from word_counter.errors import InputError
from word_counter.job import STDIN, Chunk, Cursor, Source
from word_counter.split import CHUNK_BYTES, cut, split
from word_counter.streams import Openings, Stream

#: More lines, and more bytes, than any file has.
_UNLIMITED = 2**62


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


def split_sources(
    sources: Sequence[Source],
    chunk_size: int,
    cursor: Cursor,
    *,
    whole_files: bool = False,
    inline: bool = False,
    opened: Callable[[int, Stream], None] = lambda _index, _stream: None,
) -> Iterator[Piece]:
    """Yield the chunks of all sources from ``cursor`` on.

    With ``whole_files`` each source is one chunk, however long; an empty one too.

    Args:
        sources: the sources.
        chunk_size: lines a chunk.
        cursor: where to start.
        whole_files: see above.
        inline: whether all chunks are to carry their bytes.
        opened: is told of each source that is read from its beginning on, with its index, before it is read.

    Raises:
        InputError: a source cannot be read (any more), or is not whole.
        InputChangedError: a source is not as it was when the job was made.
    """
    lines, most = (_UNLIMITED, _UNLIMITED) if whole_files else (chunk_size, CHUNK_BYTES)
    openings = Openings()
    for index in range(cursor.source, len(sources)):
        source = sources[index]
        start = cursor if index == cursor.source else Cursor(cursor.chunk, index)
        if source.size == 0 and not whole_files and source.packing != STDIN:
            continue
        none = True
        try:
            with openings.opened(source) as file:
                if travels(source, inline=inline):
                    stream = Stream(source, file)
                    opened(index, stream)
                    pieces: Iterable[tuple[Chunk, bytes | None]] = cut(
                        stream.blocks(start.offset), start, lines, most, name=source.name
                    )
                else:
                    pieces = ((chunk, None) for chunk in split(cast("BinaryIO", file), start, lines, source.size, most))
                for chunk, content in pieces:
                    none = False
                    cursor = Cursor(chunk.id + 1, index, chunk.offset + chunk.length, chunk.line + chunk.lines)
                    # Of an empty file the place does not tell that it was taken: then the cursor goes on to the next.
                    yield Piece(chunk, Cursor(chunk.id + 1, index + 1) if whole_files else cursor, content)
                if none and whole_files:
                    cursor = Cursor(start.chunk + 1, index)
                    empty = b"" if travels(source, inline=inline) else None
                    yield Piece(Chunk(start.chunk, index, 0, 0, 1, 0), Cursor(start.chunk + 1, index + 1), empty)
        except OSError as error:
            message = f"cannot read {source.name}: {error.strerror or error}"
            raise InputError(message) from error
    openings.close()
