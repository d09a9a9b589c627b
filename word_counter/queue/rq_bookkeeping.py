"""RQ bookkeeping: removes our queues and workers from RQ's lists when they are gone.

RQ removes a worker from its lists when the worker stops cleanly, and never removes a queue. But workers are killed, and
each run with workers of its own has its own queue, in a Redis that other programs may use. So the parent of a dead
worker process removes it. A master removes all else that is gone when it ends. Lists of our queues alone expire.
"""

from __future__ import annotations

from typing import Any

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from word_counter.queue.batch_queue import QUEUE, UNDER_WAY, discard_delivered, discard_ended
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys
from word_counter.store.lua_scripts import LuaScripts

#: How long RQ's lists of one queue's workers stay after the last heartbeat of these workers, in seconds.
_KEPT_SECONDS = 24 * 3600
_WORKERS = SimpleWorker.redis_workers_keys
_WORKER_PREFIX = SimpleWorker.redis_worker_namespace_prefix


class RqBookkeeping:
    """RQ's lists of one queue's workers."""

    def __init__(self, connection: Redis, queue: str) -> None:
        self._connection = connection
        self._workers = WORKERS_BY_QUEUE_KEY % queue
        listed = Queue(queue, connection=connection, serializer=JSONSerializer)
        self._started: str = listed.started_job_registry.key
        self._queue = [listed.key, listed.intermediate_queue_key]

    def keep(self, pipeline: Any) -> None:
        """Put off the expiry of the lists by a day: there are workers."""
        pipeline.expire(self._workers, _KEPT_SECONDS)
        pipeline.expire(self._started, _KEPT_SECONDS)

    def take_past(self, left: set[str]) -> bytes:
        """Take the id of the first batch that does not belong to any of some jobs from the queue; "": there is none.

        ``left`` names these jobs. Those that have ended are removed from it.
        """
        pipeline = self._connection.pipeline(transaction=False)
        jobs = sorted(left)
        for job in jobs:
            pipeline.hget(JobKeys(job).job, "state")
        left.difference_update(
            job for job, state in zip(jobs, pipeline.execute(), strict=True) if state not in UNDER_WAY
        )
        found: bytes = LuaScripts(self._connection).run("pass_by", self._queue, sorted(left))
        return found

    def strike(self, worker: str) -> None:
        """Remove a worker process that has ended from the lists. ``worker`` is its name in RQ."""
        key = _WORKER_PREFIX + worker
        pipeline = self._connection.pipeline(transaction=True)
        pipeline.srem(_WORKERS, key)
        pipeline.srem(self._workers, key)
        pipeline.delete(key)
        pipeline.execute()


def tidy(connection: Redis) -> None:
    """Remove from RQ those of our queues, batches and workers that are gone. Those of other programs stay."""
    prefix = f"{Queue.redis_queue_namespace_prefix}{QUEUE}-".encode()
    for key in connection.smembers(Queue.redis_queues_keys):
        if key.startswith(prefix):
            _tidy(connection, key.decode("utf-8", "replace"))


def _tidy(connection: Redis, key: str) -> None:
    queue = Queue.from_queue_key(key, connection=connection, serializer=JSONSerializer)
    discard_ended(connection, queue)
    workers = WORKERS_BY_QUEUE_KEY % queue.name
    listed = sorted(connection.smembers(workers))
    pipeline = connection.pipeline(transaction=False)
    for worker in listed:
        pipeline.exists(worker)
    gone = [worker for worker, there in zip(listed, pipeline.execute(), strict=True) if not there]
    keys = [Queue.redis_queues_keys, key, queue.intermediate_queue_key, _WORKERS, workers]
    if LuaScripts(connection).run("strike", keys, gone):
        discard_delivered(connection, queue)  # the queue is not listed any more, so nobody would find them later
