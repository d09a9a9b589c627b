"""Master: runs one job from start to end. It makes the job or takes it over, runs its reconcile loop, and ends it.

A master keeps no state that matters. All of the job is in the store, so that any other master can go on with it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from word_counter.errors import (
    JobCancelledError,
    JobFailedError,
    JobGoneError,
    OutputError,
    ShuffleUnseenError,
    StoreUnavailableError,
    UsageError,
    WordCounterError,
)
from word_counter.inputs.chunker import check_headers, travels
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.path_filter import PathFilter
from word_counter.inputs.sources import check_sources, find_sources
from word_counter.job.job import Job
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import Inputs, JobState, Source
from word_counter.job.side_file import SideFile
from word_counter.job.snapshot import Snapshot
from word_counter.jobs.word_count import WordCount
from word_counter.loading.code_fingerprint import digest_of_code
from word_counter.loading.job_hints import hints
from word_counter.loading.job_import import refuse_while_importing
from word_counter.loading.job_reference import made, refer_to
from word_counter.local_cluster.session import Session
from word_counter.master.dispatcher import Dispatcher
from word_counter.master.health_monitor import HealthMonitor, Vitals
from word_counter.master.leader_lease import LeaderLease, LostLeaseError
from word_counter.master.make_spec import make_spec
from word_counter.master.output_commit import OutputCommitter
from word_counter.master.reconcile_loop import ReconcileLoop
from word_counter.master.shuffle_folder import ShuffleFolder
from word_counter.master.submit_or_resume import SubmitOrResume
from word_counter.observer import GuardedObserver, Observer, Outcome
from word_counter.outputs.sink import Sink
from word_counter.queue.batch_queue import BatchQueue, queue_name
from word_counter.security.input_roots import roots_of
from word_counter.settings import config
from word_counter.settings.value_readers import made_up_id
from word_counter.shuffle.job_files import shuffle_roots_of
from word_counter.shuffle.run_locations import check_location
from word_counter.store.connection import translated_errors
from word_counter.store.job_store import JobStore
from word_counter.store.retry import RedisRetry
from word_counter.store.worker_registry import WorkerRegistry


class Master:
    """Runs one job over Redis: splits, enqueues, watches, merges.

    Args:
        inputs: files, directories and globs; by default the job's own.
        job: a Job class or instance; by default the word count.
        observer: is told what happens.
        settings: any of :class:`word_counter.config.Settings`, by name. Unless ``workers`` is given,
            workers are started only when no Redis is given either, as no others could reach a private one.
    """

    def __init__(
        self,
        inputs: Inputs | None = None,
        job: type[Job] | Job = WordCount,
        *,
        observer: Observer | None = None,
        **settings: Any,
    ) -> None:
        self.job = made(job)
        given = config.load(settings, self.job.settings)
        if not given.redis and given.workers == 0:
            message = "with no workers and no Redis nobody would do the work: give --redis URL or set REDIS_URL"
            raise UsageError(message)
        if (given.resume or given.standby) and not (given.job_id and given.redis):
            message = "--resume and --standby are about one job in one Redis: give --job-id and --redis too"
            raise UsageError(message)
        self.settings = given
        self.inputs = inputs if inputs is not None else self.job.inputs
        self.job_id = given.job_id or made_up_id(self.job.name)
        self._observer = GuardedObserver.of(observer)
        self._files: dict[str, SideFile] = {}
        self._own_workers = given.worker_count if given.workers >= 0 or not given.redis else 0
        self._began = time.monotonic()

    def run(self) -> Outcome:
        """Run the job to its end and return its outcome.

        Raises:
            UsageError: the request cannot be carried out; nothing was started or written.
            JobFailedError: the job failed or was cancelled; says where and why.
            StoreUnavailableError: Redis cannot be reached.
            KeyboardInterrupt: interrupted; on a private server the job is cancelled, else it can be resumed.
        """
        refuse_while_importing()
        config.chosen_kernel()  # raises before anything is started when the kernel asked for cannot be used
        self._began = time.monotonic()
        sink = Sink.of(self.settings, self.job.form)
        sink.check(self.job_id)
        sources = find_sources(
            self.inputs,
            sink.files(self.job_id),
            self._observer.warned,
            verbose=self.settings.verbose,
            path_filter=PathFilter(self.settings.include, self.settings.exclude),
            encoding=self.settings.encoding or self.job.encoding,
        )
        for hint in hints(self.job):
            self._observer.warned(hint)
        code = refer_to(self.job)
        digest = digest_of_code(self.job)
        self._files = self.job.side_files()
        spec = make_spec(self.settings, self.job_id, self.job, code, digest, sources, self._files)
        check_headers(sources, InputFormat.parse(spec.input_format))
        check_location(spec.shuffle)
        return self._in_session(lambda claim: claim.make_or_take(spec, sources), (spec, sources))

    @classmethod
    def resume(cls, job_id: str, *, observer: Observer | None = None, **settings: Any) -> Outcome:
        """Go on with a job whose master is gone, from what is committed, and return its outcome.

        Raises:
            JobNotFoundError: there is no such job.
            UsageError: it has ended, another master is in charge, or its spec was not signed with our secret.
            InputChangedError: an input is not as it was when the job was made.
        """
        refuse_while_importing()
        master = cls((), observer=observer, **{**settings, "job_id": job_id, "resume": True})
        return master._in_session(SubmitOrResume.take, only_if_alone=master.settings.workers < 0)

    def _in_session(
        self,
        claim: Callable[[SubmitOrResume], tuple[JobSpec, list[Source]]],
        own: tuple[JobSpec, list[Source]] | None = None,
        *,
        only_if_alone: bool = False,
    ) -> Outcome:
        """Run the job with a server and workers.

        Args:
            claim: makes the job or takes it over; returns its spec and sources.
            own: the spec and sources that this command asks for, where it names them.
            only_if_alone: start workers only when no others serve this Redis.
        """
        outcome: Outcome | None = None
        try:
            with (
                Session(self.settings, self._observer, alone=self._own_workers > 0) as self._session,
                translated_errors(self.settings.redis),
            ):
                outcome = self._claim_and_run(claim, own, only_if_alone=only_if_alone)
                return outcome  # noqa: RET504 (the clause below reads it)
        except KeyboardInterrupt as interrupt:
            if outcome is None or interrupt.args:
                raise
            message = f"job {self.job_id} is done, and its results are written"
            raise KeyboardInterrupt(message) from None

    def _claim_and_run(
        self,
        claim: Callable[[SubmitOrResume], tuple[JobSpec, list[Source]]],
        own: tuple[JobSpec, list[Source]] | None,
        *,
        only_if_alone: bool,
    ) -> Outcome:
        """Make the job or take it over, start workers, and run it to its end."""
        session = self._session
        if early := own if session.private else None:
            self._start_workers(*early)  # on a private server the job is ours for sure: workers start meanwhile
        # Retries begin only now: a server that cannot be reached at the very start is an error at once.
        self._retry = RedisRetry(self.settings.redis_patience, self._observer.warned)
        self._store = JobStore(session.connection, self.job_id, self._retry)
        self._leader_lease = LeaderLease(self._store, self.settings.lease_seconds)
        self._submit_or_resume = SubmitOrResume(
            self._store, self._leader_lease, session.secret, self.settings, self._observer, self._files
        )
        try:
            spec, sources = claim(self._submit_or_resume)
            if only_if_alone and not self._retry.call(lambda: self._workers_there(queue_name(session.secret))):
                self._own_workers = self.settings.worker_count
            if not early:
                self._start_workers(spec, sources)
            self._observer.started(self.job_id, session.hint)
            self._shuffle = ShuffleFolder(spec, self._store, self._observer.warned, private=session.private)
            with self._shuffle.cleaned_up():
                return self._lead(spec, sources)
        except ShuffleUnseenError:
            self._leader_lease.release()  # so that a master that sees the files can go on
            raise
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self._release()) from None

    def _release(self) -> str:
        """Release the leader lease after an interrupt; return what becomes of the job."""
        if self._session.private:
            return f"job {self.job_id} is cancelled: its private server ends with it"
        with contextlib.suppress(WordCounterError):  # if Redis is away just now, the lease runs out by itself
            if not self._leader_lease.epoch and not self._store.fields():
                return f"job {self.job_id} was not begun"
            self._leader_lease.release()
        return f"job {self.job_id} is kept in Redis; go on with it: word-counter resume {self.job_id}"

    def _start_workers(self, spec: JobSpec, sources: list[Source]) -> None:
        """Start the run's own workers, which may load this job and read these inputs, and nothing else."""
        names = [self.inputs] if isinstance(self.inputs, str | os.PathLike) else self.inputs
        read = [source.path for source in sources if not travels(source, inline=spec.inline)]
        roots = roots_of([os.fspath(name) for name in names], read)
        shuffle_roots = shuffle_roots_of(spec, private=self._session.private)
        self._session.start_workers(self._own_workers, spec.job_id, spec.code, roots, shuffle_roots)

    def _workers_there(self, queue: str) -> int:
        return WorkerRegistry(self._session.connection).processes(queue)

    # -- with the leader lease ------------------------------------------------------------------------

    def _lead(self, spec: JobSpec, sources: list[Source]) -> Outcome:
        self._spec, self._sources = spec, sources
        vitals = Vitals(self._own_workers)
        queue = BatchQueue(self._session.connection, self._session.batch_secret, self._retry)
        began = self._began if self._submit_or_resume.made else None
        health_monitor = HealthMonitor(self._session, self._retry, vitals, self._observer, sources, queue.name, began)
        version = partial(self._retry.call, self._session.server_version)

        def watch(snapshot: Snapshot) -> None:
            health_monitor.check(snapshot)
            self._shuffle.use_files_if_memory_is_short(vitals.memory_used)

        try:
            self._shuffle.open()
            while True:
                committer = OutputCommitter(
                    self._store, self._leader_lease, spec, sources, version, lambda: self._shuffle.files
                )
                dispatcher = Dispatcher(
                    self._store,
                    queue,
                    self._leader_lease,
                    spec,
                    sources,
                    lambda: self._shuffle.folder,
                    self._observer.warned,
                )
                reconcile_loop = ReconcileLoop(
                    self._store, dispatcher, self._leader_lease, spec, self.settings, vitals, self._observer
                )
                try:
                    return committer.write(reconcile_loop.run(watch), health_monitor.progress)
                except JobGoneError as error:
                    self._recover(error)
                finally:
                    dispatcher.close()
        except (StoreUnavailableError, LostLeaseError, JobCancelledError, ShuffleUnseenError, KeyboardInterrupt):
            raise
        except OutputError as error:
            # All is reduced: resuming the job writes the results once that is possible.
            if self._session.private:
                self._end(JobState.FAILED, str(error))
                raise
            self._leader_lease.release()
            message = f"{error}; job {self.job_id} is kept: word-counter resume {self.job_id}"
            raise OutputError(message) from error
        except WordCounterError as error:
            self._end(JobState.FAILED, str(error))
            raise
        except BaseException as error:
            self._end(JobState.FAILED, f"the master failed: {type(error).__name__}: {error}")
            raise

    def _recover(self, lost: JobGoneError) -> None:
        """Go on after Redis lost its last commits, or lost the job, which is then made again.

        Raises:
            JobCancelledError: the server is the same one: somebody purged the job.
            JobFailedError: the part that is lost would not be made again.
        """
        if (snapshot := self._store.snapshot()) is not None:
            ours = snapshot.state is JobState.REDUCING and snapshot.epoch == self._leader_lease.epoch
            if ours and snapshot.reduced == snapshot.partitions:
                message = f"Redis lost a part of the results of job {self.job_id}: {lost}; run it again"
                raise JobFailedError(message) from lost
            self._observer.warned(f"{lost}; going on with job {self.job_id} from what is there")
            return
        if not self._session.server_changed():
            message = f"job {self.job_id} was removed from Redis"
            raise JobCancelledError(message)
        self._observer.warned(f"Redis came back without job {self.job_id}; it starts again from its spec")
        check_sources(self._sources)
        if not self._submit_or_resume.make(self._spec, self._sources):
            message = f"another master has made job {self.job_id} again"
            raise LostLeaseError(message)
        self._shuffle.open()

    def _end(self, state: JobState, reason: str) -> None:
        try:
            self._store.end(
                self._leader_lease.epoch, state, reason, self._spec.all_partitions, self._spec.retention_seconds
            )
        except Exception as error:  # noqa: BLE001 (the error that ends the job matters more, and is raised next)
            self._observer.warned(f"could not record the end of {self.job_id}: {error}")
