"""The chunk reader: the lines of chunks, from where their source lies, or from the bytes that travelled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from word_counter.errors import InputError, JobGoneError
from word_counter.files.digest import digest_of
from word_counter.files.urls import is_url
from word_counter.inputs.base import Opened
from word_counter.inputs.chunker import travels
from word_counter.inputs.encodings import UTF8
from word_counter.inputs.input_format import LINES, InputFormat
from word_counter.inputs.kind_table import Openings, kind_of
from word_counter.inputs.row_splitter import first_row
from word_counter.job.mapper import Lines
from word_counter.job.model import Chunk, Source
from word_counter.security.input_roots import InputRoots
from word_counter.settings.memory import keep_what_is_freed

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Fetched(NamedTuple):
    """A chunk and its bytes; one that travelled brings the header of its source, where it does not begin with that."""

    chunk: Chunk
    content: bytes
    travelled: bool
    header: bytes = b""

    @property
    def digest(self) -> str:
        """The digest of the chunk's own bytes."""
        return digest_of(self.content)


class ChunkReader:
    """Reads chunks; keeps the last source open, as neighbours in one source come after each other."""

    def __init__(
        self,
        sources: Mapping[int, Source],
        roots: InputRoots | None = None,
        content: Callable[[int], bytes | None] | None = None,
        *,
        inline: bool = False,
        records: InputFormat = LINES,
    ) -> None:
        """Make it.

        Args:
            sources: the sources by their index.
            roots: the files that may be read.
            content: returns the bytes of a chunk that travelled, by its id; None when they are gone.
            inline: whether all chunks did.
            records: what the records are.
        """
        self._sources = sources
        self._openings = Openings(roots)
        self._content = content
        self._inline = inline
        self._records = records
        self._header: tuple[int, bytes] = -1, b""
        self._opened: Opened | None = None
        self._index = -1

    def read(self, chunk: Chunk, content: bytes | None = None) -> Lines:
        """Return the lines of a chunk, which has these bytes if they are known already; raises what fetch does."""
        return self.lines(self.fetch(chunk, content))

    def fetch(self, chunk: Chunk, content: bytes | None = None) -> Fetched:
        """Return the bytes of a chunk, which are these if they are known already.

        Raises:
            InputError: its source cannot be opened here.
            JobGoneError: it travelled, and its bytes are gone.
            ForbiddenError: its source is not within the roots.
            InputChangedError: its source is not as it was when the job was made.
        """
        source = self._sources[chunk.source]
        if content is None and self._content is not None and travels(source, inline=self._inline):
            keep_what_is_freed()
            content = self._content(chunk.id)
            if content is None:
                message = (
                    f"the bytes of chunk {chunk.id} are gone from Redis: another attempt committed it, or it lost them"
                )
                raise JobGoneError(message)
        if content is not None:
            header = self._first_row(source, [content]) if self._records.headed and chunk.offset else b""
            return Fetched(chunk, content[len(header) :] if header else content, travelled=True, header=header)
        try:
            if self._opened is None or chunk.source != self._index:
                self._close_source()
                self._opened = self._openings.open(source)
                self._index = chunk.source
            raw = self._opened.read(chunk)
            self._opened.check()
        except OSError as error:
            message = f"this worker cannot read {source.path}: {error.strerror}; {_advice(source.path)}"
            raise InputError(message) from error
        except InputError as error:
            what = str(error) if str(error).startswith("cannot read") else f"cannot read {source.path}: {error}"
            message = f"this worker {what}" + ("; or run with --transport inline" if is_url(source.path) else "")
            raise InputError(message) from error
        return Fetched(chunk, raw, travelled=False)

    def lines(self, fetched: Fetched) -> Lines:
        """Return the lines of a chunk that was fetched last."""
        chunk = fetched.chunk
        source = self._sources[chunk.source]
        kind = kind_of(source)
        encoding = kind.encoding(source)
        unit = kind.unit if encoding is UTF8 else encoding.unit
        raw, header = encoding.utf8(fetched.content), encoding.utf8(self.header(fetched))
        offset, line, lines = chunk.offset, chunk.line, chunk.lines
        if self._records.headed:
            if not chunk.offset:
                raw = raw[len(header) :]
                offset, line, lines = unit.measure(header), line + header.count(b"\n"), lines - header.count(b"\n")
        elif offset == 0 and raw.startswith(_BYTE_ORDER_MARK):
            offset = unit.measure(_BYTE_ORDER_MARK)
            raw = raw[len(_BYTE_ORDER_MARK) :]
        reading = self._records.reading(header, source.name)
        return Lines(raw, source.name, offset, line, lines if raw else 0, reading, unit)

    def header(self, fetched: Fetched) -> bytes:
        """Return the first row of the source of a chunk that was fetched last, where it has names; else nothing."""
        if not self._records.headed:
            return b""
        if not fetched.chunk.offset:
            return self._first_row(self._sources[fetched.chunk.source], [fetched.content])
        return fetched.header if fetched.travelled else self._header_of(fetched.chunk.source)

    def _first_row(self, source: Source, blocks: Iterable[bytes]) -> bytes:
        return first_row(blocks, self._records, kind_of(source).encoding(source))

    def _header_of(self, index: int) -> bytes:
        """Return the first row of a source, which is open."""
        if self._header[0] != index and self._opened is not None:
            self._header = index, self._first_row(self._opened.source, self._opened.blocks())
        return self._header[1]

    def close(self) -> None:
        """Let go of what is open."""
        self._close_source()
        self._openings.close()

    def _close_source(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _advice(path: str) -> str:
    """Say what is missing on this machine for a path to be read."""
    missing = path
    while not os.path.lexists(os.path.dirname(missing)) and os.path.dirname(missing) != missing:
        missing = os.path.dirname(missing)
    if missing != path:
        what = f"mount {missing} on its machine"
    elif os.path.lexists(path):
        what = "its user has to be allowed to"
    else:
        what = "copy it there, or mount its folder"
    return f"{what}, or run with --transport inline"
