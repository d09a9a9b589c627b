"""Health monitor: watches the workers and the memory of Redis, and reports progress."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Mapping, Sequence

from word_counter.errors import JobFailedError
from word_counter.job.model import Source, Stage, parse_task
from word_counter.job.snapshot import Refusal, Snapshot
from word_counter.local_cluster.session import Session
from word_counter.master.scheduler import FULL_MEMORY, leaving
from word_counter.observer import Observer, Progress
from word_counter.settings.plurals import count, plural
from word_counter.store.decoding import whole
from word_counter.store.retry import RedisRetry
from word_counter.store.worker_registry import WorkerRegistry

#: How often workers and memory are checked, in seconds.
_CHECK_SECONDS = 1.0
#: How long a job may be without workers before the user is warned, in seconds.
_NO_WORKERS_SECONDS = 5.0
#: How long all live workers may leave a job to others before it fails, in seconds: at its start, and later.
_REFUSED_SECONDS = 5.0
_REFUSED_LATER_SECONDS = 15.0
#: The median time of a task is that of the last so many.
_SAMPLES = 500
#: How many bytes of input may be in Redis at a time, in chunks that carry their bytes: the base limit, the limit for
#: each worker when that is more, and the most as a share of the memory that Redis may use.
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
        self.live: dict[str, int] = {}  #: the live workers of the queue, with when each started (ms, by Redis' clock)
        self._refused_since: float | None = None
        self._committed = 0
        self._committed_at = time.monotonic()
        self._seconds: dict[Stage, deque[float]] = {stage: deque(maxlen=_SAMPLES) for stage in Stage}

    def note_memory(self, used: int, limit: int) -> None:
        """Take note of how much memory Redis uses and may use, in bytes. A limit of 0 is none."""
        self.memory_limit, self.memory_used = limit, used
        self.memory = share = used / limit if limit else 0.0
        if share < FULL_MEMORY:
            self.full_since = None
        elif self.full_since is None:
            self.full_since = time.monotonic()

    def note_workers(self, serving: Mapping[str, Mapping[str, str]]) -> None:
        """Take note of the live workers, by name, with the facts of their last heartbeat."""
        self.workers = sum(whole(facts, "processes") for facts in serving.values())
        self.live = {name: whole(facts, "since") for name, facts in serving.items()}

    def note_refusals(self, *, by_all: bool) -> None:
        """Take note of whether all live workers leave the job to others."""
        if not by_all:
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = time.monotonic()

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
        """How many bytes of input may be in Redis at a time, in chunks that carry their bytes."""
        limit = max(_HELD_BYTES, _HELD_A_WORKER * self.workers)
        return min(limit, int(_HELD_SHARE * self.memory_limit)) if self.memory_limit else limit

    @property
    def full_for(self) -> float:
        """For how long the memory has been full and nothing was committed, in seconds."""
        if self.full_since is None:
            return 0.0
        return time.monotonic() - max(self.full_since, self._committed_at)

    @property
    def refused_for(self) -> float:
        """For how long all live workers have left the job to others, in seconds."""
        return 0.0 if self._refused_since is None else time.monotonic() - self._refused_since

    @property
    def refused_patience(self) -> float:
        """For how long they may, in seconds. Workers start one after the other, and one may be restarting."""
        return _REFUSED_LATER_SECONDS if self._committed else _REFUSED_SECONDS


class HealthMonitor:
    """Keeps the :class:`Vitals` of a run up to date, and reports progress to its observer.

    ``began`` is the start of the run on the monotonic clock. None: another master made the job, which began then.
    """

    def __init__(
        self,
        session: Session,
        retry: RedisRetry,
        vitals: Vitals,
        observer: Observer,
        sources: Sequence[Source],
        queue: str,
        began: float | None,
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
        self._warned_of: set[Refusal] = set()

    def check(self, snapshot: Snapshot) -> None:
        """Check workers and memory when it is time to, and report progress.

        Raises:
            JobFailedError: the workers of this run have ended.
        """
        now = time.monotonic()
        if self._began is None:
            self._began = now - (snapshot.now - snapshot.created) / 1000
        if now - self._checked >= _CHECK_SECONDS:
            self._checked = now
            self._vitals.note_workers(self._serving())
            self._check_refusals(snapshot)
            self._vitals.note_memory(*self._retry.call(self._session.memory))
            self._warn_without_workers(now)
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
        return self._retry.call(lambda: WorkerRegistry(self._session.connection).processes(queue))

    def _serving(self) -> dict[str, dict[str, str]]:
        return self._retry.call(lambda: WorkerRegistry(self._session.connection).serving(self._queue))

    def _check_refusals(self, snapshot: Snapshot) -> None:
        """Warn once of each worker that leaves the job to others. If all of them do, the job fails soon."""
        live = self._vitals.live
        refusals = leaving(snapshot, live)
        by_all = bool(live) and len(refusals) == len(live)
        self._vitals.note_refusals(by_all=by_all)
        for refusal in [] if by_all else refusals:
            if refusal not in self._warned_of:
                self._warned_of.add(refusal)
                self._observer.warned(f"worker {refusal.worker} leaves the job to others: {refusal.reason}")

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
            serving = f"{count(others, 'process', 'processes')} {plural(others, 'serves', 'serve')}"
            self._observer.warned(
                f"no worker that is alive has this master's secret ({serving} other queues than "
                f"{self._queue}): set the same WORD_COUNTER_SECRET for both"
                if others
                else "no worker is alive; start some: word-counter worker --redis URL"
            )


def _input_bytes(snapshot: Snapshot) -> int:
    """Return how many bytes the input has: an estimate until all of it is mapped, then what was mapped."""
    mapped = snapshot.totals.get("bytes", 0)
    all_mapped = snapshot.split_done and snapshot.mapped == snapshot.planned
    return mapped if all_mapped or snapshot.phase else max(mapped, snapshot.input_bytes)
