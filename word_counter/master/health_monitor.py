"""The lookout: what the master watches besides the job, its workers and Redis' memory, and what it tells of it all."""

from __future__ import annotations

import time
from collections.abc import Sequence

from word_counter.errors import JobFailedError
from word_counter.job.model import Source
from word_counter.job.snapshot import Snapshot
from word_counter.local_cluster.session import Session
from word_counter.master.reconcile_loop import Vitals
from word_counter.observer import Observer, Progress
from word_counter.settings.plurals import count, plural
from word_counter.store.retry import RedisRetry
from word_counter.store.worker_registry import WorkerRegistry

#: How often workers and memory are looked at, in seconds.
_LOOK_SECONDS = 1.0
#: How long a job may have no worker before the user is told, in seconds.
_LONELY_SECONDS = 5.0


class HealthMonitor:
    """Keeps the vitals of a run, and tells its observer how far it is.

    ``began`` is on the monotonic clock; None: the job was another master's before, and began when that one made it.
    """

    def __init__(
        self,
        session: Session,
        patience: RedisRetry,
        vitals: Vitals,
        observer: Observer,
        sources: Sequence[Source],
        queue: str,
        began: float | None,
    ) -> None:
        self._session = session
        self._patience = patience
        self._vitals = vitals
        self._observer = observer
        self._sources = sources
        self._queue = queue
        self._began = began
        self._own_workers = vitals.workers
        self._lonely_since: float | None = None
        self._looked = 0.0

    def look_around(self, snapshot: Snapshot) -> None:
        """Look at workers and memory when it is time to, and tell how far the job is.

        Raises:
            JobFailedError: the workers of this run have ended.
        """
        now = time.monotonic()
        if self._began is None:
            self._began = now - (snapshot.now - snapshot.created) / 1000
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._vitals.workers = self._workers_of(self._queue)
            self._vitals.note_memory(*self._patience.call(self._session.memory))
            self._mind_the_lonely(now)
        self._observer.progressed(self.progress(snapshot))

    def progress(self, snapshot: Snapshot) -> Progress:
        """Return how far the job is."""
        totals = snapshot.totals
        return Progress(
            state=snapshot.state,
            seconds=0.0 if self._began is None else time.monotonic() - self._began,
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
        return self._patience.call(lambda: WorkerRegistry(self._session.connection).processes(queue))

    def _mind_the_lonely(self, now: float) -> None:
        code = self._session.workers_ended
        if code is not None:
            message = f"the workers of this run ended with exit code {code}; what they printed says why"
            raise JobFailedError(message)
        if self._vitals.workers or self._own_workers:
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
        elif now - self._lonely_since > _LONELY_SECONDS:
            self._lonely_since = float("inf")  # told once
            others = self._workers_of("")
            serving = f"{count(others, 'process', 'processes')} {plural(others, 'serves', 'serve')}"
            self._observer.warned(
                f"no worker that is alive has this master's secret ({serving} other queues than "
                f"{self._queue}): set the same WORD_COUNTER_SECRET for both"
                if others
                else "no worker is alive; start some: word-counter worker --redis URL"
            )


def _input_bytes(snapshot: Snapshot) -> int:
    """Return how many bytes the input has: what was mapped of it, once that is all."""
    mapped = snapshot.totals.get("bytes", 0)
    all_mapped = snapshot.split_done and snapshot.mapped == snapshot.planned
    return mapped if all_mapped or snapshot.phase else max(mapped, snapshot.input_bytes)
