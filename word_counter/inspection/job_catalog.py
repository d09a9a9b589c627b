"""Job catalog: lists the jobs and workers of a Redis, and cancels and purges jobs.

Times are in milliseconds since 1970, by the server's clock. Jobs may change while they are read: a record holds for
about one moment. :mod:`word_counter.inspection.job_history` has the single tasks and attempts of a job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from word_counter.errors import ForeignValueError, JobNotFoundError, UnreadableRecordError, UsageError
from word_counter.inspection.records import JobRecord, RedisMemory, UnreadableRecord, WorkerRecord
from word_counter.job.model import Cursor, JobState, Stage, task_name
from word_counter.settings.config import Settings
from word_counter.shuffle.job_files import run_files_of
from word_counter.store.connection import Redis, hash_at, raise_other_types
from word_counter.store.decoding import decoded, reading, whole
from word_counter.store.job_index import JobIndex
from word_counter.store.job_store import JobStore
from word_counter.store.keys import WORKERS, JobKeys
from word_counter.store.worker_registry import WorkerRegistry

#: What is raised where somebody changed a record, or put something else into its place.
_UNREADABLE = (UnreadableRecordError, ForeignValueError)
#: How many jobs or keys are read at a time.
_AT_ONCE = 200
#: After how many seconds a job that is being purged expires, in case the purge is cut short.
_PURGED_SECONDS = 60
#: Of a record that somebody changed no more partitions and attempts than these are believed, and no fewer partitions.
_LEAST_PARTITIONS, _MOST_PARTITIONS, _MOST_ATTEMPTS = 1000, 100_000, 1000


class JobCatalog:
    """The jobs and workers of one Redis."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    # -- jobs ---------------------------------------------------------------------------------------

    def jobs(self) -> Iterator[JobRecord | UnreadableRecord]:
        """Yield the jobs that Redis still knows, the newest first."""
        for names in JobIndex(self._connection).newest(_AT_ONCE):
            yield from self._records(names)

    def job(self, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            JobNotFoundError: there is none of this id.
            UnreadableRecordError, ForeignValueError: somebody changed its record, or put something else into its place.
        """
        for record in self._records([job_id]):
            if isinstance(record, UnreadableRecord):
                raise record.error
            return record
        message = f"there is no job {job_id} in this Redis; word-counter jobs lists those there are"
        raise JobNotFoundError(message)

    def _records(self, names: Sequence[str]) -> Iterator[JobRecord | UnreadableRecord]:
        pipeline = self._connection.pipeline(transaction=False)
        for name in names:
            keys = JobKeys(name)
            pipeline.hgetall(keys.job)
            pipeline.hlen(keys.sources)
            pipeline.hgetall(keys.totals)
            pipeline.hgetall(keys.counters)
            pipeline.hlen(keys.receipts(Stage.MAP))
            pipeline.hlen(keys.receipts(Stage.REDUCE))
            pipeline.hlen(keys.running)
            pipeline.zcard(keys.waiting)
            pipeline.llen(keys.failures)
            pipeline.ttl(keys.job)
        pipeline.time()
        *answers, (seconds, micros) = pipeline.execute(raise_on_error=False)
        now = int(seconds) * 1000 + int(micros) // 1000
        for name, answer in zip(names, zip(*[iter(answers)] * 10, strict=True), strict=True):
            try:
                with reading(name):
                    raise_other_types(answer)
                    if b"state" not in answer[0]:
                        continue  # the job is gone, but the index still names it
                    record = _job_record(name, now, *answer)
            except _UNREADABLE as error:
                yield UnreadableRecord(name, error)
            else:
                yield record

    def cancel(self, job_id: str) -> None:
        """Cancel a job. Its tasks cannot start or commit any more, and its master and workers stop.

        Raises:
            JobNotFoundError: there is no such job.
            UsageError: it has ended already.
        """
        job = self.job(job_id)
        state: JobState | None = job.state
        if not job.state.ended:
            store = JobStore(self._connection, job_id)
            state = store.end(None, JobState.CANCELLED, "cancelled by request", job.partitions, job.retention_seconds)
            if state is JobState.CANCELLED:
                return
        message = f"job {job_id} has ended already: it is {state}"
        raise UsageError(message)

    def purge(self, job_id: str, *, force: bool = False) -> int:
        """Delete a job's keys and its entry in the index; return how many keys there were.

        Args:
            job_id: the job.
            force: also when it has not ended: it is cancelled first.

        Raises:
            JobNotFoundError: there is no such job.
            UsageError: it has not ended, and ``force`` is False.
            ShuffleError: it has run files that cannot be removed.
        """
        partitions = self._ended(job_id, force=force)
        keys = JobKeys(job_id)
        with suppress(UnreadableRecordError), reading(job_id):
            files = run_files_of(self._hash(keys.job), job_id)
            if files is not None and files.seen:
                files.remove()
        tried = self._hash(keys.attempts)
        committed = self._hash(keys.receipts(Stage.REDUCE))
        names = keys.every(partitions)
        for partition in range(partitions):
            task = task_name(Stage.REDUCE, partition)
            last = 0
            with suppress(UnreadableRecordError), reading(job_id):
                last = int(json.loads(committed[task])["attempt"]) if task in committed else 0
            last = min(max(last, whole(tried, task)), _MOST_ATTEMPTS)
            names += [keys.staged(partition, n + 1) for n in range(last)]
        names.append(names.pop(names.index(keys.job)))  # last, so that a purge that was cut short can be repeated
        deleted = 0
        for start in range(0, len(names), _AT_ONCE):
            deleted += int(self._connection.unlink(*names[start : start + _AT_ONCE]))
        JobIndex(self._connection).update(job_id)
        return deleted

    def _ended(self, job_id: str, *, force: bool) -> int:
        """See to it that a job has ended, and return how many partitions it has."""
        try:
            job = self.job(job_id)
        except _UNREADABLE:
            if not force:
                raise
            said = whole(self._hash(JobKeys(job_id).job), "partitions")
            return min(max(said, _LEAST_PARTITIONS), _MOST_PARTITIONS)
        if not job.state.ended:
            if not force:
                message = f"job {job_id} has not ended: it is {job.state}; cancel it first, or purge it with --force"
                raise UsageError(message)
            JobStore(self._connection, job_id).end(None, JobState.CANCELLED, "purged", job.partitions, _PURGED_SECONDS)
        return job.partitions

    def _hash(self, key: str) -> dict[str, str]:
        """Return a hash as text; an empty one where there is something else."""
        return hash_at(self._connection, key) or {}

    # -- workers ------------------------------------------------------------------------------------

    def workers(self) -> list[WorkerRecord]:
        """Return the workers that are alive, by name."""
        worker_registry = WorkerRegistry(self._connection)
        seconds, micros = self._connection.time()
        now = int(seconds) * 1000 + int(micros) // 1000
        records = []
        for name in worker_registry.names():
            facts = worker_registry.facts(name)
            heard = self._connection.zscore(WORKERS, name)
            if facts and heard is not None:  # otherwise it has just stopped
                records.append(
                    WorkerRecord(
                        name=name,
                        host=facts.get("host", ""),
                        pid=whole(facts, "pid"),
                        processes=whole(facts, "processes"),
                        running=tuple(facts.get("running", "").split()),
                        heard=int(heard),
                        silent_seconds=max(0, now - int(heard)) / 1000,
                        bytes=tuple(int(n) for n in facts.get("bytes", "").split()),
                        peak_bytes=whole(facts, "peak_bytes"),
                        unreadable=facts.get("unreadable", ""),
                    )
                )
        return records

    def memory(self) -> RedisMemory:
        """Return how much memory Redis uses."""
        found = self._connection.info("memory")
        return RedisMemory(
            used=int(found["used_memory"]),
            peak=int(found["used_memory_peak"]),
            limit=int(found.get("maxmemory", 0)),
        )


def _job_record(name: str, now: int, *answer: Any) -> JobRecord:
    raw_job, files, raw_totals, counters, mapped, reduced, running, waiting, failures, ttl = answer
    job = decoded(raw_job)
    totals = decoded(raw_totals)
    spec = json.loads(job.get("spec", "{}"))
    return JobRecord(
        id=name,
        name=job.get("name", ""),
        code=str(spec.get("code", "")),
        state=JobState(job["state"]),
        reason=job.get("reason", ""),
        output=job.get("output", ""),
        output_format=str(spec.get("form", "")),
        master=job.get("master", ""),
        mastered=int(job.get("held_until", 0)) > now and not JobState(job["state"]).ended,
        created=int(job["created"]),
        ended=int(job["ended"]) if "ended" in job else None,
        now=now,
        files=files,
        bytes=int(job.get("bytes", 0)),
        bytes_mapped=int(totals.get("bytes", 0)),
        lines=int(totals.get("lines", 0)),
        chunk_size=int(spec.get("chunk_size", 0)),
        chunks=Cursor(*json.loads(job["cursor"])).chunk,
        chunks_mapped=mapped,
        split_done=job["split"] == "done",
        phase=int(job.get("phase", 0)),
        phases=int(job.get("phases", 1)),
        first_chunks=tuple(json.loads(job.get("first_chunks", "[0]"))),
        partitions=int(job["partitions"]),
        partitions_reduced=reduced,
        running=running,
        waiting=waiting,
        failures=failures,
        retries=int(job.get("retries", 0)),
        skipped_chunks=int(totals.get("skipped_chunks", 0)),
        bad_records=int(totals.get("bad_records", 0)),
        expires_seconds=ttl if ttl >= 0 else None,
        retention_seconds=int(spec.get("retention_seconds", Settings().retention_seconds)),
        master_bytes=int(job.get("master_bytes", 0)),
        master_peak_bytes=int(job.get("master_peak_bytes", 0)),
        counters={counter: int(n) for counter, n in decoded(counters).items()},
    )
