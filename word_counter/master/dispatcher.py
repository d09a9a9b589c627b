"""Dispatcher: splits the input into chunks, groups tasks into batches, records the batches and queues them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from secrets import token_hex
from typing import Any

from word_counter.compute.segments import split_segments
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunker import Piece, split_sources, travels
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.prefetch import Prefetch
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import Chunk, Cursor, Source, Stage, parse_task, task_name
from word_counter.job.snapshot import Batch, Snapshot, Suspicion, TaskAttempt
from word_counter.master.leader_lease import LeaderLease
from word_counter.queue.batch_queue import BatchQueue
from word_counter.queue.payload import Payload
from word_counter.store.job_store import JobStore

#: A batch that no worker started counts as lost once it has been missing from the queue for so long, in seconds.
_LOST_AFTER_SECONDS = 5.0
#: How long to wait for prefetched chunks, in seconds. Short, as the master does nothing else meanwhile.
_PREFETCH_SECONDS = 0.1
#: The most bytes in a batch of chunks that carry their bytes through Redis, unless a single chunk is larger.
_BATCH_BYTES = 16 * 1024 * 1024
#: How often the queue is searched for lost batches, in seconds.
_SEARCH_SECONDS = 1.0


class Dispatcher:
    """Brings the tasks of one job to the queue, for the master that holds its leader lease."""

    def __init__(
        self,
        store: JobStore,
        queue: BatchQueue,
        leader_lease: LeaderLease,
        spec: JobSpec,
        sources: Sequence[Source],
        shuffle: Callable[[], str] = str,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make it.

        ``shuffle`` returns the folder of the job's run files, or "" when it shuffles through Redis. ``say`` gets a line
        when a stream turns out to look like no text.
        """
        self._store = store
        self._queue = queue
        self._leader_lease = leader_lease
        self._spec = spec
        self._sources = sources
        self._shuffle = shuffle
        self._say = say
        self._cursor: Cursor | None = None
        self._splitting: Iterator[Piece] = iter(())
        self._prefetch: Prefetch | None = None
        records = InputFormat.parse(spec.input_format)
        cutting = Cutting.of(sources, spec.chunk_size, records)
        self._cutting = replace(cutting, whole_files=spec.whole_files, empty_files=spec.empty_files, inline=spec.inline)
        self._unheld_since: dict[str, float] = {}
        self._searched = 0.0

    def split(self, snapshot: Snapshot, batches: int, chunks_each: int, held_limit: int) -> bool:
        """Split more of the running phase's input, from the cursor on, and queue the new chunks.

        Args:
            snapshot: the state of the job.
            batches: how many batches to queue.
            chunks_each: how many chunks a batch has.
            held_limit: how many bytes of input may be in Redis at a time, in chunks that carry their bytes.

        Returns:
            Whether to look again at once: the input is at its end, or no chunk is ready just now.

        Raises:
            InputError: a source cannot be read any more, or is incomplete.
            InputChangedError: a source has changed since the job was made.
        """
        if snapshot.cursor != self._cursor:  # a new master, or the last split was not recorded
            self._begin(snapshot.phase, snapshot.cursor)
        self._cursor = snapshot.cursor
        if self._prefetch is None:
            return self._split(snapshot.phase, batches, chunks_each)
        return self._split_prefetched(
            self._prefetch, batches, chunks_each, held_limit - snapshot.held * self._prefetch.mean_bytes
        )

    def close(self) -> None:
        """Stop reading the input."""
        if self._prefetch is not None:
            self._prefetch.close()
            self._prefetch = None

    def _begin(self, phase: int, cursor: Cursor) -> None:
        self.close()
        spec, sources = self._spec, self._sources
        if phase:
            partitions = spec.partitions_of(phase - 1)
            segments = dict(zip(partitions, self._store.segments(partitions), strict=True))
            self._splitting = (Piece(*piece) for piece in split_segments(segments, cursor))
        elif any(travels(source, inline=spec.inline) for source in sources[cursor.source :]):
            self._prefetch = Prefetch(sources, cursor, self._cutting, self._say)
        else:
            self._splitting = split_sources(sources, cursor, self._cutting)

    def _split(self, phase: int, batches: int, chunks_each: int) -> bool:
        made: list[list[Piece]] = []
        for _ in range(batches):
            taken = list(islice(self._splitting, chunks_each))
            if not taken:
                break
            made.append(taken)
        done = len(made) < batches
        self._enqueue_pieces(phase, made, split_done=done)
        return done

    def _split_prefetched(self, prefetch: Prefetch, batches: int, chunks_each: int, room: int) -> bool:
        """Queue the chunks that are ready, a batch at a time, as chunks with their bytes make long messages."""
        wait = _PREFETCH_SECONDS
        for _ in range(batches):
            if room <= 0:
                return False
            taken = prefetch.take(chunks_each, min(room, _BATCH_BYTES), wait)
            if prefetch.ended:
                self._enqueue_pieces(0, [taken] if taken else [], split_done=True, input_bytes=prefetch.input_bytes)
                return True
            if not taken:
                return wait > 0
            self._enqueue_pieces(0, [taken], input_bytes=prefetch.input_bytes)
            room -= sum(len(piece.content or b"") for piece in taken)
            wait = 0.0
        return False

    def _enqueue_pieces(
        self, phase: int, made: Sequence[Sequence[Piece]], *, split_done: bool = False, input_bytes: int | None = None
    ) -> None:
        if made:
            self._cursor = made[-1][-1].cursor
        payloads = [self._map_payload(phase, [piece.chunk for piece in batch], [1] * len(batch)) for batch in made]
        self._enqueue(
            payloads,
            [piece for batch in made for piece in batch],
            self._cursor,
            split_done=split_done,
            input_bytes=input_bytes,
        )

    def start_reduce(self, phase: int) -> None:
        """Queue the reduce tasks of a phase."""
        tasks = [TaskAttempt(task_name(Stage.REDUCE, n), 1) for n in self._spec.partitions_of(phase)]
        self.queue(phase, tasks, {})

    def queue(self, phase: int, tasks: Sequence[TaskAttempt], suspicions: dict[str, Suspicion]) -> None:
        """Queue tasks of one stage of a phase: all map tasks in one batch, each reduce task in its own."""
        stage, _ = parse_task(tasks[0].task)
        if stage is Stage.REDUCE:
            again = any(task.attempt > 1 for task in tasks)
            self._enqueue([self._payload(phase, stage, [task]) for task in tasks], at_front=again)
            return
        chunks = self._store.chunks([parse_task(task.task)[1] for task in tasks])
        attempts = [task.attempt for task in tasks]
        suspicion = suspicions.get(tasks[0].task) if len(tasks) == 1 else None
        # These tasks were queued before: they do not wait again behind all that was queued since.
        self._enqueue([self._map_payload(phase, chunks, attempts, suspicion)], at_front=True)

    def lost(self, snapshot: Snapshot) -> set[str]:
        """Return the batches that no worker started and that have been missing from the queue for a while."""
        unstarted = [batch.id for batch in snapshot.batches if batch.deadline is None]
        if not unstarted:
            self._unheld_since.clear()
            return set()
        now = time.monotonic()
        if now - self._searched < _SEARCH_SECONDS:
            return set()
        self._searched = now
        held = self._queue.held(self._spec.job_id, unstarted)
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
        spec = self._spec
        return Payload(
            job=spec.job_id,
            batch=f"{stage.value[0]}{number}-{token_hex(3)}",
            stage=stage,
            code=spec.code,
            code_digest=spec.code_digest,
            params=spec.params,
            files=spec.files,
            phase=phase,
            inline=spec.inline,
            input_format=spec.input_format,
            shuffle=self._shuffle(),
            incremental=spec.incremental,
            partitions=spec.partitions,
            lease_seconds=spec.lease_seconds,
            task_timeout=spec.task_timeout,
            max_bad_records=spec.max_bad_records,
            tasks=tuple(tasks),
            **more,
        )

    def _enqueue(
        self,
        payloads: Sequence[Payload],
        pieces: Sequence[Piece] = (),
        cursor: Cursor | None = None,
        *,
        split_done: bool = False,
        at_front: bool = False,
        input_bytes: int | None = None,
    ) -> None:
        batches = [Batch(payload.batch, payload.tasks) for payload in payloads]
        if not self._store.plan(
            self._leader_lease.epoch,
            [piece.chunk for piece in pieces],
            cursor,
            batches,
            split_done=split_done,
            contents={piece.chunk.id: piece.content for piece in pieces if piece.content is not None},
            input_bytes=input_bytes,
        ):
            self._leader_lease.renew(now=True)  # raises when another master holds the lease
            return  # otherwise the job has ended: the next snapshot shows it
        if payloads:
            self._queue.enqueue(payloads, at_front=at_front)
