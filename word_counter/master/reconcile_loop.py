"""The course of a job under one master: observe, decide, act, wait, until its partitions are reduced."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress

from word_counter.errors import InputChangedError, InputError, JobCancelledError, JobFailedError, JobGoneError
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import Chunk, JobState, Stage, parse_task
from word_counter.job.snapshot import CRASHED, EXPIRED, Failure, Snapshot
from word_counter.master.dispatcher import Dispatcher
from word_counter.master.leader_lease import LeaderLease
from word_counter.master.scheduler import (
    FULL_MEMORY,
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
    decide,
)
from word_counter.observer import Observer
from word_counter.settings.config import Settings
from word_counter.store.job_store import JobStore

#: The master looks at the job at least so often, and at most so often (ten times as often at first), in seconds.
_LOOK_SECONDS = 1.0
_REST_SECONDS = 0.02
#: How often the job's keys are kept from expiring, in seconds.
_REFRESH_SECONDS = 3600.0
#: Of so many tasks the median time is taken.
_SAMPLES = 500
#: The share of Redis memory from which on partials are freed as soon as they are reduced.
_SHORT_MEMORY = 0.70
#: How many bytes of chunks that travel are in Redis at a time: at the least, for each worker, and, as a share of the
#: memory that it may use, at the most.
_HELD_BYTES = 64 * 1024 * 1024
_HELD_A_WORKER = 24 * 1024 * 1024
_HELD_SHARE = 0.25


class Vitals:
    """What the master watches besides the job: workers, Redis memory, how long tasks take."""

    def __init__(self, own_workers: int) -> None:
        self.workers = own_workers
        self.memory = 0.0
        self.memory_limit = 0
        self.memory_used = 0
        self.full_since: float | None = None
        self._committed = -1
        self._committed_at = time.monotonic()
        self._seconds: dict[Stage, deque[float]] = {stage: deque(maxlen=_SAMPLES) for stage in Stage}

    def note_memory(self, used: int, limit: int) -> None:
        """Take note of how much memory Redis uses and may use, in bytes; 0: as much as there is."""
        self.memory_limit, self.memory_used = limit, used
        self.memory = share = used / limit if limit else 0.0
        if share < FULL_MEMORY:
            self.full_since = None
        elif self.full_since is None:
            self.full_since = time.monotonic()

    def note_commits(self, committed: int) -> None:
        """Take note of how many tasks are committed."""
        if committed != self._committed:
            self._committed, self._committed_at = committed, time.monotonic()

    def note_events(self, events: list[dict[str, str]]) -> None:
        """Take note of how long committed tasks took."""
        for event in events:
            if event.get("action") == "committed" and "seconds" in event:
                stage, _ = parse_task(event["task"])
                self._seconds[stage].append(float(event["seconds"]))

    def medians(self) -> dict[Stage, float]:
        """Return how long a task takes, in seconds, by stage."""
        return {stage: statistics.median(seconds) for stage, seconds in self._seconds.items() if seconds}

    @property
    def held_limit(self) -> int:
        """How many bytes of chunks that travel may be in Redis at a time."""
        limit = max(_HELD_BYTES, _HELD_A_WORKER * self.workers)
        return min(limit, int(_HELD_SHARE * self.memory_limit)) if self.memory_limit else limit

    @property
    def full_for(self) -> float:
        """For how long the memory has been full and nothing was committed, in seconds."""
        if self.full_since is None:
            return 0.0
        return time.monotonic() - max(self.full_since, self._committed_at)


class ReconcileLoop:
    """Sees a job from where it is to the point where only the merge is left."""

    def __init__(
        self,
        store: JobStore,
        dispatch: Dispatcher,
        leader_lease: LeaderLease,
        spec: JobSpec,
        settings: Settings,
        vitals: Vitals,
        observer: Observer,
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._leader_lease = leader_lease
        self._spec = spec
        self._settings = settings
        self._vitals = vitals
        self._observer = observer
        self._frugal = False
        self._phase = 0

    def follow(self, look_around: Callable[[Snapshot], None]) -> Snapshot:
        """Return the last snapshot when all partitions are reduced.

        ``look_around`` is called with each snapshot, to tell of it and to note the vitals.

        Raises:
            JobGoneError: the job is not in Redis any more.
            JobFailedError: the job cannot be completed, was cancelled, or has another master.
        """
        last_event = "0-0"
        began = refreshed = time.monotonic()
        while True:
            self._leader_lease.hold()
            snapshot = self._store.snapshot()
            if snapshot is None:
                raise JobGoneError(self._spec.job_id)
            self._check(snapshot)
            self._phase = snapshot.phase
            look_around(snapshot)
            self._vitals.note_commits(snapshot.mapped + snapshot.reduced)
            self._mind_memory()
            if time.monotonic() - refreshed > _REFRESH_SECONDS:
                refreshed = time.monotonic()
                self._store.refresh(self._spec.all_partitions)
            again = False
            for action in decide(snapshot, self._policy(), self._dispatch.lost(snapshot)):
                if isinstance(action, Merge):
                    return snapshot
                again |= self._act(action, snapshot)
            if not again:
                last_event, events = self._store.wait(_until_due(snapshot), last_event)
                self._vitals.note_events(events)
                time.sleep(_REST_SECONDS if time.monotonic() - began > 1 else _REST_SECONDS / 10)

    def _check(self, snapshot: Snapshot) -> None:
        if snapshot.state is JobState.CANCELLED:
            message = f"job {self._spec.job_id} was cancelled"
            raise JobCancelledError(message)
        if snapshot.state.ended or snapshot.epoch != self._leader_lease.epoch:
            self._leader_lease.hold(now=True)
            message = f"job {self._spec.job_id} was ended by somebody else: {snapshot.state} {snapshot.reason}"
            raise JobFailedError(message)

    def _policy(self) -> Policy:
        vitals = self._vitals
        return Policy(
            max_attempts=self._spec.max_attempts,
            skip=self._spec.skip,
            timeout=self._spec.timeout,
            workers=max(1, vitals.workers),
            medians=vitals.medians(),
            memory=vitals.memory,
            full_for=vitals.full_for,
            full_patience=self._settings.redis_patience,
        )

    def _mind_memory(self) -> None:
        if self._vitals.memory >= _SHORT_MEMORY and not self._frugal:
            self._frugal = True
            self._store.be_frugal()
            self._observer.warned(
                f"Redis uses {self._vitals.memory:.0%} of its memory; from {FULL_MEMORY:.0%} on chunks wait"
            )

    def _act(self, action: object, snapshot: Snapshot) -> bool:
        """Carry an action out; return whether to look again at once, as no event will tell of it."""
        if isinstance(action, Fail):
            for failure in snapshot.failed:
                if failure.task == action.task:
                    self._observer.failed(failure)
            raise JobFailedError(action.reason + self._place(action.task))
        if isinstance(action, Split):
            return self._dispatch.split(snapshot, action.batches, action.chunks_each, self._vitals.held_limit)
        if isinstance(action, StartReduce):
            if snapshot.state is JobState.MAPPING and not self._store.advance(self._leader_lease.epoch):
                return False
            self._dispatch.start_reduce(snapshot.phase)
            return True
        if isinstance(action, NextPhase):
            return self._store.next_phase(self._leader_lease.epoch, snapshot)
        if isinstance(action, Queue):
            self._dispatch.queue(snapshot.phase, action.tasks, snapshot.suspicions)
            return False
        self._settle(action)
        return isinstance(action, Retry)

    def _settle(self, action: object) -> None:
        """Carry out what was decided about attempts that came to nothing."""
        epoch = self._leader_lease.epoch
        if isinstance(action, Revoke):
            condition = {Why.EXPIRED: "expired", Why.LOST: "unleased", Why.BEATEN: "always"}[action.why]
            kind = EXPIRED if action.why is Why.EXPIRED else CRASHED
            if self._store.revoke(action.batch, kind, action.why.value, condition):
                self._observer.revoked(action.batch, action.why.value)
        elif isinstance(action, Retry):
            failure = action.failure
            if self._store.retry(epoch, failure.task, action.after_seconds, action.suspicion):
                self._observer.failed(failure)
                self._observer.retried(failure, action.after_seconds)
        elif isinstance(action, Forget):
            if self._store.forget(epoch, action.failure):
                self._observer.failed(action.failure)
        elif isinstance(action, Skip):
            self._skip(action.failure)

    def _place(self, task: str) -> str:
        """Say where in the input a map task's chunk is."""
        if not task.startswith(Stage.MAP.value):
            return ""
        (chunk,) = self._store.chunks([parse_task(task)[1]])
        if self._phase:
            return f"\nin {self._spec.results_name(chunk.source)}"
        path = self._store.sources()[chunk.source].name
        last = chunk.line + chunk.lines - 1
        lines = f"line {last}" if chunk.lines == 1 else f"lines {chunk.line} to {last}"
        return f"\nin {path}, bytes {chunk.offset} to {chunk.offset + chunk.length}, {lines}"

    def _skip(self, failure: Failure) -> None:
        _, number = parse_task(failure.task)
        (chunk,) = self._store.chunks([number])
        of_input = self._phase == 0
        entry = {
            "file": self._store.sources()[chunk.source].name if of_input else self._spec.results_name(chunk.source),
            "offset": chunk.offset,
            "length": chunk.length,
            "line": chunk.line,
            "lines": chunk.lines,
            "reason": failure.message,
        }
        digest = self._digest_of(chunk) if of_input else ""
        if not of_input:
            chunk = chunk._replace(length=0)  # which is counted as bytes of the input
        if self._store.skip(self._leader_lease.epoch, failure, chunk, json.dumps(entry, ensure_ascii=False), digest):
            self._observer.failed(failure)
            self._observer.warned(f"chunk {number} is set aside: {failure.message.partition(chr(10))[0]}")

    def _digest_of(self, chunk: Chunk) -> str:
        """Return the digest of a chunk that no worker committed; nothing when it cannot be read."""
        sources = dict(enumerate(self._store.sources()))
        reader = ChunkReader(sources, content=self._store.content, inline=self._spec.inline)
        with closing(reader), suppress(InputError, InputChangedError, JobGoneError):
            return reader.fetch(chunk).digest
        return ""


def _until_due(snapshot: Snapshot) -> float:
    """Return how long to wait for events: until the next waiting task is due, a second at the most."""
    if snapshot.next_due is None:
        return _LOOK_SECONDS
    return min(_LOOK_SECONDS, max(0.01, (snapshot.next_due - snapshot.now) / 1000))
