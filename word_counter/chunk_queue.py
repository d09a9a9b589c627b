"""The chunk queue: batches of tasks, each an RQ job in one queue.

RQ brings batches to workers and shows them in ``rq info``; what becomes of the tasks is the store's business
alone, so that RQ's own retries, results and registries are not used, and what it loses is queued again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rq import Queue
from rq.serializers import JSONSerializer

from word_counter.connection import Redis
from word_counter.payload import Payload

#: The one queue of all jobs. With a single queue RQ dequeues by BLMOVE, which loses nothing when a worker dies.
QUEUE = "word_counter"
#: The name of the only function that workers run.
TASK_FUNCTION = "word_counter.runner.run_batch"
#: How long RQ remembers a batch that was delivered, in seconds: for a look, nothing depends on it.
_REMEMBERED_SECONDS = 60


class ChunkQueue:
    """The queue that workers take batches from."""

    def __init__(self, connection: Redis) -> None:
        self._queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        self._connection = connection

    def enqueue(self, payloads: Sequence[Payload]) -> None:
        """Put batches at the end of the queue."""
        self._queue.enqueue_many(
            [
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
        )

    def held(self, job: str, batches: Collection[str]) -> set[str]:
        """Return which of a job's batches are in the queue, undelivered."""
        waiting = set(self._connection.lrange(self._queue.key, 0, -1))
        return {batch for batch in batches if queue_id(job, batch).encode() in waiting}


def queue_id(job: str, batch: str) -> str:
    """Return the id of the RQ job that carries a batch."""
    return f"{job}-{batch}"


def _describe(payload: Payload) -> str:
    first, last = payload.tasks[0].task, payload.tasks[-1].task
    return f"{payload.job}: {first}" + (f" to {last}" if last != first else "")
