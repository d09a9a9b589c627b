"""RQ worker: RQ's worker without the parts that act on what others may write to Redis.

RQ brings a batch from the queue and shows in ``rq info`` what is going on. Left out is what the store does better, and
what is unsafe: forking, timeouts, results, retries, dependents, callbacks, webhooks, the cleaning of registries,
commands by publish and subscribe, ``rq suspend``. An RQ job that :mod:`word_counter.queue.admission` refuses is removed
from the queue and recorded, and the worker goes on.
"""

from __future__ import annotations

import json
import logging
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, ClassVar

from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from rq.utils import now, utcformat
from rq.worker.base import WorkerStatus

from word_counter.errors import RefusedError, StoreUnavailableError
from word_counter.queue.admission import LONGEST_BYTES, TASK_FUNCTION, admit
from word_counter.queue.payload import Payload
from word_counter.queue.rq_bookkeeping import RqBookkeeping
from word_counter.settings.plurals import count
from word_counter.store.connection import Redis, RedisError, ResponseError
from word_counter.store.refusal_log import RefusalLog

log = logging.getLogger(__name__)

#: Runs a batch and returns in a word or two what became of it.
Run = Callable[[Payload], str]

#: Fields that no batch of ours has. RQ would import and call the callbacks, and send the outcome to the webhooks.
_FOREIGN_FIELDS = ("success_callback_name", "failure_callback_name", "stopped_callback_name", "webhooks")
#: How long RQ keeps a batch that was run, and one that was refused or left by a dead process, in seconds. People may
#: look at it; nothing depends on it.
_REMEMBERED_SECONDS = 60
_REFUSED_SECONDS = 24 * 3600
#: How often a worker that leaves some jobs to others looks for batches of other jobs, in seconds.
_LOOK_SECONDS = 0.25


class BatchJob(RqJob):
    """An RQ job as workers see it: an id and an admitted payload. Nothing else of it is ever read."""

    payload: Payload

    @classmethod
    def of(cls, payload: Payload, rq_job: str, queue: Queue) -> BatchJob:
        """Return the RQ job that brought a payload."""
        job = cls(rq_job, connection=queue.connection, serializer=JSONSerializer)
        job.payload = payload
        job.func_name, job.instance, job.args, job.kwargs = TASK_FUNCTION, None, (), {}
        job.origin = queue.name
        job.timeout = -1
        return job

    def restore(self, raw_data: Any) -> Any:  # noqa: ARG002 (RQ's signature)
        """Refuse: RQ would read into this object all that Redis holds of the RQ job."""
        message = "workers read RQ jobs through admission only"
        raise RefusedError(message)


class GuardedQueue(Queue):
    """A queue that hands out admitted batches only."""

    secret = ""
    refusals: RefusalLog
    left: ClassVar[set[str]] = set()  #: jobs whose batches stay in the queue, for other workers
    stop_requested = False
    waits = False  #: for a batch, with nothing in its hands: the one moment that a request to stop may break into

    @classmethod
    def dequeue_any(
        cls,
        queues: Iterable[Queue],
        timeout: int | None,
        *_: Any,
        **__: Any,
    ) -> tuple[RqJob, Queue] | None:
        """Return the next batch; None when there is none and ``timeout`` is None.

        Raises:
            DequeueTimeout: none came in ``timeout`` seconds, or what came was refused.
            StopRequested: the worker was told to stop.
        """
        (queue,) = queues
        while True:
            found = cls._awaited(queue, timeout)
            if found is None:
                return None
            job = cls._admitted(queue, found[1])
            if job is not None:
                return job, queue
            if timeout is not None:
                raise DequeueTimeout(timeout, queue.key)  # so that the worker sends a heartbeat, and comes again

    @classmethod
    def _next(cls, queue: Queue, timeout: int | None) -> tuple[str, bytes] | None:
        """Take the id of the next batch, except those of the jobs in ``left``; returns and raises like lmove."""
        deadline = time.monotonic() + (timeout or 0)
        while cls.left:
            raw_id = RqBookkeeping(queue.connection, queue.name).take_past(cls.left)
            if raw_id or timeout is None:
                return (queue.key, raw_id) if raw_id else None
            if time.monotonic() > deadline:
                raise DequeueTimeout(timeout, queue.key)
            time.sleep(_LOOK_SECONDS)
        found: tuple[str, bytes] | None = cls.lmove(queue.connection, queue.key, timeout)
        return found

    @classmethod
    def _awaited(cls, queue: Queue, timeout: int | None) -> tuple[str, bytes] | None:
        cls.waits = True
        try:
            if cls.stop_requested:  # asked only now: a request that comes later breaks into the waiting
                raise StopRequested
            return cls._next(queue, timeout)
        finally:
            cls.waits = False

    @classmethod
    def _admitted(cls, queue: Queue, raw_id: bytes) -> BatchJob | None:
        rq_job = raw_id.decode("utf-8", "replace")
        try:
            data = _read(queue, raw_id)
            if data is not None:
                return BatchJob.of(admit(rq_job, data, cls.secret), rq_job, queue)
        except RefusedError as error:
            cls.refusals.record(str(error), rq_job)
        # Removed from the queue. People can still look at the RQ job itself for some time.
        pipeline: Any = queue.connection.pipeline(transaction=False)
        pipeline.lrem(queue.intermediate_queue_key, 1, raw_id)
        pipeline.expire(b"rq:job:" + raw_id, _REFUSED_SECONDS)
        pipeline.execute()
        return None


