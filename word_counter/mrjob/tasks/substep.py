"""Substep: the mapper, the combiner or the reducer of a step that is made of functions, as what turns lines into lines.

That is what mrjob does, and it is what decides which keys are one, and in which order they come: those of their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from word_counter.mrjob.contract import StreamingJob


class Substep:
    """A part of a step of a job that was made for this one task. Lines are bytes without the newline."""

    def __init__(self, job: StreamingJob, part: str, number: int) -> None:
        """Take the part ("mapper", "combiner" or "reducer") of the step of this number, from 0."""
        step = job.steps()[number]
        self._run = step[part]
        self._raw = step["mapper_raw"]
        self._init, self._final = step[f"{part}_init"], step[f"{part}_final"]
        self._read, self._write = job.pick_protocols(number, part)
        self._sorts = bool(job.sort_values())

    def opening(self) -> Iterator[bytes]:
        """Yield the lines that come before those of the first record."""
        return self._once(self._init)

    def closing(self) -> Iterator[bytes]:
        """Yield the lines that come after those of the last record."""
        return self._once(self._final)

    def through(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that a mapper makes of lines."""
        read, run, write = self._read, self._run, self._write
        for line in lines:
            for key, value in run(*read(line)) or ():
                yield write(key, value)

    def of_file(self, path: str, uri: str) -> Iterator[bytes]:
        """Yield the lines that a ``mapper_raw`` makes of a file."""
        for key, value in self._raw(path, uri) or ():
            yield self._write(key, value)

    def grouped(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that a combiner or a reducer makes of those of one key, of which there is at least one."""
        pairs = map(self._read, sorted_lines(lines) if self._sorts else lines)
        key, first = next(pairs)
        values = chain((first,), (value for _, value in pairs))
        for out_key, out_value in self._run(key, values) or ():
            yield self._write(out_key, out_value)

    def _once(self, function: Callable[[], Any] | None) -> Iterator[bytes]:
        for key, value in (function() if function is not None else None) or ():
            yield self._write(key, value)


def sorted_lines(lines: Iterable[bytes]) -> list[bytes]:
    """Return lines sorted as mrjob does: with their line breaks."""
    return sorted(lines, key=lambda line: line + b"\n")


def split_line(line: bytes) -> tuple[str, str | None]:
    """Return the key and the value of a line, as text of a character a byte; None: there is no tab."""
    key, tab, value = line.decode("latin-1").partition("\t")
    return key, value if tab else None


def joined_lines(key: str, values: Iterable[str | None]) -> Iterator[bytes]:
    """Yield the lines of a key and its values."""
    for value in values:
        yield (key if value is None else f"{key}\t{value}").encode("latin-1")


def texts_of(lines: Iterable[bytes]) -> list[str]:
    """Return lines as text of a character a byte."""
    return [line.decode("latin-1") for line in lines]
