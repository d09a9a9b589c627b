"""Substep: the mapper, the combiner or the reducer of a step, as what turns lines into lines.

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
        run = step[part]
        if run is None:
            message = f"step {number} has no {part}"
            raise ValueError(message)
        self._run = run
        self._init, self._final = step[f"{part}_init"], step[f"{part}_final"]
        self._read, self._write = job.pick_protocols(number, part)
        self._sorts = bool(job.sort_values())

    def opening(self) -> Iterator[bytes]:
        """Yield the lines that come before those of the first record."""
        return self._once(self._init)

    def closing(self) -> Iterator[bytes]:
        """Yield the lines that come after those of the last record."""
        return self._once(self._final)

    def mapped(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that a mapper makes of lines."""
        read, run, write = self._read, self._run, self._write
        for line in lines:
            for key, value in run(*read(line)) or ():
                yield write(key, value)

    def grouped(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that a combiner or a reducer makes of those of one key, of which there is at least one."""
        if self._sorts:
            lines = sorted(lines, key=lambda line: line + b"\n")  # as mrjob does: it sorts whole lines
        pairs = map(self._read, lines)
        key, first = next(pairs)
        values = chain((first,), (value for _, value in pairs))
        for out_key, out_value in self._run(key, values) or ():
            yield self._write(out_key, out_value)

    def _once(self, function: Callable[[], Any] | None) -> Iterator[bytes]:
        for key, value in (function() if function is not None else None) or ():
            yield self._write(key, value)
