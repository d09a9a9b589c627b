r"""Map tasks: how a job in mrjob's API is mapped on this engine: by passing lines through its parts.

A pair is a line: its key what stands before the first tab, its value what stands behind (None when there is no tab),
as text whose characters stand for a byte each (latin-1), so that any protocol passes and keys sort as their bytes do.
What is reduced from a key are the lines it came to, in a list.

In all phases but the first a value carries where it comes from, the key that it was reduced from, and values are sorted
by that: so they come as they do under mrjob, whose steps read the sorted output of the step before, and the partitions
do not show. Where nothing is reduced at the end, lines keep their order by having their place for a key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain

from word_counter.job.mapper import Lines, Mapper, Pair
from word_counter.job.pairs import Pairs
from word_counter.mrjob.tasks.environment import TaskEnvironment
from word_counter.mrjob.tasks.links import CommandLink, Link, RawLink, map_links
from word_counter.mrjob.tasks.substep import Substep, split_line
from word_counter.mrjob.tasks.work import Work


class MapTask(Mapper):
    """Maps one chunk."""

    empty_files = True
    work: Work
    surroundings: TaskEnvironment

    def setup(self) -> None:
        self._origin = ""
        self._opened: list[bytes] = []
        self._links: list[tuple[int, Link]] = []
        # Steps that are configured apart see each line in an environment of their own.
        self._apart = len(self.work.maps) > 1 and bool(self.work.step_confs)
        for number in self.work.maps:
            self._be(number)
            combines = number in self.work.combines and number != self.work.reduces
            for link in map_links(number, self.work.maker(self.count), self.surroundings, combines=combines):
                self._opened = [*link.opening(), *link.through(self._opened)]
                self._links.append((number, link))

    @property
    def by_record(self) -> bool:
        return all(isinstance(link, Substep) for _, link in self._links)

    def enter(self, lines: Lines | Pairs) -> None:
        super().enter(lines)
        if isinstance(lines, Lines):
            self._origin = f"{os.fsencode(lines.source).decode('latin-1')}\t{lines.offset:020d}"

    def map_chunk(self, lines: Lines) -> Iterator[Pair]:
        first = self._links[0][1]
        if isinstance(first, RawLink):
            yield from self._pairs(self._through(first.of_file(lines), 1))
        elif isinstance(first, CommandLink):
            first.feed_raw(lines.raw)
        else:
            yield from self._pairs(self._through(_raw(lines), 0))

    def map_pairs(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        for key, texts in pairs:
            self._origin = key
            yield from self._pairs(self._through((text.encode("latin-1") for text in texts), 0))

    def close(self) -> Iterator[Pair]:
        # Only now: with the first record, which may be set aside, they could get lost.
        yield from self._pairs(self._opened)
        for place, (number, link) in enumerate(self._links, 1):
            self._be(number)
            yield from self._pairs(self._through(link.closing(), place))

    def _through(self, lines: Iterable[bytes], first: int) -> Iterable[bytes]:
        links = self._links[first:]
        if self._apart:
            return chain.from_iterable(self._one_by_one(line, links) for line in lines)
        for _, link in links:
            lines = link.through(lines)
        return lines

    def _one_by_one(self, line: bytes, links: Iterable[tuple[int, Link]]) -> list[bytes]:
        lines = [line]
        for number, link in links:
            self._be(number)
            lines = list(link.through(lines))
        return lines

    def _be(self, number: int) -> None:
        if self._apart:
            self.surroundings.be("mapper", number)

    def _pairs(self, lines: Iterable[bytes]) -> Iterator[Pair]:
        if self.work.reduces is None:
            yield from ((self._origin, line.decode("latin-1")) for line in lines)
            return
        first = self.work.first
        for line in lines:
            key, value = split_line(line)
            yield key, value if first else [self._origin, value]


def _raw(lines: Lines) -> Iterator[bytes]:
    """Yield the lines as bytes, and let it be known which one is being mapped."""
    for _, line in zip(lines, lines.raw.split(b"\n"), strict=False):
        yield line.rstrip(b"\r")
