"""What kinds have in common whose sources are files, of this machine or behind a URL: status, ranges, streams."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

from word_counter.errors import spelled
from word_counter.files.urls import is_url
from word_counter.inputs.base import Kind, Opened, Place, from_offset, renewed, status_of
from word_counter.inputs.encodings import TextEncoding, encoding_of, marked
from word_counter.inputs.kinds.decompression import HEAD_BYTES, unpacked, unpacked_by_head
from word_counter.inputs.kinds.signatures import (
    binary_kind,
    has_old_breaks,
    no_text,
    old_breaks,
    refuse_archive,
    refuse_unread,
)
from word_counter.inputs.line_splitter import blocks_of
from word_counter.job.model import STDIN, STREAM, Chunk, Source


def source_at(place: Place, packing: str = "", member: str = "", size: int | None = None) -> Source:
    """Return the source that a file is, or a member of it, which has a size of its own.

    Raises:
        InputError: it ends in the middle of a character.
    """
    whole = place.path if is_url(place.path) else os.path.abspath(place.path)
    encoding = None if packing else marked(place.head)
    if encoding is None:
        encoding = place.search.encoding
    if not packing:
        encoding_of(encoding).refuse_cut_off(place.status.size, place.path)
    return Source(whole, place.status.size if size is None else size, place.status.modified, packing, member, encoding)


def look_at(place: Place) -> None:
    """See to it that a file is text, as far as its beginning tells, packed or not; what looks otherwise is noted.

    Raises:
        InputError: it is packed in a way that is not read, or is an archive of such a kind.
    """
    head, search = place.inner, place.search
    refuse_unread(head, spelled(place.path), by_name=not place.packing, encoding=search.encoding)
    if what := binary_kind(head, search.encoding):
        search.binary.append((place.path, what))
    elif has_old_breaks(head):
        search.old_breaks.append(place.path)


def text_of(blocks: Iterator[bytes], source: Source, say: Callable[[str], None]) -> Iterator[bytes]:
    """Yield what a stream holds in UTF-8, whatever it is encoded in.

    ``say`` gets a line when something that comes but once looks like no text: nobody could look at it before.

    Raises:
        InputError: it is packed, or an archive, once more, or ends in the middle of a character.
    """
    begin: list[bytes] = []
    size = 0
    for block in blocks:
        begin.append(block)
        size += len(block)
        if size >= HEAD_BYTES or (b"\n" in block and b"\0" not in block):
            break  # lines of plain text tell enough: a stream may let the rest wait for long
    head = b"".join(begin)[:HEAD_BYTES]
    refuse_unread(head, source.name, encoding=source.encoding)
    streamed = source.packing in {STDIN, STREAM}
    refuse_archive(head, source.name, streamed=streamed)
    if streamed and (what := binary_kind(head, source.encoding)):
        say(no_text(source.name, what))
    elif streamed and has_old_breaks(head):
        say(old_breaks(source.name))
    mark = marked(head)
    encoding = encoding_of(source.encoding if mark is None else mark)
    return encoding.transcoded(_to_its_end(chain(begin, blocks), encoding, source.name))


def _to_its_end(blocks: Iterator[bytes], encoding: TextEncoding, name: str) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        yield block
    encoding.refuse_cut_off(size, name)


def check_unchanged(kind: type[Kind], source: Source, file: BinaryIO) -> None:
    """Raise InputChangedError unless an open file is as it was when the job was made."""
    status = status_of(source.path, file)
    if status != (source.size, source.modified):
        kind.check(source, renewed(source, status))


class StoredFile(Kind):
    """A kind whose sources are files."""

    @classmethod
    def now(cls, source: Source) -> Source:
        """Return the source as its file is by now."""
        return renewed(source, status_of(source.path))


class OpenFile(Opened):
    """A file whose bytes are what it holds: any range of it can be read."""

    def __init__(self, kind: type[Kind], source: Source, file: BinaryIO) -> None:
        super().__init__(source, kind.encoding(source))
        self._kind = kind
        self._file = file

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield its bytes, no further than it went when the job was made."""
        for block in blocks_of(self._file, offset, self.source.size):
            self.read_bytes += len(block)
            yield block

    def read(self, chunk: Chunk) -> bytes:
        """Return the bytes of a chunk."""
        self._file.seek(chunk.offset)
        return self._file.read(chunk.length)

    def check(self) -> None:
        """Compare it by size and time of change."""
        check_unchanged(self._kind, self.source, self._file)

    def close(self) -> None:
        """Close it."""
        self._file.close()


class OpenStream(Opened):
    """A source that is read from its beginning on, and unpacked.

    ``packing`` says how it is packed; None: its head tells. ``check`` is that of the kind, ``close`` too.
    """

    def __init__(
        self,
        source: Source,
        read: Callable[[int], bytes],
        packing: str | None,
        check: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(source)
        self._read = read
        self._packing = packing
        self._check = check
        self._close = close

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield what it holds; what comes before the offset is read and passed over."""
        name, packing = self.source.name, self._packing
        whole = unpacked_by_head(self._counted, name) if packing is None else unpacked(self._counted, packing, name)
        return from_offset(text_of(whole, self.source, self.say), offset, name)

    def _counted(self, n: int) -> bytes:
        block = self._read(n)
        self.read_bytes += len(block)
        return block

    def check(self) -> None:
        """Compare it as its kind does."""
        self._check()

    def close(self) -> None:
        """Close it."""
        self._close()
