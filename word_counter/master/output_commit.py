"""Output commit: once all partitions are reduced, merges them, writes the results and ends the job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from word_counter.compute.merge import Summary, parts_of, summarised
from word_counter.errors import JobCancelledError, JobFailedError, JobGoneError
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import JobState, Source, Stage
from word_counter.job.snapshot import Snapshot
from word_counter.master.leader_lease import LeaderLease
from word_counter.observer import Outcome, Progress
from word_counter.outputs.quarantine import quarantine_path
from word_counter.outputs.receipt_file import receipt_path
from word_counter.outputs.sink import Sink
from word_counter.receipts.accounting import Accounting
from word_counter.receipts.receipt import Run, check_accounting, receipt_of
from word_counter.shuffle.run_files import RunFiles
from word_counter.store.job_store import JobStore

#: How many tasks' receipts are read at a time.
_AT_ONCE = 500


class OutputCommitter:
    """Writes the results of a job, for the master that holds its leader lease."""

    def __init__(
        self,
        store: JobStore,
        leader_lease: LeaderLease,
        spec: JobSpec,
        sources: Sequence[Source],
        version: Callable[[], str],
        files: Callable[[], RunFiles | None] = lambda: None,
    ) -> None:
        """Make it.

        Args:
            store: the store of the job.
            leader_lease: the master's lease.
            spec: the job's spec.
            sources: the job's sources.
            version: returns the name and version of the Redis server.
            files: returns the job's run files, when it shuffles through files.
        """
        self._store = store
        self._files = files
        self._leader_lease = leader_lease
        self._spec = spec
        self._sources = sources
        self._version = version

    def write(self, snapshot: Snapshot, progress_at: Callable[[Snapshot], Progress]) -> Outcome:
        """Write the results of a job, end it as done, and return its outcome. ``snapshot`` is its last one.

        Raises:
            OutputError: the results cannot be written; the output that was there before is untouched.
            JobGoneError: the job, or a part of its results, is not in Redis (any more).
            JobCancelledError: it was cancelled meanwhile.
            JobFailedError: somebody else ended it, another master has its lease, or the receipts of its tasks do not
                add up.
        """
        spec = self._spec
        accounting = self._accounting(snapshot)
        check_accounting(accounting, spec.job_id)
        began = time.monotonic()
        bad = snapshot.totals.get("bad_records", 0) + snapshot.totals.get("skipped_chunks", 0)
        aside = self._leader_lease.renewing(self._store.quarantine(bad)) if bad else None
        summary = Summary.of(spec.top)
        last = spec.partitions_of(spec.phases - 1)
        counts = self._store.segments(last)
        results = [self._results(n, segments) for n, segments in zip(last, counts, strict=True)]
        parts = [self._leader_lease.renewing(summarised(part, summary)) for part in parts_of(results, spec.form)]
        counters = self._store.counters()

        def run() -> Run:
            return Run(
                engine="redis",
                seconds=progress_at(snapshot).seconds,
                keys=summary.keys,
                counters=counters,
                failed=self._store.failed_attempts(),
                retries=snapshot.retries,
                write_seconds=time.monotonic() - began,
                redis=self._version(),
            )

        receipt = receipt_of(spec, accounting, run)
        keep_alive = self._leader_lease.renewing
        Sink.of_spec(spec).write(
            parts, spec.job_id, aside=aside, confirm=self._confirm, keep_alive=keep_alive, receipt=receipt
        )
        state = self._store.end(
            self._leader_lease.epoch, JobState.DONE, "", spec.all_partitions, spec.retention_seconds
        )
        if state is None:
            raise JobGoneError(spec.job_id)
        if state is not JobState.DONE:
            message = f"job {spec.job_id} is {state}, since just after its results were written to {spec.output}"
            raise JobFailedError(message)
        progress = progress_at(snapshot)
        return Outcome(
            job_id=spec.job_id,
            output=spec.output,
            output_format=spec.form,
            files=progress.files,
            bytes=progress.bytes,
            lines=progress.lines,
            chunks=snapshot.planned,
            keys=summary.keys,
            seconds=progress.seconds,
            retries=progress.retries,
            repeated=accounting.repeated(),
            reused_chunks=snapshot.totals.get("reused", 0),
            skipped_chunks=snapshot.totals.get("skipped_chunks", 0),
            bad_records=snapshot.totals.get("bad_records", 0),
            quarantine=quarantine_path(spec.output, spec.job_id) if bad else "",
            receipt=receipt_path(spec.output, spec.job_id),
            counters=counters,
            largest=summary.largest,
        )

    def _accounting(self, snapshot: Snapshot) -> Accounting:
        """Return the accounting of all tasks, whose receipts are read some at a time."""
        spec, store = self._spec, self._store
        accounting = Accounting(self._sources, spec.phases)
        first_chunks = [*snapshot.first_chunks, snapshot.planned]
        for phase, (first, end) in enumerate(pairwise(first_chunks)):
            for start in self._leader_lease.renewing(range(first, end, _AT_ONCE)):
                ids = range(start, min(end, start + _AT_ONCE))
                if phase:
                    for done in store.done(Stage.MAP, ids):
                        accounting.mapped(phase, done)
                else:
                    for chunk, done in zip(store.chunks(ids), store.done(Stage.MAP, ids), strict=True):
                        accounting.chunk(chunk, done)
            for done in store.done(Stage.REDUCE, spec.partitions_of(phase)):
                accounting.reduced(phase, done)
        return accounting

    def _results(self, partition: int, segments: int) -> Iterable[bytes]:
        found = self._store.results(partition, segments)
        files = self._files()
        return found if files is None else map(files.content, found)

    def _confirm(self) -> None:
        """Check right before the results are shown that they are complete, and that this master has the lease."""
        problem = self._store.confirm(self._leader_lease.epoch, self._leader_lease.seconds)
        if not problem:
            return
        self._leader_lease.renew(now=True)  # raises when the job is gone, or another master holds the lease
        state = self._store.fields().get("state", "")
        if state == JobState.CANCELLED.value:
            message = f"job {self._spec.job_id} was cancelled"
            raise JobCancelledError(message)
        message = f"the results of job {self._spec.job_id} are not written: {problem}"
        raise JobGoneError(message)
