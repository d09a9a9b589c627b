"""Scheduler: decides what to do next about a job, as a pure function of a snapshot of it.

:func:`decide` lists its cases in order. The master takes a snapshot, decides, acts, and looks again. So every rule of
when a task is queued, retried, run a second time beside a slow attempt, or given up is here, and a test of it needs no
server.

A task goes through these states (docs/explanation/how_it_works.md explains the arrows by their letters)::

    planned --a--> queued --b--> running --c--> committed
                     ^             |
                     |             d  (raised, its process died or hung, its lease ran out)
                     |             v
                     +------e--- failed --f--> the job fails, or the chunk goes into quarantine
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping

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
    Refusal,
    Running,
    Snapshot,
    Suspicion,
    TaskAttempt,
)
from word_counter.master.actions import (
    Action,
    Fail,
    Forget,
    Merge,
    NextPhase,
    Policy,
    Queue,
    Retry,
    Revoke,
    Skip,
    Split,
    StartReduce,
    Why,
)
from word_counter.settings.plurals import count, plural

#: A batch holds about so many seconds of work, which is worth the round trips of the queue, and at most so many tasks.
_BATCH_SECONDS = 0.2
_BATCH_TASKS = 100
#: How many batches are queued ahead for each worker, and at the least.
_AHEAD_A_WORKER = 3
_AHEAD_AT_LEAST = 6
#: The pause before the second attempt, in seconds. It doubles with each further one, up to the longest. A user who
#: allows that many attempts expects failures: the job should not spend its time asleep.
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 8.0

#: A task is slow when it takes longer than so many times the median, and longer than so many seconds.
_SLOW_MEDIANS = 3.0
_SLOW_SECONDS = 5.0
#: The share of Redis memory from which on no more chunks are queued.
FULL_MEMORY = 0.85

#: Failures that would be the same at each further attempt, on any worker.
PERMANENT = frozenset({BAD_DATA, REFUSED, CHANGED, TOO_MANY})
#: Failures that are not of one chunk, so that skipping it would not help.
_WHOLE_JOB = frozenset({REFUSED, CHANGED, TOO_MANY})
#: The process ended in the middle of a task: which record did it has to be found out.
_SUDDEN = frozenset({CRASHED, HUNG})
#: It is the worker that failed rather than the task: the first retry is at once.
_WORKERS_END = frozenset({CRASHED, EXPIRED})


def pause_seconds(task: str, tries: int) -> float:
    """Return how long to wait after so many tries: none before the first, then about 1, 2, 4, ... seconds, up to 8.

    Up to a quarter is added, by the task's name, so that tasks that failed together are not retried together.
    """
    if tries < 1:
        return 0.0
    jitter = 1 + zlib.crc32(f"{task}#{tries}".encode()) % 1000 / 4000
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 10)) * jitter


def batch_size(snapshot: Snapshot) -> int:
    """Return how many chunks make a batch: one until it is known how long a task takes."""
    if not snapshot.mapped:
        return 1
    seconds_each = snapshot.totals.get("map_ms", 0) / 1000 / snapshot.mapped
    return int(max(1, min(_BATCH_TASKS, _BATCH_SECONDS / max(seconds_each, 0.000_1))))


def decide(snapshot: Snapshot, policy: Policy, lost: Collection[str] = ()) -> list[Action]:
    """Return what to do now, in this order. ``lost`` names batches that no worker started and that no queue holds.

    1. The job has run for longer than it may, its partials fill the memory, or a task failed for good: fail.
    2. A lease ran out, the queue lost a batch, or another attempt committed first: revoke the batch.
    3. A task failed: forget this attempt if another one is still at the task; else put its chunk into quarantine, or
       retry it after a pause that grows. But what user code raised twice at one line, in any tasks, is a mistake: fail.
    4. Tasks have waited long enough: queue them.
    5. While mapping, few batches are queued ahead of the workers, and there is memory: split more of the input.
    6. Nothing is queued, a worker is idle and a task is slow: queue a second attempt at it.
    7. While mapping, all is split and committed; or while reducing, the last master died before it had queued the
       reduce tasks: start to reduce.
    8. While reducing, every partition is committed: go on to the next phase, or merge when this was the last.
    """
    if snapshot.state.ended:
        return []
    if reason := _reason_to_fail(snapshot, policy):
        return [Fail(reason)]
    actions: list[Action] = [*_revocations(snapshot, lost)]
    for failure in snapshot.failed:
        verdict = _judge(failure, snapshot, policy)
        if isinstance(verdict, Fail):
            return [verdict]
        actions.append(verdict)
    size = batch_size(snapshot) if snapshot.state is JobState.MAPPING else 1
    suspected = [attempt for attempt in snapshot.due if attempt.task in snapshot.suspicions]
    usual = [attempt for attempt in snapshot.due if attempt.task not in snapshot.suspicions]
    actions += [Queue((attempt,)) for attempt in suspected]
    actions += [Queue(tuple(usual[start : start + size])) for start in range(0, len(usual), size)]
    actions += _splits(snapshot, policy, size)
    if not actions:
        actions += _second_attempts(snapshot, policy)
    if snapshot.state is JobState.MAPPING:
        if snapshot.split_done and snapshot.mapped == snapshot.planned:
            actions.append(StartReduce())
    elif snapshot.phase_is_reduced:
        actions.append(NextPhase() if snapshot.phase + 1 < snapshot.phases else Merge())
    elif not (snapshot.batches or snapshot.waiting or snapshot.failed):
        actions.append(StartReduce())
    return actions


def _reason_to_fail(snapshot: Snapshot, policy: Policy) -> str:
    """Say why the job as a whole cannot go on; "" when it can."""
    if policy.timeout and snapshot.now - snapshot.created > policy.timeout * 1000:
        return f"the job took longer than the {policy.timeout:g} {plural(policy.timeout, 'second')} it may (--timeout)"
    if policy.full_for > policy.full_patience:
        return (
            f"Redis is at {policy.memory:.0%} of its memory and nothing frees it: the partials do not fit; "
            "give Redis more memory, purge old jobs, or run it with --shuffle DIR"
        )
    if policy.refused_for > policy.refused_patience:
        return f"no live worker may do this job:{_refusals_told(snapshot.refusals)}"
    return ""


def leaving(snapshot: Snapshot, live: Mapping[str, int]) -> list[Refusal]:
    """Return the refusals of live workers. ``live`` has the start of each by name (ms, the server's clock).

    Refusals of an earlier process of the same name, as in a container that was started again, do not count.
    """
    return [refusal for refusal in snapshot.refusals if refusal.at >= live.get(refusal.worker, refusal.at + 1)]


def _refusals_told(refusals: Iterable[Refusal]) -> str:
    """Say which workers leave a job to others and why: each reason once."""
    workers: dict[str, list[str]] = {}
    for refusal in refusals:
        workers.setdefault(refusal.reason, []).append(refusal.worker)
    return "".join(f"\n- {', '.join(sorted(names))}: {reason}" for reason, names in sorted(workers.items()))


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
    mistake = not skippable and _is_mistake(failure, policy)
    for_good = failure.kind in PERMANENT or (mistake and failure.repeats > 0)
    if not for_good:
        if _has_another_attempt(failure, snapshot):
            return Forget(failure)
        if skippable and failure.record is not None and failure.kind in _SUDDEN:
            return Retry(failure, 0.0, _suspect(failure, before))
        if failure.attempt - before.free < policy.max_attempts:
            known = before if before != Suspicion() else None
            if skippable and failure.kind in _SUDDEN:
                known = before
            at_once = mistake or failure.kind in _WORKERS_END
            tried = failure.attempt - before.free - at_once
            return Retry(failure, pause_seconds(failure.task, tried), known)
    if skippable:
        return Skip(failure)
    if for_good:
        return Fail(failure.message, failure)
    tries = count(policy.max_attempts, "attempt")
    last = f", on {failure.worker}" + (" at last" if policy.max_attempts > 1 else "")
    return Fail(f"{failure.task} failed in {tries}{last}: {failure.message}", failure)


def _is_mistake(failure: Failure, policy: Policy) -> bool:
    """Whether user code raised what it would raise again, as far as one can tell from its type."""
    return failure.origin is not None and not failure.origin.transient and not policy.retry_errors


def _has_another_attempt(failure: Failure, snapshot: Snapshot) -> bool:
    """Whether another attempt at the task runs or is queued. The failed attempt's batch may go on with other tasks."""
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


def _second_attempts(snapshot: Snapshot, policy: Policy) -> list[Queue]:
    """Return second attempts at slow tasks, one for each idle worker, when nothing else is left to queue."""
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
            continue  # a second attempt counts like any other: a task that always fails must end
        if snapshot.now - running.started > limit * 1000:
            slow.append(running)
    slow.sort(key=lambda running: running.started)
    chosen = slow[: policy.workers - busy]
    return [Queue((TaskAttempt(it.task, max(it.attempt, it.latest) + 1),)) for it in chosen]