def _read(queue: Queue, raw_id: bytes) -> bytes | None:
    """Return the data of an RQ job; None when there is no such job (any more); RefusedError when it is not ours."""
    connection: Redis = queue.connection
    key = b"rq:job:" + raw_id
    try:
        pipeline = connection.pipeline(transaction=False)
        pipeline.expire(queue.intermediate_queue_key, _REFUSED_SECONDS)  # in case this process dies before it is done
        for field in ("data", *_FOREIGN_FIELDS):
            pipeline.hstrlen(key, field)  # how long the fields are, before any is read
        pipeline.exists(key)
        _, length, *foreign, exists = pipeline.execute()
        if length > LONGEST_BYTES:
            message = f"it is too long: {count(length, 'byte')}"
            raise RefusedError(message)
        for field, size in zip(_FOREIGN_FIELDS, foreign, strict=True):
            if size:
                message = f"it asks for something besides its task: {field}"
                raise RefusedError(message)
        data = connection.hget(key, "data")
    except ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        message = "its key is not that of an RQ job"
        raise RefusedError(message) from error
    if data is None and exists:
        message = "it has no data"
        raise RefusedError(message)
    return None if data is None else bytes(data)


class BatchWorker(SimpleWorker):
    """RQ's worker for one :class:`GuardedQueue`."""

    job_class = BatchJob
    queue_class = GuardedQueue

    def __init__(self, queue: str, name: str, connection: Redis, secret: str, run: Run, left: set[str]) -> None:
        """Make it. ``run`` runs a batch; ``left`` names the jobs that it leaves to other workers from then on."""
        self._run = run
        self._bookkeeping = RqBookkeeping(connection, queue)
        GuardedQueue.secret = secret
        GuardedQueue.left = left
        GuardedQueue.refusals = RefusalLog(connection, name)
        super().__init__(
            [queue],
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=60,
            log_job_description=False,
        )

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Never: RQ's cleaning would queue batches again by itself."""
        return False

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 (RQ's signature)
        """Ignore ``rq suspend``: it is not signed, and the master would take suspended workers for dead."""

    def _set_ip_address(self, connection: Any) -> None:  # noqa: ARG002 (RQ's signature)
        """Do not ask Redis for the list of its clients, which is private."""
        self.ip_address = "unknown"

    def subscribe(self) -> None:
        """Listen to no commands from Redis."""

    def unsubscribe(self) -> None:
        """Do nothing, as nothing was subscribed to."""

    def procline(self, message: str) -> None:
        """Leave the name of the process unchanged."""

    def execute_job(self, job: Any, queue: Any) -> None:  # noqa: ARG002 (RQ's signature)
        """Run a batch; a request to stop waits for its end."""
        self.prepare_execution(job)
        self.prepare_job_execution(job, remove_from_intermediate_queue=True)
        try:
            said, status = self._run(job.payload), JobStatus.FINISHED
        except (RedisError, StoreUnavailableError):
            raise
        except Exception as error:
            said, status = f"{type(error).__name__}: {error}", JobStatus.FAILED
            log.exception("the worker had an error of its own in %s", job.id, extra={"action": "error"})
        self._settle(job, status, said)

    def prepare_execution(self, job: Any) -> Execution:
        """Show in RQ that a batch runs. The lists expire in case no process lives to clear them."""
        with self.connection.pipeline() as pipeline:
            self.execution = Execution.create(job, self.get_heartbeat_ttl(job), pipeline, self.name)
            self.set_state(WorkerStatus.BUSY, pipeline)
            self._bookkeeping.keep(pipeline)
            pipeline.execute()
        return self.execution

    def _settle(self, job: RqJob, status: JobStatus, said: str) -> None:
        """Show in RQ what became of a batch. All that matters is in the store by now."""
        done = status is JobStatus.FINISHED
        with self.connection.pipeline() as pipeline:
            outcome: dict[Any, Any] = {"status": status.value, "ended_at": utcformat(now())}
            pipeline.hset(job.key, mapping={**outcome, "meta": json.dumps({"said": said})})
            pipeline.expire(job.key, _REMEMBERED_SECONDS)
            seconds = now().timestamp()
            registry = job.finished_job_registry if done else job.failed_job_registry
            pipeline.zadd(registry.key, {job.id: seconds + _REMEMBERED_SECONDS})
            pipeline.zremrangebyscore(registry.key, "-inf", seconds)  # what RQ's own cleaning, which is off, would do
            pipeline.expire(registry.key, _REMEMBERED_SECONDS)
            pipeline.zremrangebyscore(job.started_job_registry.key, "-inf", seconds)
            self.cleanup_execution(job, pipeline)
            if done:
                self.increment_successful_job_count(pipeline)
            else:
                self.increment_failed_job_count(pipeline)
            self.set_state(WorkerStatus.IDLE, pipeline)
            pipeline.execute()

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches the parent, which decides
        signal.signal(signal.SIGTERM, self.request_stop)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 (a signal handler)
        """Stop: at once when it waits for a batch, else after the running one. It may be asked twice."""
        self._stop_requested = GuardedQueue.stop_requested = True
        if GuardedQueue.waits:
            GuardedQueue.waits = False  # what follows, such as signing off, is not to be broken into
            raise StopRequested
