"""Links: what a task's lines go through, part by part: functions, commands, and functions behind a filter.

A link of a map turns lines into lines; one of a combiner or a reducer gets those of one key at a time, by rising keys.
What is a process gives its lines at the end, when all have gone in.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Protocol
from urllib.parse import urlsplit

from word_counter.job.mapper import Lines
from word_counter.mrjob.contract import MakeJob
from word_counter.mrjob.tasks.commands import Command
from word_counter.mrjob.tasks.environment import TaskEnvironment
from word_counter.mrjob.tasks.substep import Substep, sorted_lines


class Link(Protocol):
    """Turns lines into lines."""

    def opening(self) -> Iterable[bytes]:
        """Return the lines that come before all others."""

    def through(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        """Return what is made of lines already; they are taken as the result is."""

    def closing(self) -> Iterable[bytes]:
        """Return the lines that come after all others."""


class Groups(Protocol):
    """Turns the lines of each key into lines."""

    def opening(self) -> Iterable[bytes]:
        """Return the lines that come before all others."""

    def grouped(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        """Return what is made already of the lines of a key."""

    def closing(self) -> Iterable[bytes]:
        """Return the lines that come after all others."""


class CommandLink:
    """A command in the place of functions."""

    def __init__(self, command: Command, *, sorts: bool = False) -> None:
        self._command = command
        self._sorts = sorts

    def opening(self) -> Iterable[bytes]:
        return ()

    def through(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        self._command.feed(lines)
        return ()

    def feed_raw(self, content: bytes) -> None:
        """Give it a chunk as it stands in its file."""
        self._command.feed_raw([content])

    def grouped(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        self._command.feed(sorted_lines(lines) if self._sorts else lines)
        return ()

    def closing(self) -> Iterable[bytes]:
        return self._command.finish()


class FilteredLink(CommandLink):
    """Functions behind a filter."""

    def __init__(self, command: Command, substep: Substep, *, groups: bool) -> None:
        super().__init__(command)
        self._substep = substep
        self._groups = groups

    def opening(self) -> Iterable[bytes]:
        return self._substep.opening()

    def closing(self) -> Iterator[bytes]:
        lines = super().closing()
        if self._groups:
            for _, group in groupby(lines, key_of):
                yield from self._substep.grouped(group)
        else:
            yield from self._substep.through(line.rstrip(b"\r") for line in lines)
        yield from self._substep.closing()


class CombinedLink:
    """A combiner whose step has no reducer: it gives the lines of a chunk, combined and sorted by key."""

    def __init__(self, number: int, make: MakeJob, environment: TaskEnvironment) -> None:
        self._number = number
        self._make = make
        self._environment = environment
        self._lines: list[bytes] = []

    def opening(self) -> Iterable[bytes]:
        return ()

    def through(self, lines: Iterable[bytes]) -> Iterable[bytes]:
        self._lines.extend(lines)
        return ()

    def closing(self) -> Iterable[bytes]:
        self._environment.be("combiner", self._number)
        combiner = groups("combiner", self._number, self._make, self._environment)
        found = [*combiner.opening()]
        for _, group in groupby(sorted(self._lines, key=key_of), key_of):
            found += combiner.grouped(group)
        found += combiner.closing()
        self._environment.be("mapper", self._number)
        return found


class RawLink:
    """A ``mapper_raw``: it gets a whole file rather than lines."""

    def __init__(self, substep: Substep) -> None:
        self._substep = substep

    def opening(self) -> Iterable[bytes]:
        return self._substep.opening()

    def through(self, lines: Iterable[bytes]) -> Iterable[bytes]:  # noqa: ARG002 (a link's signature)
        return ()

    def closing(self) -> Iterable[bytes]:
        return self._substep.closing()

    def of_file(self, lines: Lines) -> Iterable[bytes]:
        """Yield the lines that are made of a whole file.

        It is read where it lies, packed or not, if it lies here; else what it holds is put into a file of its name.
        """
        path = lines.source
        if not os.path.isfile(path):
            name = os.path.basename(urlsplit(path).path if "://" in path else path) or "input"
            path = os.path.join(tempfile.mkdtemp(dir=os.getcwd()), "STDIN" if name == "<stdin>" else name)
            with open(path, "wb") as file:
                file.write(lines.raw)
        return self._substep.of_file(path, lines.source if "://" in lines.source else path)


def map_links(number: int, make: MakeJob, environment: TaskEnvironment, *, combines: bool) -> list[Link]:
    """Return what maps lines for a step, of this number from 0; ``combines``: its combiner is part of that."""
    job = make("mapper", number)
    step = job.steps()[number]
    links: list[Link] = []
    if command := step.command("mapper"):
        links.append(CommandLink(Command(command, job, environment)))
    elif step["mapper_pre_filter"]:
        run = Command(step["mapper_pre_filter"], job, environment, is_filter=True)
        links.append(FilteredLink(run, Substep(job, "mapper", number), groups=False))
    else:
        substep = Substep(job, "mapper", number)
        links.append(RawLink(substep) if step["mapper_raw"] else substep)
    if combines:
        links.append(CombinedLink(number, make, environment))
    return links


def groups(part: str, number: int, make: MakeJob, environment: TaskEnvironment) -> Groups:
    """Return what combines or reduces groups for a step, of this number from 0."""
    job = make(part, number)
    step = job.steps()[number]
    if command := step.command(part):
        return CommandLink(Command(command, job, environment), sorts=bool(job.sort_values()))
    substep = Substep(job, part, number)
    if pre_filter := step[f"{part}_pre_filter"]:
        return FilteredLink(Command(pre_filter, job, environment, is_filter=True), substep, groups=True)
    return substep


def key_of(line: bytes) -> bytes:
    """Return what of a line decides which lines go together."""
    return line.partition(b"\t")[0]
