"""Model: the values that a job is made of (source, chunk, cursor, task), and the states of a job.

    job --splits into--> chunks --one map task each--> partials --one reduce task a partition--> results

A task is named by its stage and number: ``map:12`` is the work on chunk 12, ``reduce:3`` that on partition 3.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from word_counter.errors import spelled_name

#: What stands for standard input among inputs, and the packing of that source.
STDIN_PATH = "-"


STDIN = "stdin"


#: The packing of a pipe, a device or another file that is read once, as standard input is.
STREAM = "stream"


#: The packing of a source whose bytes are its lines, and of which nothing is given but the whole.
WHOLE = "whole"


#: One path or several, as a caller may give them.
Inputs = str | Path | Iterable[str | Path]


class Stage(enum.StrEnum):
    """The two kinds of task."""

    MAP = "map"  #: one chunk in, one partial for each partition out
    REDUCE = "reduce"  #: all partials of one partition in, its results out


class JobState(enum.StrEnum):
    """Where a job is. It moves down this list, or from any of the first three to the last two."""

    MAPPING = "mapping"  #: the input is being split, and its chunks mapped
    REDUCING = "reducing"  #: every chunk is committed; the partitions are being reduced and then merged
    DONE = "done"  #: the results are written
    FAILED = "failed"  #: ended without results; the reason is kept
    CANCELLED = "cancelled"  #: ended on request, without results

    @property
    def ended(self) -> bool:
        """Whether the job is over."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Source:
    """What lines come from, as it was when the job was made.

    Attributes:
        path: the file; ``-`` is standard input.
        size: in bytes, as it lies there; 0 of standard input.
        modified: the time of last change in nanoseconds since 1970.
        packing: how it is packed ("gzip", "bzip2", "xz", "zstd", "tar", "zip"), or "stdin", "stream" or "whole";
            nothing: its bytes are its lines, wherever one begins to read.
        member: of a tar or zip file: which of the files in it; ``size`` is that one's.
        encoding: of its text, as Python names it; nothing: UTF-8. In what is read from its beginning on, a byte order
            mark comes before this.
    """

    path: str
    size: int
    modified: int
    packing: str = ""
    member: str = ""
    encoding: str = ""

    def listed(self) -> list[str | int]:
        """Return it as a list, for JSON."""
        listed: list[str | int] = [self.path, self.size, self.modified, self.packing, self.member]
        return [*listed, self.encoding] if self.encoding else listed

    @property
    def name(self) -> str:
        r"""Its name for people and mappers, in which bytes that are no UTF-8 are spelled out, as in ``\xe9``."""
        if self.packing == STDIN:
            return "<stdin>"
        return spelled_name(f"{self.path}!{self.member}" if self.member else self.path)


class Chunk(NamedTuple):
    """A run of whole lines of one source. A tuple rather than a dataclass: there may be 100,000 of them.

    Offset and length are in bytes of what the source holds, unpacked.
    """

    id: int  #: its place in the order of the input, from 0
    source: int  #: the index of its source
    offset: int  #: where it starts, in bytes
    length: int  #: in bytes
    line: int  #: the number of its first line in the source, from 1
    lines: int  #: how many lines


class Cursor(NamedTuple):
    """How far the input is split: the next chunk's id, and where it starts."""

    chunk: int = 0
    source: int = 0
    offset: int = 0
    line: int = 1


def task_name(stage: Stage, number: int) -> str:
    """Return the name of a task, as in ``map:12``."""
    return f"{stage.value}:{number}"


def parse_task(name: str) -> tuple[Stage, int]:
    """Return the stage and number of a task's name; ValueError when it is not one."""
    stage, _, number = name.partition(":")
    return Stage(stage), int(number)


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task as the code that it runs may know it.

    Attributes:
        job_id: the job's name.
        stage: whether it maps or reduces.
        phase: which phase of the job it is of, from 0.
        number: the id of its chunk, or the number of its partition within the phase.
        attempt: which attempt it is, from 1.
        own: whether what runs it was started by the run itself, for this job alone.
    """

    job_id: str = "trial"
    stage: Stage = Stage.MAP
    phase: int = 0
    number: int = 0
    attempt: int = 1
    own: bool = True


class Surroundings:
    """What the mappers and the reducer of a task run in: by default the process as it is.

    They are entered whenever the user's code is about to run, left before anybody else's does, and closed at the end
    of the task. A subclass may set environment variables, say, or the current folder.
    """

    def __init__(self, task: RunningTask, records: Any) -> None:
        """Make them for a task; ``records`` are the Lines or Pairs that it maps, None when it reduces."""
        self.task = task
        self.records = records

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave them."""

    def around(self, items: Iterator[str]) -> Iterator[str]:
        """Yield items that are made within, one by one; what is done with them is done outside."""
        while True:
            with self:
                item = next(items, None)
            if item is None:
                return
            yield item

    def close(self) -> None:
        """Let go of what they took."""


@dataclass(frozen=True, slots=True)
class Done:
    """A committed task, or a chunk in quarantine: the parts of its receipt that the accounting uses."""

    amounts: Mapping[str, int] = field(default_factory=dict)
    worker: str = ""
    started: int = 0  #: ms since 1970
    seconds: float = 0.0
    digest: str = ""  #: of a chunk of the input; "" when its bytes could not be read
    skipped: bool = False
