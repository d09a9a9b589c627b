"""Streams: sources read from their beginning to their end: packed files, standard input, what is to travel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

from word_counter.errors import InputError
from word_counter.job import STDIN, Chunk, Source
from word_counter.sources import check_unchanged
from word_counter.unpacking import HEAD_BYTES, packing_of, unpacked

#: How much is read at a time, in bytes.
_BLOCK_BYTES = 1024 * 1024


class Stream:
    """What a source holds, unpacked, from its beginning on."""

    def __init__(self, source: Source, file: BinaryIO) -> None:
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
            message = f"{self._source.name} ends {offset:,} bytes earlier than it did when it was read before"
            raise InputError(message)

    def _unpacked(self) -> Iterator[bytes]:
        packing = self._source.packing
        if not packing:
            return iter(lambda: self._read(_BLOCK_BYTES), b"")
        if packing != STDIN:
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
        block = os.read(self._file.fileno(), n) if self._source.packing == STDIN else self._file.read(n)
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
        with open(source.path, "rb") as file:
            check_unchanged(source, file.fileno())
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
