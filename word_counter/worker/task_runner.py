"""Task runner: a worker's child process. It takes batches from the queue and runs their tasks one by one.

For each task it (1) starts the attempt, (2) runs the stage, (3) commits. The store refuses the first and the last step
when the task does not belong to this batch any more. The child reports to its parent what it works on, so that the
parent can renew the lease while the child is busy, and give the batch back when the child dies.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection

from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import MapOutput, pairs_of, run_map
from word_counter.errors import (
    ForbiddenError,
    RefusedError,
    StoreUnavailableError,
    TooManyBadError,
    WordCounterError,
)
from word_counter.inputs.chunk_reader import ChunkReader, Fetched
from word_counter.inputs.input_format import InputFormat
from word_counter.job.model import Chunk, RunningTask, Stage, parse_task
from word_counter.job.pairs import Pairs
from word_counter.job.snapshot import CRASHED, RAISED, REFUSED, Refusal, TaskAttempt
from word_counter.job.step import Phase
from word_counter.queue.admission import queue_id
from word_counter.queue.payload import Payload
from word_counter.queue.rq_worker import BatchWorker
from word_counter.settings import config
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.partitioning import key_text
from word_counter.store.connection import Redis, RedisError, connect, translated_errors
from word_counter.store.lua_scripts import NO_RETRY
from word_counter.store.refusal_log import RefusalLog
from word_counter.store.retry import RedisRetry
from word_counter.store.task_store import BadRecords, Receipt, TaskStore
from word_counter.worker.incremental_cache import Bounds, IncrementalCache
from word_counter.worker.loaded_jobs import LoadedJobs
from word_counter.worker.permissions import Permissions
from word_counter.worker.shuffle_transport import ShuffleTransport, ShuffleTransports
from word_counter.worker.task_failure import failure_of

log = logging.getLogger(__name__)

#: Refusals of a start or a commit that end the whole batch: its other tasks are not ours any more either.
_NOT_OURS = frozenset({"REVOKED", "STALE", "ENDED"})
#: The log's names for what became of an attempt, where the store's word would mislead.
_ACTIONS = {"OK": "committed", "COMMITTED": "superseded"}
#: How many characters of a heavy key its receipt shows.
_SHOWN_CHARS = 100
#: The shortest time between two reports to the parent, in seconds. The parent times tasks (--task-timeout) by them.
_TELL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Report:
    """What a child tells its parent that it works on; ``record`` is the index of a record that is mapped by itself."""

    job: str
    batch: str
    lease_seconds: float
    task_timeout: float
    record: int | None = None


#: Gets a report, or None when the child is idle.
Tell = Callable[[Report | None], None]


class TaskRunner:
    """Runs the tasks of batches. There is one a process, and it keeps the jobs that it has loaded."""

    def __init__(
        self,
        connection: Redis,
        worker: str,
        tell: Tell,
        permissions: Permissions,
        retry: RedisRetry = NO_RETRY,
        owner: str = "",
    ) -> None:
        """Make it. ``worker`` names this process, ``owner`` the worker that it belongs to, as the registry lists it."""
        self.left: set[str] = set()  #: the jobs that it leaves to other workers, as it has no permission for them
        self._owner = owner or worker
        self._connection = connection
        self._worker = worker
        self._tell = tell
        self._permissions = permissions
        self._retry = retry
        self._refusals = RefusalLog(connection, worker)
        self._transports = ShuffleTransports(permissions.shuffles)
        self._loaded_jobs = LoadedJobs(permissions.jobs)
        self._cache: IncrementalCache | None = None

    def run(self, payload: Payload) -> str:
        """Run a batch; return what became of it in a word or two, for people who look at the queue."""
        store = TaskStore(self._connection, payload.job, self._retry)
        try:
            self._permissions.check(payload)
        except ForbiddenError as error:
            return self._leave(store, payload, str(error))
        except WordCounterError:
            pass  # it fails the attempt
        if self._loaded_jobs.is_stale(payload):
            # "unleased": a batch that was delivered twice, and that another process works on, is left alone.
            store.revoke(payload.batch, CRASHED, "given back: a fresh process must import the job's code", "unleased")
            os.kill(os.getpid(), signal.SIGTERM)  # ends this process cleanly; its parent starts another
            return "given back"
        try:
            records = InputFormat.parse(payload.input_format)
            roots = self._permissions.inputs
            reader = ChunkReader(payload.sources, roots, store.content, inline=payload.inline, records=records)
            with contextlib.closing(reader):
                return self._run_tasks(store, payload, reader)
        except BaseException as error:
            why = str(error) if isinstance(error, StoreUnavailableError) else "the worker had an error of its own"
            with contextlib.suppress(RedisError, WordCounterError):
                TaskStore(self._connection, payload.job).revoke(payload.batch, CRASHED, why)
            raise
        finally:
            self._tell(None)

    def _run_tasks(self, store: TaskStore, payload: Payload, reader: ChunkReader) -> str:
        report = Report(payload.job, payload.batch, payload.lease_seconds, payload.task_timeout)
        told = 0.0
        settled = 0  # tasks of this batch that are committed or failed by us
        for number, attempt in enumerate(payload.tasks):
            if time.monotonic() - told > _TELL_SECONDS:
                self._tell(report)
                told = time.monotonic()
            said = store.start(payload.batch, attempt, self._worker, payload.lease_seconds)
            if said == "OK":
                self._log("started", payload, attempt)
                last = settled == number == len(payload.tasks) - 1
                said = self._run_task(store, payload, number, reader, last=last)
                settled += 1
            self._log(_ACTIONS.get(said, said.lower()), payload, attempt)
            if said == "STALE":
                store.revoke(payload.batch, RAISED, "its attempts were started before", "unleased")
            if said in _NOT_OURS:
                return said.lower()
        if settled < len(payload.tasks):
            # Another attempt had committed some of the tasks: the store sorts out what is left of the batch.
            store.revoke(payload.batch, RAISED, "given back")
        return "done"

    def _log(self, action: str, payload: Payload, attempt: TaskAttempt) -> None:
        facts = {"job": payload.job, "task": attempt.task, "attempt": attempt.attempt, "worker": self._worker}
        log.debug("%s attempt %d: %s", attempt.task, attempt.attempt, action, extra={"action": action, **facts})

    def _run_task(self, store: TaskStore, payload: Payload, number: int, reader: ChunkReader, *, last: bool) -> str:
        attempt = payload.tasks[number]
        started, clock = store.began, time.perf_counter()
        counters: dict[str, int] = {}
        partials: Mapping[int, str] = {}
        heaviest: list[tuple[str, int]] = []
        bad = BadRecords()
        digest = ""
        try:
            phase = self._loaded_jobs.phase(store, payload)
            task = self._task(payload, attempt)
            shuffle_transport = self._transports.of(store, payload.shuffle)
            if payload.stage is Stage.MAP:
                chunk = payload.chunks[number]
                amounts: dict[str, int] = {}
                if payload.phase:
                    records = self._pairs(shuffle_transport, payload, chunk)
                    output = run_map(phase, records, payload.partitions, self._skip_bad(payload), task)
                else:
                    fetched = reader.fetch(chunk)
                    digest = fetched.digest
                    output, amounts = self._mapped(phase, payload, reader, fetched, task)
                first = payload.phase * payload.partitions
                partials = {first + number: text for number, text in output.partials.items()}
                partials = shuffle_transport.kept(phase, chunk.id, partials)
                counters = output.counters
                amounts |= {"pairs": output.pairs}
                bad = BadRecords(output.aside.entries(), output.aside.raised, payload.max_bad_records)
            else:
                _, partition = parse_task(attempt.task)
                skew = KeySkew()
                amounts = shuffle_transport.reduce(phase, partition, task, counters, skew)
                amounts |= {"reduced_keys": skew.keys, "reduced_values": skew.values}
                heaviest = [(key_text(group)[:_SHOWN_CHARS], values) for group, values in skew.heaviest]
        except (RedisError, StoreUnavailableError):
            raise
        except Exception as error:  # noqa: BLE001 (the task failed, not the worker: a partial is not JSON, say)
            if isinstance(error, ForbiddenError):  # after all: a link leads somewhere else now
                self._refusals.record(str(error), queue_id(payload.job, payload.batch), payload.job)
            return self._fail(store, payload, attempt, error, started, last=last)
        seconds = time.perf_counter() - clock
        receipt = Receipt(attempt.attempt, self._worker, started, seconds, amounts, heaviest, digest)
        said = store.commit(payload.batch, attempt, receipt, last=last, counters=counters, partials=partials, bad=bad)
        if said == "TOO MANY":
            example = json.loads(next(iter(bad.entries.values())))
            message = (
                f"more than {bad.limit} bad records in the job (--max-bad-records); one of the last: "
                f"{example['file']}, byte {example['offset']}, line {example['line']}\n{example['reason']}"
            )
            return self._fail(store, payload, attempt, TooManyBadError(message), started, last=last)
        return said

    def _mapped(
        self, phase: Phase, payload: Payload, reader: ChunkReader, fetched: Fetched, task: RunningTask
    ) -> tuple[MapOutput, dict[str, int]]:
        """Map a chunk of the input, or take its output from the cache; return that and the amounts for its receipt."""

        def run() -> MapOutput:
            return run_map(phase, reader.lines(fetched), payload.partitions, self._skip_bad(payload), task)

        reused = False
        # Not for a chunk that killed its process: it is mapped without some of its records.
        if payload.incremental and payload.code_digest and payload.suspicion is None:
            if self._cache is None or self._cache.job != payload.job_facts:
                self._cache = IncrementalCache(Bounds.of(config.load(only=config.OF_CACHE)), payload.job_facts)
            source = payload.sources[fetched.chunk.source]
            output, reused = self._cache.mapped(source, fetched, reader.header(fetched), run)
        else:
            output = run()
        told = {"reused": int(reused), "lines_set_aside": output.aside.lines}
        amounts = {"lines": output.lines, "bytes": fetched.chunk.length}
        return output, amounts | {name: n for name, n in told.items() if n}

    def _task(self, payload: Payload, attempt: TaskAttempt) -> RunningTask:
        stage, number = parse_task(attempt.task)
        if stage is Stage.REDUCE:
            number -= payload.phase * payload.partitions
        return RunningTask(payload.job, stage, payload.phase, number, attempt.attempt, self._permissions.own)

    def _pairs(self, shuffle_transport: ShuffleTransport, payload: Payload, chunk: Chunk) -> Pairs:
        """Return the pairs in a chunk of the previous phase's results."""
        source = f"the results of phase {payload.phase}, partition {chunk.source}"
        return pairs_of(shuffle_transport.segments(chunk.source, chunk.offset, chunk.length), source)

    def _skip_bad(self, payload: Payload) -> SkipBadRecords:
        suspicion = payload.suspicion
        if suspicion is None:
            return SkipBadRecords(payload.max_bad_records)
        report = Report(payload.job, payload.batch, payload.lease_seconds, payload.task_timeout)
        return SkipBadRecords(
            payload.max_bad_records,
            at_once=True,
            skip=dict(suspicion.skip),
            before=lambda index: self._tell(replace(report, record=index)),
        )

    def _fail(
        self,
        store: TaskStore,
        payload: Payload,
        attempt: TaskAttempt,
        error: Exception,
        started: int,
        *,
        last: bool,
    ) -> str:
        said = store.fail(payload.batch, failure_of(attempt, self._worker, error, started, store.now()), last=last)
        return "FAILED" if said == "OK" else said

    def _leave(self, store: TaskStore, payload: Payload, reason: str) -> str:
        """Leave a batch, and all that is still to come of its job, to workers that may do it; record that once."""
        # "unleased": as for a stale one. What another process works on may be its own.
        refusal = Refusal(self._owner, reason)
        if store.revoke(payload.batch, REFUSED, reason, "unleased", refusal=refusal) and payload.job not in self.left:
            self.left.add(payload.job)
            self._refusals.record(reason, queue_id(payload.job, payload.batch), payload.job)
        return "left to others"


