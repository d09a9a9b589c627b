"""Batch queue: batches of tasks, each an RQ job in one queue.

RQ brings batches to workers and shows them in ``rq info``. The store alone decides what becomes of the tasks: RQ's own
retries, results and registries are not used, and a batch that RQ loses is queued again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from rq import Queue
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from word_counter.job.model import JobState
from word_counter.queue.admission import TASK_FUNCTION, pack, queue_id
from word_counter.queue.payload import Payload
from word_counter.security.signing import sign
from word_counter.store.connection import Redis
from word_counter.store.keys import RUNNING_TTL_SECONDS, JobKeys
from word_counter.store.lua_scripts import NO_RETRY
from word_counter.store.retry import RedisRetry

#: How the names of queues begin. A worker takes from one queue only: then RQ dequeues by BLMOVE, which loses nothing
#: when the worker dies.
QUEUE = "word_counter"
#: How long RQ keeps a delivered batch, in seconds. People may look at it; nothing depends on it.
_REMEMBERED_SECONDS = 60
#: How long RQ keeps a batch that no worker takes, in seconds. A master that is still there queues it again.
_HELD_SECONDS = RUNNING_TTL_SECONDS
#: The id of an RQ job that carries a batch. The name of a job may look like the end of one: "job-2" is not of "job".
_ID = re.compile(r"(.+)-[mr][0-9]+-[0-9a-f]+", re.DOTALL)
#: The states of jobs that have not ended, as Redis holds them.
UNDER_WAY = {state.value.encode() for state in JobState if not state.ended}


def queue_name(secret: str) -> str:
    """Return the name of the queue for a secret. So workers are never given batches signed with another secret.

    It ends in a fingerprint, from which the secret cannot be found, as in ``word_counter-1f0c94b2``.
    """
    return f"{QUEUE}-{sign('', secret, purpose='queue')[:8]}"


class BatchQueue:
    """The queue from which the workers with one secret take batches."""

    def __init__(self, connection: Redis, secret: str, retry: RedisRetry = NO_RETRY) -> None:
        self.name = queue_name(secret)
        self._secret = secret
        self._retry = retry
        self._queue = Queue(self.name, connection=connection, serializer=JSONSerializer)
        self._connection = connection

    def enqueue(self, payloads: Sequence[Payload], *, at_front: bool = False) -> None:
        """Put batches at the end of the queue, or at its front, where they are taken next."""
        batches = [
            Queue.prepare_data(
                func=TASK_FUNCTION,
                args=pack(payload, self._secret),
                job_id=queue_id(payload.job, payload.batch),
                description=_describe(payload),
                timeout=-1,  # RQ's own would be raised inside the user's code, which could swallow it
                result_ttl=_REMEMBERED_SECONDS,
                failure_ttl=_REMEMBERED_SECONDS,
                at_front=at_front,
            )
            for payload in payloads
        ]

        def send() -> None:
            pipeline = self._connection.pipeline(transaction=True)
            for job in self._queue.enqueue_many(batches, pipeline=pipeline):
                pipeline.expire(job.key, _HELD_SECONDS)
            pipeline.expire(self._queue.key, _HELD_SECONDS)
            pipeline.expire(self._queue.intermediate_queue_key, _HELD_SECONDS)
            pipeline.execute()

        # A batch that is sent twice is delivered twice, and the store refuses the second delivery.
        self._retry.call(send)

    def held(self, job: str, batches: Collection[str]) -> set[str]:
        """Return which of a job's batches are in the queue, undelivered."""
        waiting = set(self._retry.call(lambda: self._connection.lrange(self._queue.key, 0, -1)))
        return {batch for batch in batches if queue_id(job, batch).encode() in waiting}


def discard(connection: Redis, job: str) -> int:
    """Delete what RQ holds of a job's batches; return how many were not delivered."""
    pipeline = connection.pipeline(transaction=False)
    undelivered = 0
    for key in connection.smembers(Queue.redis_queues_keys):
        name = key.decode("utf-8", "replace").removeprefix(Queue.redis_queue_namespace_prefix)
        if name.startswith(QUEUE):
            queue = Queue(name, connection=connection, serializer=JSONSerializer)
            undelivered += _discard_from(queue, connection, pipeline, job)
    pipeline.execute()
    return undelivered


def discard_ended(connection: Redis, queue: Queue) -> None:
    """Delete from a queue the batches of jobs that have ended or are gone: no worker would run them any more."""
    waiting = dict.fromkeys(_waiting(queue, connection))  # each once, even if it was queued many times
    jobs = sorted({job for job, _ in waiting})
    pipeline = connection.pipeline(transaction=False)
    for job in jobs:
        pipeline.hget(JobKeys(job).job, "state")
    states = dict(zip(jobs, pipeline.execute(), strict=True))
    for job, id_ in waiting:
        if states[job] not in UNDER_WAY:
            pipeline.lrem(queue.key, 0, id_)
            pipeline.delete(RqJob.key_for(id_))
    pipeline.execute()


def discard_delivered(connection: Redis, queue: Queue) -> None:
    """Delete what RQ keeps of a queue's delivered batches."""
    pipeline = connection.pipeline(transaction=False)
    for registry in (queue.finished_job_registry.key, queue.failed_job_registry.key):
        for raw_id in connection.zrange(registry, 0, -1):
            pipeline.delete(b"rq:job:" + raw_id)
        pipeline.delete(registry)
    pipeline.execute()


def _waiting(queue: Queue, connection: Redis) -> list[tuple[str, str]]:
    """Return the job and the RQ job id of each of our batches in a queue."""
    ids = [id_.decode("utf-8", "replace") for id_ in connection.lrange(queue.key, 0, -1)]
    return [(match[1], id_) for id_ in ids if (match := _ID.fullmatch(id_))]


def _discard_from(queue: Queue, connection: Redis, pipeline: Any, job: str) -> int:
    waiting = [id_ for owner, id_ in _waiting(queue, connection) if owner == job]
    for id_ in waiting:
        pipeline.lrem(queue.key, 0, id_)
        pipeline.delete(RqJob.key_for(id_))
    for registry in (queue.finished_job_registry.key, queue.failed_job_registry.key):
        for raw_id, _ in connection.zscan_iter(registry, match=f"{job}-*", count=1000):
            id_ = raw_id.decode("utf-8", "replace")
            if (match := _ID.fullmatch(id_)) and match[1] == job:
                pipeline.zrem(registry, raw_id)
                pipeline.delete(RqJob.key_for(id_))
    return len(waiting)


def _describe(payload: Payload) -> str:
    first, last = payload.tasks[0].task, payload.tasks[-1].task
    return f"{payload.job}: {first}" + (f" to {last}" if last != first else "")
