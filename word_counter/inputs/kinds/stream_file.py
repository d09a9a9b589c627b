"""Streams with a name: pipes, devices, descriptors, and files whose size tells nothing, as those of /proc and /sys.

They are read as standard input is: once, from their beginning on, by the master. A file lies about its size if it takes
no place on its disk and has fewer or more bytes than it says.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from typing import ClassVar

from word_counter.errors import InputError, spelled
from word_counter.files.urls import is_url
from word_counter.inputs.base import Kind, Opened, Place, Search
from word_counter.inputs.kinds.stored_file import OpenStream
from word_counter.job.model import STDIN, STDIN_PATH, STREAM, Chunk, Source

#: Names of standard input, and of files that only this process sees.
_STDIN_NAMES = frozenset({STDIN_PATH, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
_DESCRIPTOR = re.compile(r"/dev/fd/\d+|/proc/(self|thread-self|\d+)/fd/\d+")
#: What a read at a place says of a file that has none.
_NO_PLACES = frozenset({errno.ESPIPE, errno.EINVAL, errno.EIO, errno.ENODEV})
#: Streams that were begun to be read, with the time of their finding: what was read of them does not come again. There
#: is but one standard input, whenever it is found.
_begun: set[tuple[str, int]] = set()


class StreamFile(Kind):
    """What comes but once. Standard input is the stream that has no name."""

    once: ClassVar[bool] = True

    @classmethod
    def find(cls, name: str, search: Search) -> list[str] | None:  # noqa: ARG003 (there is nothing below it)
        """Return ``-`` for standard input, by any of its names."""
        return [STDIN_PATH] if name in _STDIN_NAMES else None

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Return a source of unknown size, whose time of change says that what comes is another input each time.

        Pipes, sockets and devices below directories are left out.
        """
        path, encoding = place.path, place.search.encoding
        if path == STDIN_PATH:
            if sys.stdin is None or sys.stdin.closed:
                message = "standard input is closed, and so there is nothing to read from -; name files instead"
                raise InputError(message)
            return [Source(path, 0, time.time_ns(), STDIN, encoding=encoding)]
        if is_url(path):
            return None
        status = os.stat(path)
        special = not stat.S_ISREG(status.st_mode)
        if special and path not in place.search.named:
            place.search.unnamed.append(path)  # to read a pipe that happens to be in a folder might never end
            return []
        if stat.S_ISSOCK(status.st_mode):
            message = f"{spelled(path)} is a socket: files, pipes and devices can be read"
            raise InputError(message)
        if special or _DESCRIPTOR.fullmatch(path) or (status.st_blocks == 0 and _lies(path, status.st_size)):
            return [Source(os.path.abspath(path), 0, time.time_ns(), STREAM, encoding=encoding)]
        return None

    @classmethod
    def has(cls, source: Source) -> bool:
        """Tell by the packing."""
        return source.packing in {STDIN, STREAM}

    @classmethod
    def now(cls, source: Source) -> Source:
        """Return the source: it does not change, it comes or is gone."""
        return source

    def open(self, source: Source) -> Opened:
        """Begin to read; InputError when that was done before, OSError when it cannot be opened."""
        begun = source.path, 0 if source.packing == STDIN else source.modified
        if begun in _begun:
            message = f"{_spoken(source)} was read already, and does not come again; run the job anew, or over a file"
            raise InputError(message)
        _begun.add(begun)
        if source.packing == STDIN:
            return _Once(source, lambda n: os.read(sys.stdin.fileno(), n), None)
        descriptor = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
        return _Once(source, lambda n: os.read(descriptor, n), None, close=lambda: os.close(descriptor))


class _Once(OpenStream):
    def read(self, chunk: Chunk) -> bytes:
        message = f"chunk {chunk.id} came from {_spoken(self.source)}, and its bytes are no longer in Redis"
        raise InputError(message)


def _spoken(source: Source) -> str:
    return "standard input" if source.packing == STDIN else source.name


def _lies(path: str, size: int) -> bool:
    """Whether a file ends before its size, or goes on behind it. One that cannot be read at a place does, too."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        ends_early = size > 0 and not os.pread(descriptor, 1, size - 1)
        return ends_early or bool(os.pread(descriptor, 1, size))
    except (BlockingIOError, OverflowError):
        return True
    except OSError as error:
        if error.errno in _NO_PLACES:
            return True
        raise
    finally:
        os.close(descriptor)
