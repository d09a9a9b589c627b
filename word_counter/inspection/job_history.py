"""Job history: the chunks and tasks of one job, every attempt at them, and the partials that they gave.

Times are in milliseconds since 1970, by the server's clock.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from word_counter.errors import UsageError
from word_counter.inspection.records import JobRecord
from word_counter.job.model import Chunk, JobState, Stage, task_name
from word_counter.job.snapshot import Origin
from word_counter.shuffle.job_files import run_files_of
from word_counter.shuffle.partitioning import decode_partial, restore
from word_counter.store.connection import Redis
from word_counter.store.decoding import decoded, origin_of
from word_counter.store.keys import JobKeys

#: How many chunks are read at a time.
_AT_ONCE = 200

#: The states of a task. An attempt has one of the first three.
COMMITTED = "committed"
RUNNING = "running"
FAILED = "failed"  # the master has not decided about it yet
WAITING = "waiting"  # until the pause before its next attempt is over
QUEUED = "queued"
SKIPPED = "skipped"  # it failed for good, and its chunk is in quarantine
DROPPED = "dropped"  # the job ended without it


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt at a task. Only the start of a running one is known."""

    attempt: int
    state: str
    worker: str
    started: int | None = None
    seconds: float | None = None
    ended: int | None = None
    kind: str = ""
    message: str = ""
    origin: Origin | None = None  #: what user code raised, and where in it
    amounts: dict[str, int] = field(default_factory=dict)
    heaviest: tuple[tuple[str, int], ...] = ()  #: the keys of a partition that had the most values


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A task with its attempts, the earliest first. A map task also has its chunk, and the source of that.

    The source is the path of a file. In a later phase it is the phase and the partition whose results are mapped: then
    the chunk's offset and length count segments of these.
    """

    task: str
    state: str
    attempts: tuple[AttemptRecord, ...]
    chunk: Chunk | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What Redis holds of all tasks of a job that are not committed."""

    ended: bool
    failures: Mapping[str, Sequence[AttemptRecord]]
    running: Mapping[str, Sequence[AttemptRecord]]
    failed: frozenset[str]
    waiting: frozenset[str]

    def any_of(self, tasks: Sequence[str]) -> bool:
        """Whether any of these tasks was tried, or waits to be tried again."""
        return any(task in self.failures or task in self.running or task in self.waiting for task in tasks)


