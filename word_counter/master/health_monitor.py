"""Health monitor: watches the workers and the memory of Redis, and reports progress."""

from __future__ import annotations

import time
from collections.abc import Sequence

from word_counter.errors import JobFailedError
from word_counter.job.model import Source
from word_counter.job.snapshot import Snapshot
from word_counter.local_cluster.session import Session
from word_counter.master.reconcile_loop import Vitals
from word_counter.observer import Observer, Progress
from word_counter.store.retry import RedisRetry
from word_counter.store.worker_registry import WorkerRegistry

#: How often workers and memory are checked, in seconds.
_CHECK_SECONDS = 1.0
#: How long a job may be without workers before the user is warned, in seconds.
_NO_WORKERS_SECONDS = 5.0


class HealthMonitor:
    """Keeps the :class:`Vitals` of a run up to date, and reports progress to its observer.

    ``began`` is the start of the run on the monotonic clock.
    """

    def __init__(
        self,
        session: Session,
        retry: RedisRetry,
        vitals: Vitals,
        observer: Observer,
        sources: Sequence[Source],
        queue: str,
        began: float,
    ) -> None:
        self._session = session
        self._retry = retry
        self._vitals = vitals
        self._observer = observer
        self._sources = sources
        self._queue = queue
        self._began = began
        self._own_workers = vitals.workers
        self._without_workers_since: float | None = None
        self._checked = 0.0

    def check(self, snapshot: Snapshot) -> None:
        """Check workers and memory when it is time to, and report progress.

        Raises:
            JobFailedError: the workers of this run have ended.
        """
        now = time.monotonic()
        if now - self._checked >= _CHECK_SECONDS:
            self._checked = now
            self._vitals.workers = self._workers_of(self._queue)
            self._vitals.note_memory(*self._retry.call(self._session.memory))
            self._warn_without_workers(now)
        self._observer.progressed(self.progress(snapshot))

    def progress(self, snapshot: Snapshot) -> Progress:
        """Return how far the job is."""
        totals = snapshot.totals
        return Progress(
            state=snapshot.state,
            seconds=time.monotonic() - self._began,
            files=len(self._sources),
            bytes=_input_bytes(snapshot),
            bytes_mapped=totals.get("bytes", 0),
            lines=totals.get("lines", 0),
            phase=snapshot.phase,
            phases=snapshot.phases,
            chunks=snapshot.planned - snapshot.first_chunks[-1],
            chunks_mapped=snapshot.mapped - snapshot.first_chunks[-1],
            split_done=snapshot.split_done,
            partitions=snapshot.partitions,
            partitions_reduced=snapshot.reduced - snapshot.phase * snapshot.partitions,
            workers=self._vitals.workers,
            retries=snapshot.retries,
        )

    def _workers_of(self, queue: str) -> int:
        return self._retry.call(lambda: WorkerRegistry(self._session.connection).processes(queue))

    def _warn_without_workers(self, now: float) -> None:
        code = self._session.workers_ended
        if code is not None:
            message = f"the workers of this run ended with exit code {code}; what they printed says why"
            raise JobFailedError(message)
        if self._vitals.workers or self._own_workers:
            self._without_workers_since = None
        elif self._without_workers_since is None:
            self._without_workers_since = now
        elif now - self._without_workers_since > _NO_WORKERS_SECONDS:
            self._without_workers_since = float("inf")  # warn once only
            others = self._workers_of("")
            serving = "process serves" if others == 1 else "processes serve"
            self._observer.warned(
                f"no worker that is alive has this master's secret ({others} {serving} other queues than "
                f"{self._queue}): set the same WORD_COUNTER_SECRET for both"
                if others
                else "no worker is alive; start some: word-counter worker --redis URL"
            )


def _input_bytes(snapshot: Snapshot) -> int:
    """Return how many bytes the input has: an estimate until all of it is mapped, then what was mapped."""
    mapped = snapshot.totals.get("bytes", 0)
    all_mapped = snapshot.split_done and snapshot.mapped == snapshot.planned
    return mapped if all_mapped or snapshot.phase else max(mapped, snapshot.input_bytes)
