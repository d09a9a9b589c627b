"""The schedule: what to do next about a job, decided purely from a snapshot of it.

:func:`decide` lists its cases in order; the master reads a snapshot, decides, acts, and looks again. So every
rule of when a task is queued, tried again, doubled or given up is here, and none needs a server to be tested.

A task goes through these states (the letters are the arrows of docs/how_it_works.md)::

    planned --a--> queued --b--> running --c--> committed
                     ^             |
                     |             d  (raised, its process died or hung, its lease ran out)
                     |             v
                     +------e--- failed --f--> the job fails, or the chunk goes into quarantine
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field

from word_counter.job.model import JobState, Stage, parse_task
from word_counter.job.snapshot import (
    BAD_DATA,
    CHANGED,
    CRASHED,
    EXPIRED,
    HUNG,
    REFUSED,
    TOO_MANY,
    Failure,
    Running,
    Snapshot,
    Suspicion,
    TaskAttempt,
)
from word_counter.settings.plurals import count, plural

#: Batches are made as long as is worth a queue's round trips, in seconds of work, and no longer than so many tasks.
_BATCH_SECONDS = 0.2
_BATCH_TASKS = 100
#: How many batches are kept ahead for each worker, and at the least.
_AHEAD_A_WORKER = 3
_AHEAD_AT_LEAST = 6
#: The pause before the second attempt, in seconds; it doubles with each further one, up to the longest. Who allows
#: so many attempts that it gets there expects them to fail: they should not spend the job asleep.
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 8.0

#: A task is slow when it takes longer than so many times the median, and than so many seconds.
_SLOW_MEDIANS = 3.0
_SLOW_SECONDS = 5.0
#: The share of Redis memory from which on no further chunks are queued.
FULL_MEMORY = 0.85

#: Would come out the same whenever and wherever they are tried again.
PERMANENT = frozenset({BAD_DATA, REFUSED, CHANGED, TOO_MANY})
#: Say nothing about one chunk, so that skipping it would not help.
_WHOLE_JOB = frozenset({REFUSED, CHANGED, TOO_MANY})
#: The process ended in the middle: which record did it has to be found out.
_SUDDEN = frozenset({CRASHED, HUNG})
#: The worker came to an end rather than the task: the first time it is tried again at once.
_WORKERS_END = frozenset({CRASHED, EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the schedule goes by, and what the master knows besides the snapshot. Durations are in seconds."""

    max_attempts: int = 4
    skip: bool = False  #: whether a bad chunk goes into quarantine rather than to fail the job
    timeout: float = 0.0
    workers: int = 1  #: how many tasks can run at a time
    medians: dict[Stage, float] = field(default_factory=dict)  #: how long a task takes
    memory: float = 0.0  #: the share of Redis memory in use, 0 to 1
    full_for: float = 0.0  #: how long that has been above FULL_MEMORY, with nothing committed
    full_patience: float = 120.0  #: how long it may be


class Why(enum.StrEnum):
    """Why a batch is given up."""

    EXPIRED = "its worker was not heard of for the length of a lease"
    LOST = "the queue lost it"
    BEATEN = "another attempt was first"


@dataclass(frozen=True, slots=True)
class Revoke:
    """Give a batch up."""

    batch: str
    why: Why


@dataclass(frozen=True, slots=True)
class Retry:
    """Let a failed task wait so many seconds for its next attempt, which must know ``suspicion``."""

    failure: Failure
    after_seconds: float
    suspicion: Suspicion | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop a failed attempt: another one is still at the task."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Skip:
    """Set the chunk of a task aside that failed for good."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Queue:
    """Queue tasks: that have waited long enough, or as a second attempt beside a slow one."""

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
class NextPhase:
    """Every partition of a phase is reduced: map what came out of them in the next one."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Every partition of the last phase is reduced: merge them."""


@dataclass(frozen=True, slots=True)
class Fail:
    """End the job without results, for this reason; ``task`` is the one that failed for good."""

    reason: str
    task: str = ""


Action = Revoke | Retry | Forget | Skip | Queue | Split | StartReduce | NextPhase | Merge | Fail


