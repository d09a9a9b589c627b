"""Worker registry: which workers are alive, by their heartbeats."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.store.connection import Redis
from word_counter.store.keys import WORKER_PREFIX, WORKERS

#: A worker that has said nothing for so long counts as gone, in seconds: no longer than a lease lasts by default.
GONE_AFTER_SECONDS = 10


class WorkerRegistry:
    """The workers of one Redis."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def now(self) -> int:
        """Return the server's time, in milliseconds since 1970."""
        seconds, micros = self._connection.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def heartbeat(self, worker: str, facts: Mapping[str, str | int], seconds: float = GONE_AFTER_SECONDS) -> None:
        """Record that a worker is alive, with facts about it. It counts as gone ``seconds`` after the last one."""
        key = WORKER_PREFIX + worker
        now = self.now()
        pipeline = self._connection.pipeline(transaction=True)
        pipeline.hset(key, mapping=dict(facts))
        pipeline.expire(key, max(1, int(seconds)))
        pipeline.zadd(WORKERS, {worker: now})
        pipeline.zremrangebyscore(WORKERS, "-inf", now - GONE_AFTER_SECONDS * 1000)
        pipeline.expire(WORKERS, GONE_AFTER_SECONDS)
        pipeline.execute()

    def leave(self, worker: str) -> None:
        """Remove a worker that stops."""
        self._connection.delete(WORKER_PREFIX + worker)
        self._connection.zrem(WORKERS, worker)

    def names(self) -> list[str]:
        """Return the names of the workers that are alive, sorted."""
        since = self.now() - GONE_AFTER_SECONDS * 1000
        return sorted(
            name.decode("utf-8", "replace") for name in self._connection.zrangebyscore(WORKERS, since, "+inf")
        )

    def facts(self, worker: str) -> dict[str, str]:
        """Return the facts that a worker sent with its last heartbeat; empty when it is gone."""
        fields = self._connection.hgetall(WORKER_PREFIX + worker)
        return {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}

    def processes(self, queue: str = "") -> int:
        """Return how many processes all live workers have together; with a queue, only those that serve it."""
        return sum(int(facts.get("processes", 0)) for facts in self.serving(queue).values())

    def serving(self, queue: str = "") -> dict[str, dict[str, str]]:
        """Return what live workers say of themselves, by name; with a queue, of those that serve it."""
        workers = {name: self.facts(name) for name in self.names()}
        return {name: facts for name, facts in workers.items() if not queue or facts.get("queue") == queue}
