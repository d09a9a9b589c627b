"""The chunk queue: batches of tasks, each an RQ job in one queue.

RQ brings batches to workers and shows them in ``rq info``; what becomes of the tasks is the store's business
alone, so that RQ's own retries, results and registries are not used, and what it loses is queued again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rq import Queue
from rq.job import Job as RqJob
from rq.results import Result
from rq.serializers import JSONSerializer

from word_counter.connection import Redis
from word_counter.patience import Patience
from word_counter.payload import Payload
from word_counter.scripts import IMPATIENT

#: The one queue of all jobs. With a single queue RQ dequeues by BLMOVE, which loses nothing when a worker dies.
QUEUE = "word_counter"
#: The name of the only function that workers run.
TASK_FUNCTION = "word_counter.runner.run_batch"
#: How long RQ remembers a batch that was delivered, in seconds: for a look, nothing depends on it.
_REMEMBERED_SECONDS = 60


class ChunkQueue:
    """The queue that workers take batches from."""

    def __init__(self, connection: Redis, patience: Patience = IMPATIENT) -> None:
        self._patience = patience
        self._queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        self._connection = connection

    def enqueue(self, payloads: Sequence[Payload]) -> None:
        """Put batches at the end of the queue."""
        batches = [
            Queue.prepare_data(
                func=TASK_FUNCTION,
                args=(payload.to_json(),),
                job_id=queue_id(payload.job, payload.batch),
                description=_describe(payload),
                timeout=-1,  # RQ's own would be raised inside the user's code, which could swallow it
                result_ttl=_REMEMBERED_SECONDS,
                failure_ttl=_REMEMBERED_SECONDS,
            )
            for payload in payloads
        ]
        # Sent twice, a batch is delivered twice, and its second delivery refused by the store.
        self._patience.call(lambda: self._queue.enqueue_many(batches))

    def held(self, job: str, batches: Collection[str]) -> set[str]:
        """Return which of a job's batches are in the queue, undelivered."""
        waiting = set(self._patience.call(lambda: self._connection.lrange(self._queue.key, 0, -1)))
        return {batch for batch in batches if queue_id(job, batch).encode() in waiting}

    def discard(self, job: str) -> int:
        """Delete a job's batches, delivered or not, as RQ holds them; return how many were not delivered."""
        ours = re.compile(re.escape(job) + r"-[mr][0-9]+-[0-9a-f]+").fullmatch  # not those of another job "{job}-2"
        waiting = [id_ for id_ in self._connection.lrange(self._queue.key, 0, -1) if ours(id_.decode())]
        registries = [self._queue.finished_job_registry.key, self._queue.failed_job_registry.key]
        pipeline = self._connection.pipeline(transaction=False)
        for id_ in waiting:
            pipeline.lrem(self._queue.key, 0, id_)
            pipeline.delete(RqJob.key_for(id_.decode()))
        for registry in registries:
            for id_, _ in self._connection.zscan_iter(registry, match=f"{job}-*", count=1000):
                if ours(id_.decode()):
                    pipeline.zrem(registry, id_)
                    pipeline.delete(RqJob.key_for(id_.decode()), Result.get_key(id_.decode()))  # type: ignore[no-untyped-call]
        pipeline.execute()
        return len(waiting)


def queue_id(job: str, batch: str) -> str:
    """Return the id of the RQ job that carries a batch."""
    return f"{job}-{batch}"


def _describe(payload: Payload) -> str:
    first, last = payload.tasks[0].task, payload.tasks[-1].task
    return f"{payload.job}: {first}" + (f" to {last}" if last != first else "")