def serve(
    url: str,
    name: str,
    rq_name: str,
    owner: str,
    pipe: Connection,
    permissions: Permissions,
    *,
    burst: bool,
    patience_seconds: float,
) -> None:
    """Run a child of the worker ``owner``: take batches until told to stop or, in burst mode, until there are none."""
    os.dup2(2, 1)  # what user code prints must not mix with results on standard output
    logging.getLogger("rq").setLevel(logging.CRITICAL)  # the parent reports how a child ended
    # Only the parent reports that Redis is away. Its children wait in silence.
    retry = RedisRetry(patience_seconds, lambda _: None)
    connection = retry.call(lambda: connect(url, checked=False))

    def tell(report: Report | None) -> None:
        pipe.send_bytes(json.dumps(None if report is None else asdict(report)).encode())

    runner = TaskRunner(connection, name, tell, permissions, retry, owner)
    try:
        with translated_errors():
            worker = BatchWorker(permissions.queue, rq_name, connection, permissions.secret, runner.run, runner.left)
            worker.work(burst=burst, logging_level="CRITICAL")
    except StoreUnavailableError as error:
        log.debug("worker process %s: %s", name, error, extra={"action": "ended", "worker": name})
        sys.exit(error.exit_code)


def run_batch(text: str, signature: str) -> str:  # noqa: ARG001 (what RQ jobs name and give it)
    """Refuse to run: RQ jobs name this function, but only a worker of RQ's own calls it. Ours run batches directly."""
    message = "batches are run by word-counter worker, which checks them, and not by a worker of RQ's own"
    raise RefusedError(message)