def pause_seconds(task: str, tries: int) -> float:
    """Return how long to wait after so many tries: none before the first, then about 1, 2, 4, ... seconds, up to 8.

    Up to a quarter more, by the task's name, so that many tasks that failed together do not come back together.
    """
    if tries < 1:
        return 0.0
    jitter = 1 + zlib.crc32(f"{task}#{tries}".encode()) % 1000 / 4000
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 10)) * jitter


def batch_size(snapshot: Snapshot) -> int:
    """Return how many chunks are worth one batch: one until tasks are known to be short."""
    if not snapshot.mapped:
        return 1
    seconds_each = snapshot.totals.get("map_ms", 0) / 1000 / snapshot.mapped
    return int(max(1, min(_BATCH_TASKS, _BATCH_SECONDS / max(seconds_each, 0.000_1))))


def decide(snapshot: Snapshot, policy: Policy, lost: Collection[str] = ()) -> list[Action]:
    """Return what to do now, in this order. ``lost`` names batches that nobody started and no queue holds.

    1. The job has run for longer than it may, its partials fill the memory, or a task failed for good: fail.
    2. A lease ran out, the queue lost a batch, or another attempt was faster: revoke the batch.
    3. A task failed: forget it if another attempt is at it, set its chunk aside, or let it wait, longer each time.
    4. Tasks have waited long enough: queue them.
    5. Mapping, few batches are ahead of the workers, and there is memory: split on.
    6. Nothing is queued, a worker is idle and a task is slow: queue a second attempt at it.
    7. Mapping, and all is split and committed, or reducing, and the last master died before it had queued the
       reduce tasks: start to reduce.
    8. Reducing, and every partition is committed: go on to the next phase, or merge when this was the last.
    """
    if snapshot.state.ended:
        return []
    if reason := _hopeless(snapshot, policy):
        return [Fail(reason)]
    actions: list[Action] = [*_revocations(snapshot, lost)]
    for failure in snapshot.failed:
        verdict = _judge(failure, snapshot, policy)
        if isinstance(verdict, Fail):
            return [verdict]
        actions.append(verdict)
    size = batch_size(snapshot) if snapshot.state is JobState.MAPPING else 1
    careful = [attempt for attempt in snapshot.due if attempt.task in snapshot.suspicions]
    usual = [attempt for attempt in snapshot.due if attempt.task not in snapshot.suspicions]
    actions += [Queue((attempt,)) for attempt in careful]
    actions += [Queue(tuple(usual[start : start + size])) for start in range(0, len(usual), size)]
    actions += _splits(snapshot, policy, size)
    if not actions:
        actions += _doubles(snapshot, policy)
    if snapshot.state is JobState.MAPPING:
        if snapshot.split_done and snapshot.mapped == snapshot.planned:
            actions.append(StartReduce())
    elif snapshot.phase_is_reduced:
        actions.append(NextPhase() if snapshot.phase + 1 < snapshot.phases else Merge())
    elif not (snapshot.batches or snapshot.waiting or snapshot.failed):
        actions.append(StartReduce())
    return actions


def _hopeless(snapshot: Snapshot, policy: Policy) -> str:
    """Say why the job as a whole cannot go on, or nothing."""
    if policy.timeout and snapshot.now - snapshot.created > policy.timeout * 1000:
        return f"the job took longer than the {policy.timeout:g} {plural(policy.timeout, 'second')} it may (--timeout)"
    if policy.full_for > policy.full_patience:
        return (
            f"Redis is at {policy.memory:.0%} of its memory and nothing frees it: the partials do not fit; "
            "give Redis more memory, purge old jobs, or run it with --shuffle DIR"
        )
    return ""


def _revocations(snapshot: Snapshot, lost: Collection[str]) -> list[Revoke]:
    beaten = {running.batch for running in snapshot.running if running.beaten}
    found: list[Revoke] = []
    for batch in snapshot.batches:
        if batch.deadline is not None and batch.deadline <= snapshot.now:
            found.append(Revoke(batch.id, Why.EXPIRED))
        elif batch.id in beaten:
            found.append(Revoke(batch.id, Why.BEATEN))
        elif batch.id in lost:
            found.append(Revoke(batch.id, Why.LOST))
    return found


