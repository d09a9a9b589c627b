"""Spill file: a file without a name in which a reduce task keeps its own runs. It is gone when the process ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from word_counter.settings.user_folders import temporary_folder
from word_counter.shuffle.run_format import RunEntry, entries_of

#: How many bytes of a run are read at a time.
PIECE_BYTES = 32 * 1024


def read_lines(descriptor: int, start: int, end: int) -> Iterator[list[bytes]]:
    """Yield the lines of a part of a file, some at a time. Several readers may read the same file."""
    return whole_lines(_pieces(descriptor, start, end))


def _pieces(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := os.pread(descriptor, min(PIECE_BYTES, end - start), start)):
        start += len(piece)
        yield piece


def whole_lines(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines in pieces, without their line breaks. The last line needs no line break."""
    begun: list[bytes] = []  # the start of a line that goes on in the next piece
    for piece in pieces:
        first, *others = piece.split(b"\n")
        begun.append(first)
        if others:
            *lines, rest = b"".join(begun), *others
            begun = [rest]
            yield lines
    if last := b"".join(begun):
        yield [last]


class SpillFile:
    """Runs that are written once and read from their start. A context manager that removes the file on leaving."""

    def __init__(self, folder: str | None = None) -> None:
        """Make it in a folder; None: where temporary files are."""
        self._file = tempfile.TemporaryFile(dir=folder or temporary_folder())  # noqa: SIM115 (it is closed with the spool)
        self._size = 0

    def keep(self, pieces: Iterable[bytes]) -> tuple[int, int]:
        """Write a run, given in lines or any other pieces; return where it starts and ends."""
        start = self._size
        for piece in pieces:
            self._file.write(piece)
            self._size += len(piece)
        self._file.flush()
        return start, self._size

    def blocks(self, start: int, end: int) -> Iterator[list[RunEntry]]:
        """Yield the entries of a run, some at a time."""
        return map(entries_of, read_lines(self._file.fileno(), start, end))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
