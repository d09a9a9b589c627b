"""The roster: which workers are alive, as they last said."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.store.connection import Redis
from word_counter.store.keys import WORKER_PREFIX, WORKERS

#: A worker that has said nothing for so long counts as gone, in seconds: no longer than a lease lasts by default.
GONE_AFTER_SECONDS = 10


class WorkerRegistry:
    """The workers that serve from one Redis."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def _now(self) -> int:
        seconds, micros = self._connection.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def sign(self, worker: str, facts: Mapping[str, str | int], seconds: float = GONE_AFTER_SECONDS) -> None:
        """Say that a worker is alive, and what is known of it; it counts as gone unless it says so again in time."""
        key = WORKER_PREFIX + worker
        now = self._now()
        pipeline = self._connection.pipeline(transaction=True)
        pipeline.hset(key, mapping=dict(facts))
        pipeline.expire(key, max(1, int(seconds)))
        pipeline.zadd(WORKERS, {worker: now})
        pipeline.zremrangebyscore(WORKERS, "-inf", now - GONE_AFTER_SECONDS * 1000)
        pipeline.expire(WORKERS, GONE_AFTER_SECONDS)
        pipeline.execute()

    def leave(self, worker: str) -> None:
        """Take a worker off that stops."""
        self._connection.delete(WORKER_PREFIX + worker)
        self._connection.zrem(WORKERS, worker)

    def names(self) -> list[str]:
        """Return the names of the workers that are alive, sorted."""
        since = self._now() - GONE_AFTER_SECONDS * 1000
        return sorted(
            name.decode("utf-8", "replace") for name in self._connection.zrangebyscore(WORKERS, since, "+inf")
        )

    def facts(self, worker: str) -> dict[str, str]:
        """Return what a worker last said of itself; empty when it is gone."""
        fields = self._connection.hgetall(WORKER_PREFIX + worker)
        return {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}

    def processes(self, queue: str = "") -> int:
        """Return how many processes the workers that are alive have together; with a queue, those that serve it."""
        workers = [self.facts(name) for name in self.names()]
        return sum(int(facts.get("processes", 0)) for facts in workers if not queue or facts.get("queue") == queue)
