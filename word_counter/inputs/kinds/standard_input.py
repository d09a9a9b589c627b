"""Standard input: it comes but once, packed or not, and nobody knows how much it will be."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import ClassVar

from word_counter.errors import InputError
from word_counter.inputs.base import Kind, Opened, Place, Search
from word_counter.inputs.kinds.stored_file import OpenStream
from word_counter.job.model import STDIN, STDIN_PATH, Chunk, Source

#: Whether it was begun to be read: what was read of it does not come again.
_begun = threading.Event()


class StandardInput(Kind):
    """What ``-`` names."""

    once: ClassVar[bool] = True

    @classmethod
    def find(cls, name: str, search: Search) -> list[str] | None:  # noqa: ARG003 (there is but one)
        """Return ``-`` for itself."""
        return [name] if name == STDIN_PATH else None

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Return a source of unknown size. What comes is another input each time, as its time of change says."""
        if place.path != STDIN_PATH:
            return None
        if sys.stdin is None or sys.stdin.closed:
            message = "standard input is closed, and so there is nothing to read from -; name files instead"
            raise InputError(message)
        return [Source(place.path, 0, time.time_ns(), STDIN)]

    @classmethod
    def has(cls, source: Source) -> bool:
        """Tell by the packing."""
        return source.packing == STDIN

    @classmethod
    def now(cls, source: Source) -> Source:
        """Return the source: it does not change, it comes or is gone."""
        return source

    def open(self, source: Source) -> Opened:
        """Begin to read; InputError when that was done before."""
        if _begun.is_set():
            message = "standard input was read already, and does not come again; run the job anew, or over a file"
            raise InputError(message)
        _begun.set()
        return _Once(source, _read, None)


class _Once(OpenStream):
    def read(self, chunk: Chunk) -> bytes:
        message = f"chunk {chunk.id} came from standard input, and its bytes are no longer in Redis"
        raise InputError(message)


def _read(n: int) -> bytes:
    """Return what there is, without waiting until it is as much as was asked for."""
    return os.read(sys.stdin.fileno(), n)
