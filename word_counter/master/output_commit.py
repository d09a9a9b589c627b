"""The finish of a job whose partitions are all reduced: merge them, write the results, end the job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from word_counter.compute.merge import Summary, parts_of, summarised
from word_counter.errors import JobCancelledError, JobFailedError, JobGoneError
from word_counter.files.drafts import Written
from word_counter.job.job_spec import Plan
from word_counter.job.model import JobState, Source, Stage
from word_counter.job.snapshot import Snapshot
from word_counter.master.leader_lease import Charge
from word_counter.observer import Outcome, Progress
from word_counter.outputs.quarantine import quarantine_path
from word_counter.outputs.receipt_file import receipt_path
from word_counter.outputs.sink import Sink
from word_counter.receipts.accounting import Account
from word_counter.receipts.receipt import Run, check_account, receipt_of
from word_counter.shuffle.run_files import RunFiles
from word_counter.store.job_store import Store

#: The receipts of so many tasks are read in one go.
_AT_ONCE = 500


class Finish:
    """Writes what a job came to, for the master that is in charge of it."""

    def __init__(
        self,
        store: Store,
        charge: Charge,
        plan: Plan,
        sources: Sequence[Source],
        version: Callable[[], str],
        files: Callable[[], RunFiles | None] = lambda: None,
    ) -> None:
        """Make it.

        Args:
            store: the job's.
            charge: the master's.
            plan: the job's.
            sources: the job's.
            version: says what server the store is in.
            files: returns those of the job, when it shuffles by files.
        """
        self._store = store
        self._files = files
        self._charge = charge
        self._plan = plan
        self._sources = sources
        self._version = version

    def write(self, snapshot: Snapshot, progress_at: Callable[[Snapshot], Progress]) -> Outcome:
        """Write the results of a job that has come to ``snapshot``, end it as done, and return what it came to.

        Raises:
            OutputError: the results cannot be written; what stood there before still does.
            JobGoneError: the job, or a part of what it came to, is not in Redis (any more).
            JobCancelledError: it was cancelled meanwhile.
            JobFailedError: it was ended by somebody else, or has another master; or what its tasks came to does not
                add up.
        """
        plan = self._plan
        account = self._account(snapshot)
        check_account(account, plan.job_id)
        began = time.monotonic()
        bad = snapshot.totals.get("bad_records", 0) + snapshot.totals.get("skipped_chunks", 0)
        aside = self._charge.holding(self._store.quarantine(bad)) if bad else None
        summary = Summary()
        last = plan.partitions_of(plan.phases - 1)
        counts = self._store.segments(last)
        results = [self._results(n, segments) for n, segments in zip(last, counts, strict=True)]
        parts = [self._charge.holding(summarised(part, summary)) for part in parts_of(results, plan.form)]
        counters = self._store.counters()

        def receipt(results: Sequence[Written], quarantine: Written | None) -> str:
            run = Run(
                engine="redis",
                seconds=progress_at(snapshot).seconds,
                keys=summary.keys,
                counters=counters,
                failed=self._store.failed_attempts(),
                retries=snapshot.retries,
                write_seconds=time.monotonic() - began,
                redis=self._version(),
            )
            return receipt_of(plan, account, run, results, quarantine)

        holding = self._charge.holding
        Sink.of_plan(plan).write(
            parts, plan.job_id, aside=aside, confirm=self._confirm, holding=holding, receipt=receipt
        )
        state = self._store.end(self._charge.epoch, JobState.DONE, "", plan.all_partitions, plan.retention_seconds)
        if state is None:
            raise JobGoneError(plan.job_id)
        if state is not JobState.DONE:
            message = f"job {plan.job_id} is {state}, since just after its results were written to {plan.output}"
            raise JobFailedError(message)
        progress = progress_at(snapshot)
        return Outcome(
            job_id=plan.job_id,
            output=plan.output,
            output_format=plan.form,
            files=progress.files,
            bytes=progress.bytes,
            lines=progress.lines,
            chunks=snapshot.planned,
            keys=summary.keys,
            seconds=progress.seconds,
            retries=progress.retries,
            repeated=account.repeated(),
            reused_chunks=snapshot.totals.get("reused", 0),
            skipped_chunks=snapshot.totals.get("skipped_chunks", 0),
            bad_records=snapshot.totals.get("bad_records", 0),
            quarantine=quarantine_path(plan.output, plan.job_id) if bad else "",
            receipt=receipt_path(plan.output, plan.job_id),
            counters=counters,
            largest=summary.largest,
        )

    def _account(self, snapshot: Snapshot) -> Account:
        """Return the account of all tasks, read some at a time."""
        plan, store = self._plan, self._store
        account = Account(self._sources, plan.phases)
        first_chunks = [*snapshot.first_chunks, snapshot.planned]
        for phase, (first, end) in enumerate(pairwise(first_chunks)):
            for start in self._charge.holding(range(first, end, _AT_ONCE)):
                ids = range(start, min(end, start + _AT_ONCE))
                if phase:
                    for done in store.done(Stage.MAP, ids):
                        account.mapped(phase, done)
                else:
                    for chunk, done in zip(store.chunks(ids), store.done(Stage.MAP, ids), strict=True):
                        account.chunk(chunk, done)
            for done in store.done(Stage.REDUCE, plan.partitions_of(phase)):
                account.reduced(phase, done)
        return account

    def _results(self, partition: int, segments: int) -> Iterable[bytes]:
        found = self._store.results(partition, segments)
        files = self._files()
        return found if files is None else map(files.content, found)

    def _confirm(self) -> None:
        """Return when all of the job is there to be seen, and it is ours to show."""
        amiss = self._store.confirm(self._charge.epoch, self._charge.seconds)
        if not amiss:
            return
        self._charge.hold(now=True)  # says so when the job is gone, or another master is in charge
        state = self._store.fields().get("state", "")
        if state == JobState.CANCELLED.value:
            message = f"job {self._plan.job_id} was cancelled"
            raise JobCancelledError(message)
        message = f"the results of job {self._plan.job_id} are not written: {amiss}"
        raise JobGoneError(message)