def _judge(failure: Failure, snapshot: Snapshot, policy: Policy) -> Retry | Forget | Skip | Fail:
    """Return what becomes of a task that failed."""
    before = snapshot.suspicions.get(failure.task, Suspicion())
    skippable = policy.skip and failure.task.startswith(Stage.MAP.value) and failure.kind not in _WHOLE_JOB
    if failure.kind not in PERMANENT:
        if _is_at_it_elsewhere(failure, snapshot):
            return Forget(failure)
        if skippable and failure.record is not None and failure.kind in _SUDDEN:
            return Retry(failure, 0.0, _suspect(failure, before))
        if failure.attempt - before.free < policy.max_attempts:
            known = before if before != Suspicion() else None
            if skippable and failure.kind in _SUDDEN:
                known = before
            tried = failure.attempt - before.free - (failure.kind in _WORKERS_END)
            return Retry(failure, pause_seconds(failure.task, tried), known)
    if skippable:
        return Skip(failure)
    if failure.kind in PERMANENT:
        return Fail(failure.message, failure.task)
    tries = count(policy.max_attempts, "attempt")
    last = f", on {failure.worker}" + (" at last" if policy.max_attempts > 1 else "")
    return Fail(f"{failure.task} failed in {tries}{last}: {failure.message}", failure.task)


def _is_at_it_elsewhere(failure: Failure, snapshot: Snapshot) -> bool:
    """Whether another attempt at the task runs, or is queued; the batch that failed may go on with other tasks."""
    running = {(attempt.task, attempt.attempt) for attempt in snapshot.running}
    others = {
        attempt
        for batch in snapshot.batches
        for attempt in batch.tasks
        if attempt.task == failure.task and attempt.attempt != failure.attempt
    }
    return any(attempt.attempt > failure.attempt or attempt in running for attempt in others)


def _suspect(failure: Failure, before: Suspicion) -> Suspicion:
    if before.suspect != failure.record or failure.record is None:
        return Suspicion(failure.record, before.skip, before.free + 1)
    return Suspicion(None, (*before.skip, (failure.record, failure.message)), before.free + 1)


def _splits(snapshot: Snapshot, policy: Policy, size: int) -> list[Split]:
    if snapshot.state is not JobState.MAPPING or snapshot.split_done or policy.memory >= FULL_MEMORY:
        return []
    unstarted = sum(batch.deadline is None for batch in snapshot.batches)
    room = max(_AHEAD_AT_LEAST, _AHEAD_A_WORKER * policy.workers) - unstarted
    return [Split(room, size)] if room > 0 else []


def _doubles(snapshot: Snapshot, policy: Policy) -> list[Queue]:
    """Return second attempts at slow tasks, as many as workers are idle, when nothing else is left to queue."""
    busy = sum(batch.deadline is not None for batch in snapshot.batches)
    if busy < len(snapshot.batches) or snapshot.waiting or busy >= policy.workers:
        return []
    attempts: dict[str, int] = {}
    for batch in snapshot.batches:
        for attempt in batch.tasks:
            attempts[attempt.task] = attempts.get(attempt.task, 0) + 1
    slow: list[Running] = []
    for running in snapshot.running:
        stage, _ = parse_task(running.task)
        limit = max(_SLOW_MEDIANS * policy.medians.get(stage, 0.0), _SLOW_SECONDS)
        tried = max(running.attempt, running.latest) - snapshot.suspicions.get(running.task, Suspicion()).free
        if tried >= policy.max_attempts or attempts.get(running.task) != 1:
            continue  # a second attempt counts like any other: a task that always fails must come to an end
        if snapshot.now - running.started > limit * 1000:
            slow.append(running)
    slow.sort(key=lambda running: running.started)
    chosen = slow[: policy.workers - busy]
    return [Queue((TaskAttempt(it.task, max(it.attempt, it.latest) + 1),)) for it in chosen]
