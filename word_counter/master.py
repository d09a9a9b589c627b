"""Master: sees a job through: makes it or takes it over, follows its course, merges, and ends it.

It holds nothing that matters: the job is in the store, so that any other master can go on with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from word_counter import config
from word_counter.charge import Charge, LostChargeError
from word_counter.chunk_queue import ChunkQueue, queue_name
from word_counter.code import digest_of_code
from word_counter.connection import translated_errors
from word_counter.course import Course, Vitals
from word_counter.dispatch import Dispatch
from word_counter.door.input_roots import roots_of
from word_counter.entry import Entry
from word_counter.errors import (
    JobCancelledError,
    JobFailedError,
    JobGoneError,
    OutputError,
    StoreUnavailableError,
    UsageError,
    WordCounterError,
)
from word_counter.job import Inputs, Job, JobState, Source
from word_counter.observer import Observer, Outcome, Progress
from word_counter.patience import Patience
from word_counter.plan import Plan
from word_counter.reference import refer_to
from word_counter.roster import Roster
from word_counter.session import Session
from word_counter.sinks import check_writable, quarantine_path, write_quarantine, write_results
from word_counter.snapshot import Snapshot
from word_counter.sources import check_sources, find_sources
from word_counter.stages import Summary, merge, summarised
from word_counter.store import Store
from word_counter.word_count import WordCount

#: How often workers and memory are looked at, in seconds.
_LOOK_SECONDS = 1.0
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
        if (given.resume or given.standby) and not (given.job_id and given.redis):
            message = "--resume and --standby are about one job in one Redis: give --job-id and --redis too"
            raise UsageError(message)
        self.settings = given
        self.inputs = inputs if inputs is not None else self.job.inputs
        self.job_id = given.job_id or f"{self.job.name.lower()}-{time.strftime('%Y%m%d-%H%M%S')}-{token_hex(2)}"
        self._observer = observer or Observer()
        self._own_workers = given.worker_count if given.workers >= 0 or not given.redis else 0
        self._began = time.monotonic()
        self._lonely_since: float | None = None
        self._looked = 0.0

    def run(self) -> Outcome:
        """Run the job to its end and return what it came to.

        Raises:
            UsageError: the request cannot be carried out; nothing was started or written.
            JobFailedError: the job failed or was cancelled; says where and why.
            StoreUnavailableError: Redis cannot be reached.
            KeyboardInterrupt: interrupted; on a private server the job is cancelled, else it can be resumed.
        """
        self._began = time.monotonic()
        check_writable(self.settings.output)
        sources = find_sources(self.inputs)
        code = refer_to(self.job)
        digest = digest_of_code(self.job)
        plan = Plan.make(self.settings, self.job_id, self.job.name, code, digest, sources)
        return self._in_session(lambda entry: entry.make_or_take(plan, sources), (plan, sources))

    @classmethod
    def resume(cls, job_id: str, *, observer: Observer | None = None, **settings: Any) -> Outcome:
        """Go on with a job whose master is gone, from what it has committed; return what it came to.

        Raises:
            JobNotFoundError: there is no such job.
            UsageError: it has ended, another master is in charge, or its plan was not signed with our secret.
            InputChangedError: an input is not as it was when the job was made.
        """
        master = cls((), observer=observer, **{**settings, "job_id": job_id, "resume": True})
        return master._in_session(Entry.take, adopting=master.settings.workers < 0)

    def _in_session(
        self,
        enter: Callable[[Entry], tuple[Plan, list[Source]]],
        own: tuple[Plan, list[Source]] | None = None,
        *,
        adopting: bool = False,
    ) -> Outcome:
        """Run with server and workers.

        Args:
            enter: makes the job or takes it over; returns its plan and sources.
            own: the plan and sources that this command asks for, where it names them.
            adopting: start workers only when nobody else's are there.
        """
        with (
            Session(self.settings, self._observer, alone=self._own_workers > 0) as session,
            translated_errors(self.settings.redis),
        ):
            self._session = session
            if early := own if session.private else None:
                self._start_crew(*early)  # on a private server the job is ours for sure: both start up together
            # Only now: a server that is away at the very start is an error at once.
            self._patience = Patience(self.settings.redis_patience, self._observer.warned)
            self._store = Store(session.connection, self.job_id, self._patience)
            self._charge = Charge(self._store, self.settings.lease_seconds)
            self._entry = Entry(self._store, self._charge, session.secret, self.settings, self._observer)
            plan, sources = enter(self._entry)
            if adopting and not self._patience.call(lambda: self._workers_of(queue_name(session.secret))):
                self._own_workers = self.settings.worker_count
            if not early:
                self._start_crew(plan, sources)
            self._observer.started(self.job_id, session.hint)
            return self._be_in_charge(plan, sources)

    def _start_crew(self, plan: Plan, sources: list[Source]) -> None:
        """Start the run's own workers, which may load this job and read these inputs, and nothing else."""
        names = [self.inputs] if isinstance(self.inputs, str | os.PathLike) else self.inputs
        roots = roots_of([os.fspath(name) for name in names], [source.path for source in sources])
        self._session.start_crew(self._own_workers, plan.job_id, plan.code, roots)

    def _workers_of(self, queue: str) -> int:
        return Roster(self._session.connection).processes(queue)

    # -- being in charge ------------------------------------------------------------------------------

    def _be_in_charge(self, plan: Plan, sources: list[Source]) -> Outcome:
        self._plan, self._sources = plan, sources
        self._vitals = Vitals(self._own_workers)
        queue = ChunkQueue(self._session.connection, self._session.batch_secret, self._patience)
        self._queue_name = queue.name
        try:
            while True:
                dispatch = Dispatch(self._store, queue, self._charge, plan, sources)
                course = Course(self._store, dispatch, self._charge, plan, self.settings, self._vitals, self._observer)
                try:
                    return self._finish(course.follow(self._look_around))
                except JobGoneError:
                    self._start_again()
        except (StoreUnavailableError, LostChargeError, JobCancelledError):
            raise
        except OutputError as error:
            # All is reduced: once the results can be written, going on writes them.
            if self._session.private:
                self._end(JobState.FAILED, str(error))
                raise
            self._charge.release()
            message = f"{error}; job {self.job_id} is kept: word-counter resume {self.job_id}"
            raise OutputError(message) from error
        except WordCounterError as error:
            self._end(JobState.FAILED, str(error))
            raise
        except KeyboardInterrupt:
            if self._session.private:
                self._end(JobState.CANCELLED, "interrupted")
                message = f"job {self.job_id} is cancelled: its private server ends with it"
            else:
                self._charge.release()
                message = f"job {self.job_id} is kept in Redis; go on with it: word-counter resume {self.job_id}"
            raise KeyboardInterrupt(message) from None
        except BaseException as error:
            self._end(JobState.FAILED, f"the master failed: {type(error).__name__}: {error}")
            raise

    def _start_again(self) -> None:
        """Make the job anew after Redis lost it; a job that was purged stays away.

        Raises:
            JobCancelledError: the server is the same: the job was removed on purpose.
        """
        if not self._session.server_changed():
            message = f"job {self.job_id} was removed from Redis"
            raise JobCancelledError(message)
        self._observer.warned(f"Redis came back without job {self.job_id}; it starts again from its plan")
        check_sources(self._sources)
        if not self._entry.make(self._plan, self._sources):
            message = f"another master has made job {self.job_id} again"
            raise LostChargeError(message)

    def _end(self, state: JobState, reason: str) -> None:
        try:
            self._store.end(self._charge.epoch, state, reason, self._plan.partitions, self._plan.retention_seconds)
        except Exception as error:  # noqa: BLE001 (the error that ends the job matters more, and is raised)
            self._observer.warned(f"could not record the end of {self.job_id}: {error}")

    # -- telling and finishing ------------------------------------------------------------------------

    def _look_around(self, snapshot: Snapshot) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._vitals.workers = self._patience.call(lambda: self._workers_of(self._queue_name))
            self._vitals.note_memory(self._patience.call(self._session.memory_share))
            self._mind_the_lonely(now)
        self._observer.progressed(self._progress(snapshot))

    def _mind_the_lonely(self, now: float) -> None:
        code = self._session.crew_ended
        if code is not None:
            message = f"the workers of this run ended with exit code {code}; what they printed says why"
            raise JobFailedError(message)
        if self._vitals.workers or self._own_workers:
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
        elif now - self._lonely_since > _LONELY_SECONDS:
            self._lonely_since = float("inf")  # told once
            others = self._patience.call(lambda: self._workers_of(""))
            self._observer.warned(
                f"no worker that is alive has this master's secret ({others} processes serve other queues than "
                f"{self._queue_name}): set the same WORD_COUNTER_SECRET for both"
                if others
                else "no worker is alive; start some: word-counter worker --redis URL"
            )

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
            workers=self._vitals.workers,
            retries=snapshot.retries,
        )

    def _finish(self, snapshot: Snapshot) -> Outcome:
        output = self._plan.output
        bad = snapshot.totals.get("bad_records", 0) + snapshot.totals.get("skipped_chunks", 0)
        write_quarantine(self._charge.holding(self._store.quarantine()) if bad else None, output)
        summary = Summary()
        pairs = merge([self._store.results(partition) for partition in range(self._plan.partitions)])
        merged = self._charge.holding(summarised(pairs, summary))
        write_results(merged, output, confirm=lambda: self._charge.hold(now=True))
        counters = self._store.counters()
        state = self._store.end(
            self._charge.epoch, JobState.DONE, "", self._plan.partitions, self._plan.retention_seconds
        )
        if state is None:
            raise JobGoneError(self.job_id)
        if state is not JobState.DONE:
            message = f"job {self.job_id} could not be ended: it is {state}"
            raise JobFailedError(message)
        progress = self._progress(snapshot)
        return Outcome(
            job_id=self.job_id,
            output=output,
            files=progress.files,
            bytes=progress.bytes,
            lines=progress.lines,
            chunks=progress.chunks,
            keys=summary.keys,
            seconds=progress.seconds,
            retries=progress.retries,
            skipped_chunks=snapshot.totals.get("skipped_chunks", 0),
            bad_records=snapshot.totals.get("bad_records", 0),
            quarantine=quarantine_path(output) if bad else "",
            counters=counters,
            largest=summary.largest,
        )
