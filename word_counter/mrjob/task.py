r"""Tasks: how a job in mrjob's API runs on this engine: a mapper and a reducer that pass lines through its functions.

A pair is a line: its key what stands before the first tab, its value what stands behind (None when there is no tab),
as text whose characters stand for a byte each (latin-1), so that any protocol passes and keys sort as their bytes do.
What is reduced from a key are the lines it came to, in a list.

In all phases but the first a value carries where it comes from, the key that it was reduced from, and values are sorted
by that: so they come as they do under mrjob, whose steps read the sorted output of the step before, and the partitions
do not show. Where nothing is reduced at the end, lines keep their order by having their place for a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from word_counter.job.mapper import Lines, Mapper, Pair
from word_counter.job.pairs import Pairs
from word_counter.job.reducer import LEFT_OUT, GroupKey, Reducer, Restore
from word_counter.mrjob.compat import input_file
from word_counter.mrjob.contract import StreamingJob
from word_counter.mrjob.counters import counter_name
from word_counter.mrjob.substep import Substep

#: Comes after all keys, none of which has a character beyond U+00FF.
_BEYOND = "\uffff"


@dataclass(frozen=True, slots=True)
class Work:
    """What a phase does.

    Attributes:
        job: the class of the job.
        args: the command line that its tasks are told.
        steps: how many steps the job has.
        maps: the numbers of the steps, from 0, that are mapped one after the other.
        reduces: the number of the step that is reduced; None: none is.
        combines: whether that has a combiner.
        first: whether the input is what is mapped.
    """

    job: type[StreamingJob]
    args: tuple[str, ...]
    steps: int
    maps: tuple[int, ...]
    reduces: int | None
    combines: bool
    first: bool

    def begin(self, part: str, number: int, count: Callable[[str, int], None]) -> Substep:
        """Return a part of a step, of a job that is made for it: as under mrjob, parts share nothing."""
        job = self.job(args=[f"--{part}", f"--step-num={number}", *self.args])
        job.count_with(lambda group, name, n: count(counter_name(number, self.steps, group, name), n))
        return Substep(job, part, number)


class MapTask(Mapper):
    """Maps one chunk."""

    work: Work

    def setup(self) -> None:
        self._origin = ""
        self._opened: list[bytes] = []
        self._substeps: list[Substep] = []
        for number in self.work.maps:
            substep = self.work.begin("mapper", number, self.count)
            self._opened = [*substep.opening(), *substep.mapped(self._opened)]
            self._substeps.append(substep)

    @property
    def by_record(self) -> bool:
        return True

    def enter(self, lines: Lines | Pairs) -> None:
        super().enter(lines)
        input_file.set(lines.source if self.work.first else "")
        if isinstance(lines, Lines):
            self._origin = f"{os.fsencode(lines.source).decode('latin-1')}\t{lines.offset:020d}"

    def map_chunk(self, lines: Lines) -> Iterator[Pair]:
        return self._pairs(self._through(_raw(lines), 0))

    def map_pairs(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        for key, texts in pairs:
            self._origin = key
            yield from self._pairs(self._through((text.encode("latin-1") for text in texts), 0))

    def close(self) -> Iterator[Pair]:
        # Only now: with the first record, which may be set aside, they could get lost.
        yield from self._pairs(self._opened)
        for number, substep in enumerate(self._substeps, 1):
            yield from self._pairs(self._through(substep.closing(), number))

    def _through(self, lines: Iterable[bytes], first: int) -> Iterable[bytes]:
        for substep in self._substeps[first:]:
            lines = substep.mapped(lines)
        return lines

    def _pairs(self, lines: Iterable[bytes]) -> Iterator[Pair]:
        if self.work.reduces is None:
            yield from ((self._origin, line.decode("latin-1")) for line in lines)
            return
        first = self.work.first
        for line in lines:
            key, value = _split(line)
            yield key, value if first else [self._origin, value]


class ReduceTask(Reducer):
    """Combines what a chunk was mapped to, and reduces one partition."""

    work: Work
    _substep: Substep | None = None

    def condense_all(self, groups: dict[GroupKey, Any], restore: Restore) -> dict[GroupKey, Any]:  # noqa: ARG002
        if not self.work.combines or self.work.reduces is None:
            return groups
        substep = self.work.begin("combiner", self.work.reduces, self.count)
        first = self.work.first
        combined: dict[GroupKey, Any] = {}
        origin = ""

        def put(lines: Iterable[bytes]) -> None:
            for line in lines:
                key, value = _split(line)
                combined.setdefault(key, []).append(value if first else [origin, value])

        put(substep.opening())
        for key in sorted(groups):
            values = groups[key]
            if not first:
                origin = values[0][0]
                values = [value for _, value in values]
            put(substep.grouped(_lines(str(key), values)))
        put(substep.closing())
        return combined

    def reduce(self, key: str, values: Iterable[Any]) -> Any:
        if self.work.reduces is None:
            return list(values)
        opened: list[str] = []
        if self._substep is None:  # not in setup: where there are no keys there is no task, as under mrjob
            self._substep = self.work.begin("reducer", self.work.reduces, self.count)
            opened = _texts(self._substep.opening())
        if not self.work.first:
            values = [value for _, value in sorted(values, key=itemgetter(0))]
        return opened + _texts(self._substep.grouped(_lines(key, values))) or LEFT_OUT

    def last_results(self) -> Iterator[tuple[str, list[str]]]:
        if self._substep is not None and (texts := _texts(self._substep.closing())):
            yield _BEYOND, texts


def _raw(lines: Lines) -> Iterator[bytes]:
    """Yield the lines as bytes, and let it be known which one is being mapped."""
    for _, line in zip(lines, lines.raw.split(b"\n"), strict=False):
        yield line.rstrip(b"\r")


def _split(line: bytes) -> tuple[str, str | None]:
    key, tab, value = line.decode("latin-1").partition("\t")
    return key, value if tab else None


def _lines(key: str, values: Iterable[str | None]) -> Iterator[bytes]:
    for value in values:
        yield (key if value is None else f"{key}\t{value}").encode("latin-1")


def _texts(lines: Iterable[bytes]) -> list[str]:
    return [line.decode("latin-1") for line in lines]