class JobHistory:
    """The tasks of one job, as they were when this was made."""

    def __init__(self, connection: Redis, job: JobRecord) -> None:
        self._connection = connection
        self._job = job
        self._keys = JobKeys(job.id)
        self._tried = self._read_tried()

    def chunks(self, first: int = 0, limit: int | None = None) -> Iterator[TaskRecord]:
        """Yield the map tasks with their chunks, in their order, from chunk ``first`` on."""
        end = self._job.chunks if limit is None else min(self._job.chunks, first + limit)
        for start in range(first, end, _AT_ONCE):
            ids = range(start, min(end, start + _AT_ONCE))
            tasks = [task_name(Stage.MAP, id_) for id_ in ids]
            pipeline = self._connection.pipeline(transaction=False)
            pipeline.hmget(self._keys.chunks, [str(id_) for id_ in ids])
            pipeline.hmget(self._keys.receipts(Stage.MAP), tasks)
            found, receipts = pipeline.execute()
            # a chunk that is missing is being recorded at this moment
            chunks = [
                None if raw is None else Chunk(id_, *json.loads(raw)) for id_, raw in zip(ids, found, strict=True)
            ]
            paths = self._paths({chunk.source for chunk in chunks if chunk is not None and not self._phase_of(chunk)})
            for task, chunk, receipt in zip(tasks, chunks, receipts, strict=True):
                if chunk is not None:
                    phase = self._phase_of(chunk)
                    source = f"phase {phase}, partition {chunk.source}" if phase else paths.get(chunk.source, "")
                    yield _task_record(task, receipt, self._tried, chunk, source)

    def chunk(self, chunk_id: int) -> TaskRecord:
        """Return the map task of a chunk; UsageError when the job has no such chunk."""
        for record in self.chunks(chunk_id, 1) if chunk_id >= 0 else ():
            return record
        job = self._job
        there = (
            f"chunks 0 to {job.chunks - 1}" if job.chunks > 1 else f"{'only chunk 0' if job.chunks else 'no chunks'}"
        )
        message = f"job {job.id} has no chunk {chunk_id}; it has {there}{'' if job.split_done else ' so far'}"
        raise UsageError(message)

    def partitions(self) -> Iterator[TaskRecord]:
        """Yield the reduce tasks in their order; none before the job reduces."""
        receipts = decoded(self._connection.hgetall(self._keys.receipts(Stage.REDUCE)))
        tasks = [task_name(Stage.REDUCE, number) for number in range(self._job.partitions)]
        started = self._job.state in {JobState.REDUCING, JobState.DONE} or receipts or self._tried.any_of(tasks)
        for task in tasks if started else ():
            yield _task_record(task, receipts.get(task), self._tried)

    def partials(self, chunk_id: int) -> Iterator[tuple[int, list[tuple[Any, Any]]]]:
        """Yield the partials of a chunk: the number of each partition, and pairs of key and intermediate value."""
        files = run_files_of(decoded(self._connection.hgetall(self._keys.job)), self._job.id)
        for partition in range(self._job.partitions):
            raw = self._connection.hget(self._keys.partials(partition), str(chunk_id))
            if raw is not None:
                partial = raw if files is None else files.partial(raw)
                yield partition, [(restore(group), value) for group, value in decode_partial(partial)]

    def _phase_of(self, chunk: Chunk) -> int:
        """Return the phase, from 0, that maps a chunk. In later phases chunks are results of the phase before."""
        return bisect_right(self._job.first_chunks, chunk.id) - 1

    def _paths(self, sources: set[int]) -> dict[int, str]:
        indexes = sorted(sources)
        if not indexes:
            return {}
        found = self._connection.hmget(self._keys.sources, [str(index) for index in indexes])
        return {index: json.loads(raw)[0] for index, raw in zip(indexes, found, strict=True) if raw is not None}

    def _read_tried(self) -> _Tried:
        keys = self._keys
        pipeline = self._connection.pipeline(transaction=False)
        pipeline.lrange(keys.failures, 0, -1)
        pipeline.hgetall(keys.running)
        pipeline.hkeys(keys.failed)
        pipeline.zrange(keys.waiting, 0, -1)
        failures, running, failed, waiting = pipeline.execute()
        ended: dict[str, list[AttemptRecord]] = {}
        for raw in failures:
            failure = json.loads(raw)
            began = failure.get("started")
            record = AttemptRecord(
                attempt=failure["attempt"],
                state=FAILED,
                worker=failure["worker"],
                started=began,
                seconds=None if began is None else max(0, failure["at"] - began) / 1000,
                ended=failure["at"],
                kind=failure["kind"],
                message=failure["message"],
                origin=origin_of(failure),
            )
            ended.setdefault(failure["task"], []).append(record)
        started: dict[str, list[AttemptRecord]] = {}
        for name, text in decoded(running).items():
            task, _, number = name.partition("#")
            content = json.loads(text)
            record = AttemptRecord(
                attempt=int(number),
                state=RUNNING,
                worker=content["worker"],
                started=content["started"],
                seconds=max(0, self._job.now - content["started"]) / 1000,
            )
            started.setdefault(task, []).append(record)
        names = [frozenset(name.decode() for name in found) for found in (failed, waiting)]
        return _Tried(self._job.state.ended, ended, started, *names)


def _task_record(
    task: str, receipt: bytes | str | None, tried: _Tried, chunk: Chunk | None = None, source: str = ""
) -> TaskRecord:
    attempts = [*tried.failures.get(task, ()), *tried.running.get(task, ())]
    content = {} if receipt is None else json.loads(receipt)
    if content.get("skipped"):
        state = SKIPPED
    elif content:
        attempts.append(
            AttemptRecord(
                attempt=content["attempt"],
                state=COMMITTED,
                worker=content["worker"],
                started=content["started"],
                seconds=content["seconds"],
                ended=content["started"] + round(content["seconds"] * 1000),
                amounts=content["amounts"],
                heaviest=tuple((key, values) for key, values in content.get("heaviest", ())),
            )
        )
        state = COMMITTED
    elif task in tried.running:
        state = RUNNING
    elif task in tried.failed:
        state = FAILED
    elif task in tried.waiting:
        state = WAITING
    else:
        state = DROPPED if tried.ended else QUEUED
    attempts.sort(key=lambda record: record.attempt)
    return TaskRecord(task=task, state=state, attempts=tuple(attempts), chunk=chunk, source=source)
