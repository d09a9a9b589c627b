"""Job catalog: lists the jobs and workers of a Redis, and cancels and purges jobs.

Times are in milliseconds since 1970, by the server's clock. Jobs may change while they are read: a record holds for
about one moment. :mod:`word_counter.inspection.job_history` has the single tasks and attempts of a job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from word_counter.errors import JobNotFoundError, UsageError
from word_counter.inspection.records import JobRecord, RedisMemory, WorkerRecord
from word_counter.job.model import Cursor, JobState, Stage, task_name
from word_counter.settings.config import Settings
from word_counter.shuffle.job_files import run_files_of
from word_counter.store.connection import Redis
from word_counter.store.decoding import decoded
from word_counter.store.job_index import JobIndex
from word_counter.store.job_store import JobStore
from word_counter.store.keys import WORKERS, JobKeys
from word_counter.store.worker_registry import WorkerRegistry

#: How many jobs or keys are read at a time.
_AT_ONCE = 200
#: After how many seconds a job that is being purged expires, in case the purge is cut short.
_PURGED_SECONDS = 60


class JobCatalog:
    """The jobs and workers of one Redis."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    # -- jobs ---------------------------------------------------------------------------------------

    def jobs(self) -> Iterator[JobRecord]:
        """Yield the jobs that Redis still knows, the newest first."""
        for names in JobIndex(self._connection).newest(_AT_ONCE):
            yield from self._records(names)

    def job(self, job_id: str) -> JobRecord:
        """Return a job; JobNotFoundError when there is none of this id."""
        for record in self._records([job_id]):
            return record
        message = f"there is no job {job_id} in this Redis; word-counter jobs lists those there are"
        raise JobNotFoundError(message)

    def _records(self, names: Sequence[str]) -> Iterator[JobRecord]:
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
        *answers, (seconds, micros) = pipeline.execute()
        now = int(seconds) * 1000 + int(micros) // 1000
        for name, answer in zip(names, zip(*[iter(answers)] * 10, strict=True), strict=True):
            if b"state" in answer[0]:  # otherwise the job is gone, but the index still names it
                yield _job_record(name, now, *answer)

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
        job = self.job(job_id)
        if not job.state.ended:
            if not force:
                message = f"job {job_id} has not ended: it is {job.state}; cancel it first, or purge it with --force"
                raise UsageError(message)
            JobStore(self._connection, job_id).end(None, JobState.CANCELLED, "purged", job.partitions, _PURGED_SECONDS)
        keys = JobKeys(job_id)
        files = run_files_of(decoded(self._connection.hgetall(keys.job)), job_id)
        if files is not None and files.seen:
            files.remove()
        tried = decoded(self._connection.hgetall(keys.attempts))
        committed = decoded(self._connection.hgetall(keys.receipts(Stage.REDUCE)))
        names = keys.every(job.partitions)
        for partition in range(job.partitions):
            task = task_name(Stage.REDUCE, partition)
            last = json.loads(committed[task])["attempt"] if task in committed else 0
            names += [keys.staged(partition, n + 1) for n in range(max(last, int(tried.get(task, 0))))]
        names.append(names.pop(names.index(keys.job)))  # last, so that a purge that was cut short can be repeated
        deleted = 0
        for start in range(0, len(names), _AT_ONCE):
            deleted += int(self._connection.unlink(*names[start : start + _AT_ONCE]))
        JobIndex(self._connection).update(job_id)
        return deleted

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
                        pid=int(facts.get("pid", 0)),
                        processes=int(facts.get("processes", 0)),
                        running=tuple(facts.get("running", "").split()),
                        heard=int(heard),
                        silent_seconds=max(0, now - int(heard)) / 1000,
                        bytes=tuple(int(n) for n in facts.get("bytes", "").split()),
                        peak_bytes=int(facts.get("peak_bytes", 0)),
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
