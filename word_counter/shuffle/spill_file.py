"""The spool: a file without a name in which a reduce task keeps runs of its own; it goes with its process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from word_counter.settings.user_folders import temporary_folder
from word_counter.shuffle.run_format import SubmitOrResume, entries_of

#: A run is read in pieces of so many bytes.
PIECE_BYTES = 32 * 1024


def read_lines(descriptor: int, start: int, end: int) -> Iterator[list[bytes]]:
    """Yield the lines of a part of a file, some at a time; others may read the same file meanwhile."""
    return whole_lines(_pieces(descriptor, start, end))


def _pieces(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := os.pread(descriptor, min(PIECE_BYTES, end - start), start)):
        start += len(piece)
        yield piece


def whole_lines(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines that pieces come to, without their ends; a last one that has no end is a line, too."""
    begun: list[bytes] = []  # of a line that is longer than a piece
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
    """Runs that are written once and read from their beginnings. As a context it goes away at the end."""

    def __init__(self, folder: str | None = None) -> None:
        """Make it in a folder; None: where temporary files are."""
        self._file = tempfile.TemporaryFile(dir=folder or temporary_folder())  # noqa: SIM115 (it is closed with the spool)
        self._size = 0

    def keep(self, pieces: Iterable[bytes]) -> tuple[int, int]:
        """Write a run, given as its lines or any pieces of them; return where it starts and ends."""
        start = self._size
        for piece in pieces:
            self._file.write(piece)
            self._size += len(piece)
        self._file.flush()
        return start, self._size

    def blocks(self, start: int, end: int) -> Iterator[list[SubmitOrResume]]:
        """Yield the entries of a run, some at a time."""
        return map(entries_of, read_lines(self._file.fileno(), start, end))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
