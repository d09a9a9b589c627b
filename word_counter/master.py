"""Master: sees a job through. It observes (a snapshot of the store), decides (the schedule), acts, and waits.

It holds nothing that matters: the job is in the store, and a snapshot is all that a decision needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from secrets import token_hex
from typing import Any

from word_counter import config
from word_counter.chunk_queue import ChunkQueue
from word_counter.connection import translated_errors
from word_counter.errors import JobCancelledError, JobFailedError, StoreUnavailableError, UsageError, WordCounterError
from word_counter.job import Chunk, Cursor, Inputs, Job, JobState, Stage, parse_task, task_name
from word_counter.observer import Observer, Outcome, Progress
from word_counter.payload import Payload
from word_counter.reference import refer_to
from word_counter.roster import Roster
from word_counter.schedule import (
    EXPIRED,
    Batch,
    Fail,
    Merge,
    Policy,
    Requeue,
    Retry,
    Revoke,
    Snapshot,
    Split,
    StartReduce,
    TaskAttempt,
    decide,
)
from word_counter.session import Session
from word_counter.sinks import check_writable, write_results
from word_counter.sources import find_sources, split_sources
from word_counter.stages import Summary, merge, summarised
from word_counter.store import Store
from word_counter.word_count import WordCount

#: The master looks at the job at least so often, and at most so often, in seconds.
_LOOK_SECONDS = 1.0
_REST_SECONDS = 0.02
#: A batch that nobody started and that is not in the queue for so long is lost, in seconds.
_LOST_AFTER_SECONDS = 5.0
#: How long a job may have no worker before the user is told, in seconds.
_LONELY_SECONDS = 5.0


class Master:
    """Runs one job over Redis: splits, enqueues, watches, merges.

    Args:
        inputs: files, directories and globs; by default the job's own.
        job: a Job class or instance; by default the word count.
        observer: follows the job.
        settings: any of :class:`word_counter.config.Settings`, by name. Unless ``workers`` is given, workers are
            started only when no Redis is given either: then nobody else could do the work.
    """

    def __init__(
        self,
        inputs: Inputs | None = None,
        job: type[Job] | Job = WordCount,
        *,
        observer: Observer | None = None,
        **settings: Any,
    ) -> None:
        self.job = job() if isinstance(job, type) else job
        given = config.load(settings, self.job.settings)
        if not given.redis and given.workers == 0:
            message = "with no workers and no Redis nobody would do the work: give --redis URL or set REDIS_URL"
            raise UsageError(message)
        self.settings = given
        self._own_workers = given.worker_count if given.workers >= 0 or not given.redis else 0
        self.inputs = inputs if inputs is not None else self.job.inputs
        self.job_id = given.job_id or f"{self.job.name.lower()}-{time.strftime('%Y%m%d-%H%M%S')}-{token_hex(2)}"
        self._observer = observer or Observer()
        self._began = 0.0
        self._epoch = 1
        self._unheld_since: dict[str, float] = {}
        self._lonely_since: float | None = None
        self._workers = 0
        self._looked_at_workers = 0.0

    def run(self) -> Outcome:
        """Run the job to its end and return what it came to.

        Raises:
            UsageError: the request cannot be carried out; nothing was started or written.
            JobFailedError: the job failed or was cancelled; says where and why.
            StoreUnavailableError: Redis cannot be reached.
            KeyboardInterrupt: interrupted; the job is cancelled.
        """
        self._began = time.monotonic()
        check_writable(self.settings.output)
        self._sources = find_sources(self.inputs)
        self._code = refer_to(self.job)
        with Session(self.settings, self._observer) as session, translated_errors(self.settings.redis):
            self._session = session
            session.start_crew(self._own_workers)
            self._store = Store(session.connection, self.job_id)
            self._queue = ChunkQueue(session.connection)
            self._roster = Roster(session.connection)
            self._create()
            self._observer.started(self.job_id, session.hint)
            try:
                return self._see_through()
            except StoreUnavailableError:
                raise
            except WordCounterError as error:
                self._end(JobState.FAILED, str(error))
                raise
            except BaseException as error:
                self._end(JobState.CANCELLED, f"the master stopped: {type(error).__name__}")
                raise

    def _create(self) -> None:
        fields: dict[str, str | int] = {
            "state": JobState.MAPPING.value,
            "name": self.job.name,
            "code": self._code,
            "output": self.settings.output,
            "partitions": self.settings.partitions,
            "chunk_size": self.settings.chunk_size,
            "epoch": self._epoch,
            "split": "open",
            "cursor": "[0,0,0,1]",
            "bytes": sum(source.size for source in self._sources),
        }
        if not self._store.create(fields, self._sources):
            message = f"there is a job {self.job_id} already; choose another --job-id, or purge that one first"
            raise UsageError(message)

    def _end(self, state: JobState, reason: str) -> None:
        try:
            self._store.end(self._epoch, state, reason, self.settings.partitions, self.settings.retention_seconds)
        except Exception as error:  # noqa: BLE001 (the error that ends the job matters more, and is raised)
            self._observer.warned(f"could not record the end of {self.job_id}: {error}")

    # -- the loop -----------------------------------------------------------------------------------

    def _see_through(self) -> Outcome:
        self._splitting = split_sources(self._sources, self.settings.chunk_size, Cursor())
        last_event = "0-0"
        while True:
            snapshot = self._store.snapshot()
            if snapshot is None:
                message = f"job {self.job_id} is gone from Redis: it was purged, or the server lost its memory"
                raise JobFailedError(message)
            if snapshot.state is JobState.CANCELLED:
                message = f"job {self.job_id} was cancelled"
                raise JobCancelledError(message)
            if snapshot.state.ended:
                message = f"job {self.job_id} was ended by another master: {snapshot.state} {snapshot.reason}"
                raise JobFailedError(message)
            self._tell(snapshot)
            again = False
            for action in decide(snapshot, self._policy(), self._lost(snapshot)):
                if isinstance(action, Merge):
                    return self._finish(snapshot)
                again |= self._act(action, snapshot)
            if not again:
                last_event = self._store.wait(_LOOK_SECONDS, last_event)
                time.sleep(_REST_SECONDS if time.monotonic() - self._began > 1 else _REST_SECONDS / 10)

    def _policy(self) -> Policy:
        return Policy(self.settings.max_attempts, max(1, self._workers), self.settings.timeout)

    def _act(self, action: object, snapshot: Snapshot) -> bool:
        """Carry an action out; return whether to look again at once, as no event will tell of it."""
        if isinstance(action, Fail):
            raise JobFailedError(action.reason)
        if isinstance(action, Revoke):
            if action.expired:
                message = "its worker was not heard of for the length of a lease"
                self._store.revoke(action.batch, EXPIRED, message, "expired")
            else:
                self._store.revoke(action.batch, EXPIRED, "the queue lost it", "unleased")
        elif isinstance(action, Retry):
            failure = next(failure for failure in snapshot.failed if failure.task == action.task)
            self._store.retry(self._epoch, action.task, action.after_seconds)
            self._observer.retried(action.task, failure.message, action.after_seconds)
        elif isinstance(action, Requeue):
            self._requeue(action.tasks)
        elif isinstance(action, Split):
            return self._split(action.batches, action.chunks_each)
        elif isinstance(action, StartReduce):
            if self._store.advance(self._epoch):
                self._start_reduce()
            return True
        return False

    def _split(self, batches: int, chunks_each: int) -> bool:
        made: list[list[Chunk]] = []
        cursor: Cursor | None = None
        for _ in range(batches):
            taken = list(islice(self._splitting, chunks_each))
            if taken:
                made.append([chunk for chunk, _ in taken])
                cursor = taken[-1][1]
        done = len(made) < batches
        chunks = [chunk for batch in made for chunk in batch]
        self._enqueue([self._map_payload(batch, [1] * len(batch)) for batch in made], chunks, cursor, split_done=done)
        return done and not made

    def _map_payload(self, chunks: Sequence[Chunk], attempts: Sequence[int]) -> Payload:
        tasks = [TaskAttempt(task_name(Stage.MAP, c.id), n) for c, n in zip(chunks, attempts, strict=True)]
        sources = {chunk.source: self._sources[chunk.source] for chunk in chunks}
        return self._payload(Stage.MAP, tasks, chunks=tuple(chunks), sources=sources)

    def _payload(self, stage: Stage, tasks: Sequence[TaskAttempt], **more: Any) -> Payload:
        _, number = parse_task(tasks[0].task)
        return Payload(
            job=self.job_id,
            batch=f"{stage.value[0]}{number}-{token_hex(3)}",
            stage=stage,
            code=self._code,
            partitions=self.settings.partitions,
            lease_seconds=self.settings.lease_seconds,
            tasks=tuple(tasks),
            **more,
        )

    def _start_reduce(self) -> None:
        tasks = [TaskAttempt(task_name(Stage.REDUCE, n), 1) for n in range(self.settings.partitions)]
        self._enqueue([self._payload(Stage.REDUCE, [task]) for task in tasks])

    def _requeue(self, tasks: Sequence[TaskAttempt]) -> None:
        stage, _ = parse_task(tasks[0].task)
        if stage is Stage.REDUCE:
            self._enqueue([self._payload(stage, [task]) for task in tasks])
            return
        chunks = self._store.chunks([parse_task(task.task)[1] for task in tasks])
        self._enqueue([self._map_payload(chunks, [task.attempt for task in tasks])])

    def _enqueue(
        self,
        payloads: Sequence[Payload],
        chunks: Sequence[Chunk] = (),
        cursor: Cursor | None = None,
        *,
        split_done: bool = False,
    ) -> None:
        batches = [Batch(payload.batch, payload.tasks) for payload in payloads]
        if not self._store.plan(self._epoch, chunks, cursor, batches, split_done=split_done):
            return  # the next snapshot says why: the job has ended, or another master is in charge
        if payloads:
            self._queue.enqueue(payloads)

    def _lost(self, snapshot: Snapshot) -> set[str]:
        """Return the batches that nobody started and that the queue has not held for a while."""
        unstarted = [batch.id for batch in snapshot.batches if batch.deadline is None]
        if not unstarted:
            self._unheld_since.clear()
            return set()
        now = time.monotonic()
        held = self._queue.held(self.job_id, unstarted)
        self._unheld_since = {id_: self._unheld_since.get(id_, now) for id_ in unstarted if id_ not in held}
        return {id_ for id_, since in self._unheld_since.items() if now - since > _LOST_AFTER_SECONDS}

    # -- telling and finishing ------------------------------------------------------------------------

    def _tell(self, snapshot: Snapshot) -> None:
        now = time.monotonic()
        if now - self._looked_at_workers >= _LOOK_SECONDS:
            self._workers = self._roster.processes()
            self._looked_at_workers = now
            self._mind_the_lonely(now)
        self._observer.progressed(self._progress(snapshot))

    def _mind_the_lonely(self, now: float) -> None:
        code = self._session.crew_ended
        if code is not None:
            message = f"the workers of this run ended with exit code {code}; what they printed says why"
            raise JobFailedError(message)
        if self._workers or self._own_workers:
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
        elif now - self._lonely_since > _LONELY_SECONDS:
            self._lonely_since = float("inf")  # told once
            self._observer.warned("no worker is alive; start some: word-counter worker --redis URL")

    def _progress(self, snapshot: Snapshot) -> Progress:
        totals = snapshot.totals
        return Progress(
            state=snapshot.state,
            seconds=time.monotonic() - self._began,
            files=len(self._sources),
            bytes=sum(source.size for source in self._sources),
            bytes_mapped=totals.get("bytes", 0),
            lines=totals.get("lines", 0),
            chunks=snapshot.planned,
            chunks_mapped=snapshot.mapped,
            split_done=snapshot.split_done,
            partitions=snapshot.partitions,
            partitions_reduced=snapshot.reduced,
            workers=self._workers,
            retries=snapshot.retries,
        )

    def _finish(self, snapshot: Snapshot) -> Outcome:
        summary = Summary()
        write_results(summarised(self._merged(), summary), self.settings.output)
        state = self._store.end(
            self._epoch, JobState.DONE, "", self.settings.partitions, self.settings.retention_seconds
        )
        if state is not JobState.DONE:
            message = f"job {self.job_id} could not be ended: it is {state}"
            raise JobFailedError(message)
        progress = self._progress(snapshot)
        return Outcome(
            job_id=self.job_id,
            output=self.settings.output,
            files=progress.files,
            bytes=progress.bytes,
            lines=progress.lines,
            chunks=progress.chunks,
            keys=summary.keys,
            seconds=progress.seconds,
            retries=progress.retries,
            counters=self._store.counters(),
            largest=summary.largest,
        )

    def _merged(self) -> Iterator[tuple[str, Any]]:
        return merge([self._store.results(partition) for partition in range(self.settings.partitions)])
