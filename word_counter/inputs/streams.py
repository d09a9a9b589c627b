"""Streams: sources read from their beginning to their end: packed files, standard input, what is to travel."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Protocol

from word_counter.errors import InputError
from word_counter.inputs.decompression import HEAD_BYTES, packing_of, unpacked
from word_counter.inputs.sources import check_unchanged, open_source
from word_counter.job.model import STDIN, WHOLE, Chunk, Source
from word_counter.settings.plurals import count

#: How much is read at a time, in bytes.
_BLOCK_BYTES = 1024 * 1024
#: Packings of sources that may be packed themselves, as is told when they are read.
_TOLD_BY_HEAD = {STDIN, WHOLE, "tar", "zip"}


class Opened(Protocol):
    """What a source is read from."""

    def read(self, n: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...


if TYPE_CHECKING:
    from word_counter.inputs.archive import Archive


class Openings:
    """Opens sources one after the other; keeps the last archive open, as its files follow each other."""

    def __init__(self) -> None:
        self._archive: Archive | None = None

    @contextmanager
    def opened(self, source: Source) -> Iterator[Opened]:
        """Open a source that is the file the job found, and is so still when it was read.

        Raises:
            OSError: it cannot be opened.
            InputError: it is not in its archive, that is damaged, or standard input was read before.
            InputChangedError: it is not as it was when the job was made.
        """
        if source.packing == STDIN:
            if _stdin_begun.is_set():
                message = "standard input was read already, and does not come again; run the job anew, or over a file"
                raise InputError(message)
            _stdin_begun.set()
            yield _Descriptor(sys.stdin.fileno())
        elif source.member:
            if self._archive is None or self._archive.path != source.path:
                from word_counter.inputs.archive import Archive  # which takes a while, and few need it

                self.close()
                self._archive = Archive(source.path, open_source(source.path))
            check_unchanged(source, self._archive.file)
            with self._archive.opened(source.member) as file:
                yield file
            check_unchanged(source, self._archive.file)
        else:
            with open_source(source.path) as file:
                check_unchanged(source, file)
                yield file
                check_unchanged(source, file)

    def close(self) -> None:
        """Close the archive that was opened last."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None


#: Whether standard input was begun to be read: what was read of it does not come again.
_stdin_begun = threading.Event()


class _Descriptor:
    """A descriptor that gives what there is, without waiting until it is as much as was asked for."""

    def __init__(self, number: int) -> None:
        self._number = number

    def read(self, n: int) -> bytes:
        return os.read(self._number, n)

    def seek(self, offset: int) -> int:
        return os.lseek(self._number, offset, os.SEEK_SET)


class Stream:
    """What a source holds, unpacked, from its beginning on."""

    def __init__(self, source: Source, file: Opened) -> None:
        self._source = source
        self._file = file
        #: How much of the file was read, in bytes as they lie there.
        self.read_bytes = 0

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield what the source holds from an offset on; what comes before is read and passed over.

        Raises:
            InputError: it is cut off, damaged, or shorter than the offset.
        """
        if not self._source.packing:
            self._file.seek(offset)
            offset = 0
        for block in self._unpacked():
            if offset >= len(block):
                offset -= len(block)
            elif offset:
                yield block[offset:]
                offset = 0
            else:
                yield block
        if offset:
            message = f"{self._source.name} ends {count(offset, 'byte')} earlier than it did when it was read before"
            raise InputError(message)

    def _unpacked(self) -> Iterator[bytes]:
        packing = self._source.packing
        if not packing:
            return iter(lambda: self._read(_BLOCK_BYTES), b"")
        if packing not in _TOLD_BY_HEAD:
            return unpacked(self._read, packing, self._source.name)
        head = self._at_least(HEAD_BYTES)
        read = _after(head, self._read)
        if packing := packing_of(head.ljust(HEAD_BYTES)):
            return unpacked(read, packing, self._source.name)
        return iter(lambda: read(_BLOCK_BYTES), b"")

    def _at_least(self, n: int) -> bytes:
        head = b""
        while len(head) < n and (more := self._read(n - len(head))):
            head += more
        return head

    def _read(self, n: int) -> bytes:
        block = self._file.read(n)
        self.read_bytes += len(block)
        return block


def reread(source: Source, chunk: Chunk) -> bytes:
    """Return the bytes of a chunk, by reading its source from the beginning again.

    Raises:
        InputError: the source cannot be read, or is standard input, which is gone.
        InputChangedError: it is not as it was when the job was made.
    """
    if source.packing == STDIN:
        message = f"chunk {chunk.id} came from standard input, and its bytes are no longer in Redis"
        raise InputError(message)
    content = bytearray()
    try:
        with closing(Openings()) as openings, openings.opened(source) as file:
            for block in Stream(source, file).blocks(chunk.offset):
                content += block[: chunk.length - len(content)]
                if len(content) == chunk.length:
                    break
    except OSError as error:
        message = f"cannot read {source.name}: {error.strerror}"
        raise InputError(message) from error
    return bytes(content)


def _after(head: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return what reads as ``read`` does, after a head that was read already."""
    left = [head] if head else []
    return lambda n: left.pop() if left else read(n)
