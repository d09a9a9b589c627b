"""Reconcile loop: takes a snapshot of the job, decides, acts and waits, until all partitions are reduced."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing, suppress

from word_counter.errors import InputChangedError, InputError, JobCancelledError, JobFailedError, JobGoneError
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.kind_table import kind_of
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import Chunk, JobState, Stage, parse_task
from word_counter.job.snapshot import BAD_DATA, CRASHED, EXPIRED, RAISED, Failure, Snapshot
from word_counter.master.actions import (
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
from word_counter.master.dispatcher import Dispatcher
from word_counter.master.health_monitor import Vitals
from word_counter.master.leader_lease import LeaderLease
from word_counter.master.scheduler import FULL_MEMORY, decide
from word_counter.observer import Observer
from word_counter.settings.config import Settings
from word_counter.store.job_store import JobStore

#: The longest wait between two looks at the job, and the shortest (a tenth of it during the first second), in seconds.
_LOOK_SECONDS = 1.0
_REST_SECONDS = 0.02
#: How often the expiry of the job's keys is put off, in seconds.
_REFRESH_SECONDS = 3600.0
#: The share of Redis memory from which on partials are freed as soon as they are reduced.
_SHORT_MEMORY = 0.70


class ReconcileLoop:
    """Takes a job from where it is to the point where only the merge is left."""

    def __init__(
        self,
        store: JobStore,
        dispatcher: Dispatcher,
        leader_lease: LeaderLease,
        spec: JobSpec,
        settings: Settings,
        vitals: Vitals,
        observer: Observer,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._leader_lease = leader_lease
        self._spec = spec
        self._settings = settings
        self._vitals = vitals
        self._observer = observer
        self._frugal = False
        self._phase = 0

    def run(self, watch: Callable[[Snapshot], None]) -> Snapshot:
        """Run until all partitions are reduced, and return the last snapshot.

        ``watch`` is called with each snapshot, to report progress and to update the vitals.

        Raises:
            JobGoneError: the job is not in Redis any more.
            JobFailedError: the job cannot be completed, was cancelled, or has another master.
        """
        last_event = "0-0"
        began = refreshed = time.monotonic()
        while True:
            self._leader_lease.renew()
            snapshot = self._store.snapshot()
            if snapshot is None:
                raise JobGoneError(self._spec.job_id)
            self._check(snapshot)
            self._phase = snapshot.phase
            watch(snapshot)
            self._vitals.note_commits(snapshot.mapped + snapshot.reduced)
            self._check_memory()
            if time.monotonic() - refreshed > _REFRESH_SECONDS:
                refreshed = time.monotonic()
                self._store.refresh(self._spec.all_partitions)
            again = False
            for action in decide(snapshot, self._policy(), self._dispatcher.lost(snapshot)):
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
            self._leader_lease.renew(now=True)
            message = f"job {self._spec.job_id} was ended by somebody else: {snapshot.state} {snapshot.reason}"
            raise JobFailedError(message)

    def _policy(self) -> Policy:
        vitals = self._vitals
        return Policy(
            max_attempts=self._spec.max_attempts,
            retry_errors=self._spec.retry_errors,
            skip=self._spec.skip,
            timeout=self._spec.timeout,
            workers=max(1, vitals.workers),
            medians=vitals.medians(),
            memory=vitals.memory,
            full_for=vitals.full_for,
            full_patience=self._settings.redis_patience,
            refused_for=vitals.refused_for,
            refused_patience=vitals.refused_patience,
        )

    def _check_memory(self) -> None:
        if self._vitals.memory >= _SHORT_MEMORY and not self._frugal:
            self._frugal = True
            self._store.be_frugal()
            self._observer.warned(
                f"Redis uses {self._vitals.memory:.0%} of its memory; from {FULL_MEMORY:.0%} on chunks wait"
            )

    def _act(self, action: object, snapshot: Snapshot) -> bool:
        """Carry out an action; return whether to look again at once, because no event will announce its effect."""
        if isinstance(action, Fail):
            if action.failure is None:
                raise JobFailedError(action.reason)
            self._observer.failed(action.failure)
            message = action.reason + self._place(action.failure.task)
            raise JobFailedError("\n".join([message, *way_on(action.failure, self._spec, self._settings.redis)]))
        if isinstance(action, Split):
            return self._dispatcher.split(snapshot, action.batches, action.chunks_each, self._vitals.held_limit)
        if isinstance(action, StartReduce):
            if snapshot.state is JobState.MAPPING and not self._store.advance(self._leader_lease.epoch):
                return False
            self._dispatcher.start_reduce(snapshot.phase)
            return True
        if isinstance(action, NextPhase):
            return self._store.next_phase(self._leader_lease.epoch, snapshot)
        if isinstance(action, Queue):
            self._dispatcher.queue(snapshot.phase, action.tasks, snapshot.suspicions)
            return False
        self._settle(action)
        return isinstance(action, Retry)

    def _settle(self, action: object) -> None:
        """Carry out what was decided about failed attempts."""
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
        source = self._store.sources()[chunk.source]
        return f"\nin {kind_of(source).place(source, chunk)}"

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
            chunk = chunk._replace(length=0)  # the length is counted as bytes of the input, which this chunk is not
        if self._store.skip(self._leader_lease.epoch, failure, chunk, json.dumps(entry, ensure_ascii=False), digest):
            self._observer.failed(failure)
            self._observer.warned(f"chunk {number} is set aside: {failure.message.partition(chr(10))[0]}")

    def _digest_of(self, chunk: Chunk) -> str:
        """Return the digest of a chunk that no worker committed, or "" when it cannot be read."""
        sources = dict(enumerate(self._store.sources()))
        records = InputFormat.parse(self._spec.input_format)
        reader = ChunkReader(sources, content=self._store.content, inline=self._spec.inline, records=records)
        with closing(reader), suppress(InputError, InputChangedError, JobGoneError):
            return reader.fetch(chunk).digest
        return ""


def _until_due(snapshot: Snapshot) -> float:
    """Return how long to wait for events: until the next waiting task is due, a second at the most."""
    if snapshot.next_due is None:
        return _LOOK_SECONDS
    return min(_LOOK_SECONDS, max(0.01, (snapshot.next_due - snapshot.now) / 1000))


def way_on(failure: Failure, spec: JobSpec, redis: str) -> list[str]:
    """Say what to do about a mistake of user code that ended a job; ``redis`` is the named server, if there is one."""
    if failure.kind != BAD_DATA and (failure.kind != RAISED or failure.origin is None):
        return []
    stage, number = parse_task(failure.task)
    ways = ["run it with --engine inline, in one process, to see it in a debugger or to print from it"]
    if redis and stage is Stage.MAP:
        ways = [f"see it in a debugger: word-counter replay {spec.job_id} {number} --pdb"]
    if stage is Stage.MAP and not spec.max_bad_records and failure.kind == RAISED:
        ways.append("if single records are at fault, set them aside: --max-bad-records N")
    if failure.repeats:
        ways.append("if it would not be raised again, have it tried again: --retry-errors")
    return ["what to do:", *(f"- {way}" for way in ways)]
