"""The schedule: what to do next about a job, decided purely from a snapshot of it.

:func:`decide` lists its cases in order; the master reads a snapshot, decides, acts, and looks again. So every
rule of when a task is queued, tried again or given up is here, and none of them needs a server to be tested.

A task goes through these states (the letters are the arrows of docs/how_it_works.md)::

    planned --a--> queued --b--> running --c--> committed
                     ^             |
                     |             d  (raised, its worker died, its lease ran out)
                     |             v
                     +------e--- failed --f--> the job fails
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from word_counter.job import Cursor, JobState

#: Batches are made as long as is worth a queue's round trips, in seconds of work, and no longer than so many tasks.
_BATCH_SECONDS = 0.2
_BATCH_TASKS = 100
#: How many batches are kept ahead for each worker, and at the least.
_AHEAD_A_WORKER = 3
_AHEAD_AT_LEAST = 6
#: The pause before the second attempt, in seconds; it doubles with each further one, up to the longest.
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

#: Kinds of failure. Those in PERMANENT would come out the same whenever and wherever they are tried again.
RAISED = "raised"
CRASHED = "crashed"
EXPIRED = "expired"
BAD_DATA = "bad data"
CHANGED = "input changed"
PERMANENT = frozenset({BAD_DATA, CHANGED})


class TaskAttempt(NamedTuple):
    """One try at a task, numbered from 1."""

    task: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The tasks that one RQ job carries. ``deadline`` (ms) is that of its lease, None when nobody started it."""

    id: str
    tasks: tuple[TaskAttempt, ...]
    deadline: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed: which, on what worker, of what kind, what it said, when (ms since 1970)."""

    task: str
    attempt: int
    worker: str
    kind: str
    message: str
    at: int


_START = Cursor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is true of a job at one moment of the server's clock (ms). As large as what runs, not as the job."""

    now: int
    state: JobState
    epoch: int
    created: int
    partitions: int
    reason: str = ""
    cursor: Cursor = _START
    split_done: bool = False
    retries: int = 0
    batches: tuple[Batch, ...] = ()
    failed: tuple[Failure, ...] = ()
    waiting: int = 0
    due: tuple[TaskAttempt, ...] = ()
    mapped: int = 0
    reduced: int = 0
    totals: dict[str, int] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """How many chunks there are so far."""
        return self.cursor.chunk


@dataclass(frozen=True, slots=True)
class Policy:
    """What the schedule goes by. Durations are in seconds."""

    max_attempts: int = 4
    workers: int = 1
    timeout: float = 0.0


@dataclass(frozen=True, slots=True)
class Revoke:
    """Give a batch up: because its lease ran out (``expired``), or because the queue has lost it."""

    batch: str
    expired: bool


@dataclass(frozen=True, slots=True)
class Retry:
    """Let a failed task wait so many seconds for its next attempt."""

    task: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Requeue:
    """Queue tasks again that have waited long enough."""

    tasks: tuple[TaskAttempt, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Split on, and queue so many new batches of so many chunks each."""

    batches: int
    chunks_each: int


@dataclass(frozen=True, slots=True)
class StartReduce:
    """Every chunk is committed: go on to the reduce tasks."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Every partition is reduced: merge them."""


@dataclass(frozen=True, slots=True)
class Fail:
    """End the job without results, for this reason."""

    reason: str


Action = Revoke | Retry | Requeue | Split | StartReduce | Merge | Fail


def pause_seconds(attempt: int) -> float:
    """Return how long to wait after the failure of an attempt: 1, 2, 4, ... seconds, 30 at the most."""
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))


def batch_size(snapshot: Snapshot) -> int:
    """Return how many chunks are worth one batch: one until tasks are known to be short."""
    if not snapshot.mapped:
        return 1
    seconds_each = snapshot.totals.get("map_ms", 0) / 1000 / snapshot.mapped
    return int(max(1, min(_BATCH_TASKS, _BATCH_SECONDS / max(seconds_each, 0.000_1))))


def decide(snapshot: Snapshot, policy: Policy, lost: Collection[str] = ()) -> list[Action]:
    """Return what to do now, in this order. ``lost`` names batches that nobody started and no queue holds.

    1. The job has run for longer than it may, or a task failed for good: fail, and nothing else.
    2. A lease ran out, or the queue lost a batch: revoke it.
    3. A task failed and may be tried again: let it wait, longer each time.
    4. Tasks have waited long enough: queue them.
    5. Mapping, and few batches are ahead of the workers: split on.
    6. Mapping, and all is split and committed: start to reduce.
    7. Reducing, and every partition is committed: merge.
    """
    if snapshot.state.ended:
        return []
    if policy.timeout and snapshot.now - snapshot.created > policy.timeout * 1000:
        return [Fail(f"the job took longer than the {policy.timeout:g} seconds it may (--timeout)")]
    for failure in snapshot.failed:
        if failure.kind in PERMANENT or failure.attempt >= policy.max_attempts:
            return [Fail(_why(failure, policy))]
    actions: list[Action] = []
    for batch in snapshot.batches:
        if batch.deadline is not None and batch.deadline <= snapshot.now:
            actions.append(Revoke(batch.id, expired=True))
        elif batch.id in lost:
            actions.append(Revoke(batch.id, expired=False))
    actions += [Retry(failure.task, pause_seconds(failure.attempt)) for failure in snapshot.failed]
    size = batch_size(snapshot) if snapshot.state is JobState.MAPPING else 1
    actions += [Requeue(snapshot.due[start : start + size]) for start in range(0, len(snapshot.due), size)]
    if snapshot.state is JobState.MAPPING:
        unstarted = sum(batch.deadline is None for batch in snapshot.batches)
        room = max(_AHEAD_AT_LEAST, _AHEAD_A_WORKER * policy.workers) - unstarted
        if not snapshot.split_done and room > 0:
            actions.append(Split(room, size))
        if snapshot.split_done and snapshot.mapped == snapshot.planned:
            actions.append(StartReduce())
    elif snapshot.reduced == snapshot.partitions:
        actions.append(Merge())
    return actions


def _why(failure: Failure, policy: Policy) -> str:
    if failure.kind in PERMANENT:
        return failure.message
    tries = "attempt" if policy.max_attempts == 1 else f"attempts, on {failure.worker} at last"
    return f"{failure.task} failed in {policy.max_attempts} {tries}: {failure.message}"
