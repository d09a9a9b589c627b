"""Snapshot: the state of a job at one moment, which the scheduler decides by. Plain values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from word_counter.job.model import Cursor, JobState

#: Kinds of failure.
RAISED = "raised"  #: the user's code raised
CRASHED = "crashed"  #: the process died
HUNG = "hung"  #: the process was killed because the task took too long
EXPIRED = "expired"  #: the worker did not renew its lease in time
BAD_DATA = "bad data"  #: a key or value that JSON cannot hold
REFUSED = "refused"  #: the worker may not run this job or read this file, or no worker can run it
CHANGED = "input changed"
TOO_MANY = "too many bad records"


class TaskAttempt(NamedTuple):
    """One attempt at a task, numbered from 1."""

    task: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The tasks that one RQ job carries. ``deadline`` (ms) is that of its lease; None: no worker has started it."""

    id: str
    tasks: tuple[TaskAttempt, ...]
    deadline: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The error of the user's code, and the file and line of the innermost frame that is theirs."""

    exception: str  #: the name of its type, with its module where that is not Python's own
    file: str
    line: int
    transient: bool = False  #: whether it may be gone at the next attempt, like an error of a network or a disk

    def __str__(self) -> str:
        return f"{self.exception} in {self.file}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: its task and number, the worker, the kind of failure, the message, and when (ms since 1970).

    ``record`` is the index within its chunk of the record that it was at, where that is known; ``started`` is when it
    began, by the same clock as ``at``; ``origin`` is where it raised. ``repeats`` is how many attempts at tasks that
    are not committed had raised the same there before.
    """

    task: str
    attempt: int
    worker: str
    kind: str
    message: str
    at: int
    record: int | None = None
    started: int | None = None
    origin: Origin | None = None
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is known of a chunk whose process died. The next attempt maps it record by record, and leaves some out.

    A record is left out when a process died at it twice in a row: once may be somebody's kill -9.
    """

    suspect: int | None = None  #: the record at which the last attempt died
    skip: tuple[tuple[int, str], ...] = ()  #: records to leave out, with the reason
    free: int = 0  #: how many attempts were spent on finding these, and do not count


@dataclass(frozen=True, slots=True)
class Running:
    """A running attempt: its worker, since when (ms), and whether another attempt has committed the task (beaten).

    ``latest`` is the number of the last attempt at the task that was started, if it is a later one.
    """

    task: str
    attempt: int
    batch: str
    worker: str
    started: int
    beaten: bool = False
    latest: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A worker leaves the job to others: which, why, and since when (ms of the server's clock)."""

    worker: str
    reason: str
    at: int = 0


_START = Cursor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of a job at one moment of the server's clock (ms). It grows with what runs, not with the job."""

    now: int
    state: JobState
    epoch: int
    created: int
    partitions: int  #: of each phase
    phases: int = 1
    phase: int = 0  #: the running one, from 0
    first_chunks: tuple[int, ...] = (0,)  #: of the phases up to the running one
    reason: str = ""
    cursor: Cursor = _START
    split_done: bool = False
    input_bytes: int = 0  #: of the whole input; an estimate while packed files are being read
    held: int = 0  #: how many chunks have their bytes in Redis; they stay until the chunk is committed
    retries: int = 0
    batches: tuple[Batch, ...] = ()
    failed: tuple[Failure, ...] = ()
    waiting: int = 0
    next_due: int | None = None
    due: tuple[TaskAttempt, ...] = ()
    suspicions: dict[str, Suspicion] = field(default_factory=dict)
    running: tuple[Running, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    mapped: int = 0
    reduced: int = 0
    totals: dict[str, int] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """How many chunks there are so far, in all phases."""
        return self.cursor.chunk

    @property
    def phase_is_reduced(self) -> bool:
        """Whether every partition of the running phase, and so of those before it, is reduced."""
        return self.reduced == self.partitions * (self.phase + 1)
