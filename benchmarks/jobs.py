"""Our own side: the jobs of the benchmarks, as a user would write them."""

from __future__ import annotations

from collections.abc import Iterator

from word_counter import Job, Mapper, Sum


class LevelOfService(Mapper):
    """Yields, for each line of a log, its service and its level."""

    def map(self, line: str) -> Iterator[tuple[tuple[str, str], int]]:
        _, service, level, _ = line.split(" ", 3)
        yield (service, level), 1


class Levels(Job):
    """Counts the lines of each service and level."""

    mapper = LevelOfService
    reducer = Sum


class Silent(Mapper):
    """Yields nothing, so that what is left is the price of a chunk."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:  # noqa: ARG002 (the contract's signature)
        yield from ()


class Nothing(Job):
    """Does nothing with each line."""

    mapper = Silent
    reducer = Sum
