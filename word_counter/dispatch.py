"""Dispatch: how tasks get to the workers: the input is split, and batches are made, recorded and queued."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from secrets import token_hex
from typing import Any

from word_counter.charge import Charge
from word_counter.chunk_queue import ChunkQueue
from word_counter.job import Chunk, Cursor, Source, Stage, parse_task, task_name
from word_counter.payload import Payload
from word_counter.plan import Plan
from word_counter.segments import split_segments
from word_counter.snapshot import Batch, Snapshot, Suspicion, TaskAttempt
from word_counter.sources import split_sources
from word_counter.store import Store

#: A batch that nobody started and that is not in the queue for so long is lost, in seconds.
_LOST_AFTER_SECONDS = 5.0
#: How often the queue is searched for them, in seconds.
_SEARCH_SECONDS = 1.0


class Dispatch:
    """Brings the tasks of one job to the queue, for the master that is in charge of it."""

    def __init__(self, store: Store, queue: ChunkQueue, charge: Charge, plan: Plan, sources: Sequence[Source]) -> None:
        self._store = store
        self._queue = queue
        self._charge = charge
        self._plan = plan
        self._sources = sources
        self._cursor: Cursor | None = None
        self._splitting: Iterator[tuple[Chunk, Cursor]] = iter(())
        self._unheld_since: dict[str, float] = {}
        self._searched = 0.0

    def split(self, phase: int, cursor: Cursor, batches: int, chunks_each: int) -> bool:
        """Split a phase's input on from ``cursor`` and queue the new chunks; return whether it has come to its end.

        Raises:
            InputError: a source cannot be read any more.
            InputChangedError: a source is not as it was when the job was made.
        """
        if cursor != self._cursor:  # a new master, or what was split last was not recorded
            self._splitting = self._split_from(phase, cursor)
        made: list[list[Chunk]] = []
        for _ in range(batches):
            taken = list(islice(self._splitting, chunks_each))
            if not taken:
                break
            made.append([chunk for chunk, _ in taken])
            cursor = taken[-1][1]
        self._cursor = cursor
        done = len(made) < batches
        chunks = [chunk for batch in made for chunk in batch]
        payloads = [self._map_payload(phase, batch, [1] * len(batch)) for batch in made]
        self._enqueue(payloads, chunks, cursor, split_done=done)
        return done

    def _split_from(self, phase: int, cursor: Cursor) -> Iterator[tuple[Chunk, Cursor]]:
        if not phase:
            return split_sources(self._sources, self._plan.chunk_size, cursor, whole_files=self._plan.whole_files)
        partitions = self._plan.partitions_of(phase - 1)
        return split_segments(dict(zip(partitions, self._store.segments(partitions), strict=True)), cursor)

    def start_reduce(self, phase: int) -> None:
        """Queue the reduce tasks of a phase."""
        tasks = [TaskAttempt(task_name(Stage.REDUCE, n), 1) for n in self._plan.partitions_of(phase)]
        self.queue(phase, tasks, {})

    def queue(self, phase: int, tasks: Sequence[TaskAttempt], suspicions: dict[str, Suspicion]) -> None:
        """Queue tasks of one stage of a phase: map tasks as one batch, reduce tasks each as its own."""
        stage, _ = parse_task(tasks[0].task)
        if stage is Stage.REDUCE:
            again = any(task.attempt > 1 for task in tasks)
            self._enqueue([self._payload(phase, stage, [task]) for task in tasks], at_front=again)
            return
        chunks = self._store.chunks([parse_task(task.task)[1] for task in tasks])
        attempts = [task.attempt for task in tasks]
        suspicion = suspicions.get(tasks[0].task) if len(tasks) == 1 else None
        # What was queued once already does not stand in line again behind all that came after it.
        self._enqueue([self._map_payload(phase, chunks, attempts, suspicion)], at_front=True)

    def lost(self, snapshot: Snapshot) -> set[str]:
        """Return the batches that nobody started and that the queue has not held for a while."""
        unstarted = [batch.id for batch in snapshot.batches if batch.deadline is None]
        if not unstarted:
            self._unheld_since.clear()
            return set()
        now = time.monotonic()
        if now - self._searched < _SEARCH_SECONDS:
            return set()
        self._searched = now
        held = self._queue.held(self._plan.job_id, unstarted)
        self._unheld_since = {id_: self._unheld_since.get(id_, now) for id_ in unstarted if id_ not in held}
        return {id_ for id_, since in self._unheld_since.items() if now - since > _LOST_AFTER_SECONDS}

    def _map_payload(
        self, phase: int, chunks: Sequence[Chunk], attempts: Sequence[int], suspicion: Suspicion | None = None
    ) -> Payload:
        tasks = [TaskAttempt(task_name(Stage.MAP, c.id), n) for c, n in zip(chunks, attempts, strict=True)]
        sources = {} if phase else {chunk.source: self._sources[chunk.source] for chunk in chunks}
        return self._payload(phase, Stage.MAP, tasks, chunks=tuple(chunks), sources=sources, suspicion=suspicion)

    def _payload(self, phase: int, stage: Stage, tasks: Sequence[TaskAttempt], **more: Any) -> Payload:
        _, number = parse_task(tasks[0].task)
        plan = self._plan
        return Payload(
            job=plan.job_id,
            batch=f"{stage.value[0]}{number}-{token_hex(3)}",
            stage=stage,
            code=plan.code,
            code_digest=plan.code_digest,
            params=plan.params,
            files=plan.files,
            phase=phase,
            partitions=plan.partitions,
            lease_seconds=plan.lease_seconds,
            task_timeout=plan.task_timeout,
            max_bad_records=plan.max_bad_records,
            tasks=tuple(tasks),
            **more,
        )

    def _enqueue(
        self,
        payloads: Sequence[Payload],
        chunks: Sequence[Chunk] = (),
        cursor: Cursor | None = None,
        *,
        split_done: bool = False,
        at_front: bool = False,
    ) -> None:
        batches = [Batch(payload.batch, payload.tasks) for payload in payloads]
        if not self._store.plan(self._charge.epoch, chunks, cursor, batches, split_done=split_done):
            self._charge.hold(now=True)  # says so when another master is in charge
            return  # else the job has ended, as the next snapshot says
        if payloads:
            self._queue.enqueue(payloads, at_front=at_front)
