"""The chunk reader: the lines of chunks, from where their source lies, or from the bytes that travelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO

from word_counter.door.input_roots import InputRoots
from word_counter.errors import InputError
from word_counter.job import Chunk, Source
from word_counter.mapper import Lines
from word_counter.pieces import travels
from word_counter.sources import check_unchanged

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ChunkReader:
    """Reads chunks; keeps the last file open, as neighbours in one source come after each other."""

    def __init__(
        self,
        sources: Mapping[int, Source],
        roots: InputRoots | None = None,
        content: Callable[[Chunk], bytes] | None = None,
        *,
        inline: bool = False,
    ) -> None:
        """Make it.

        Args:
            sources: the sources by their index.
            roots: the files that may be read.
            content: returns the bytes of a chunk that travelled.
            inline: whether all chunks did.
        """
        self._sources = sources
        self._roots = roots or InputRoots()
        self._content = content
        self._inline = inline
        self._file: BinaryIO | None = None
        self._index = -1

    def read(self, chunk: Chunk, content: bytes | None = None) -> Lines:
        """Return the lines of a chunk, which has these bytes if they are known already.

        Raises:
            InputError: its source cannot be opened here.
            ForbiddenError: its source is not within the roots.
            InputChangedError: its source is not as it was when the job was made.
        """
        source = self._sources[chunk.source]
        if content is None and self._content is not None and travels(source, inline=self._inline):
            content = self._content(chunk)
        if content is not None:
            return _lines(content, source, chunk)
        try:
            if self._file is None or chunk.source != self._index:
                self.close()
                self._file = self._roots.open(source.path)
                self._index = chunk.source
            self._file.seek(chunk.offset)
            raw = self._file.read(chunk.length)
            check_unchanged(source, self._file.fileno())
        except OSError as error:
            message = f"this worker cannot read {source.path}: {error.strerror}; is the input there on its machine too?"
            raise InputError(message) from error
        return _lines(raw, source, chunk)

    def close(self) -> None:
        """Close the file that was read last."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lines(raw: bytes, source: Source, chunk: Chunk) -> Lines:
    """Return the lines of a chunk that has these bytes."""
    offset = chunk.offset
    if offset == 0 and raw.startswith(_BYTE_ORDER_MARK):
        offset = len(_BYTE_ORDER_MARK)
        raw = raw[offset:]
    return Lines(raw, source.name, offset, chunk.line, chunk.lines if raw else 0)
