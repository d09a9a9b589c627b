"""Worker registry: which workers are alive, by their heartbeats."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.store.connection import Redis, hash_at
from word_counter.store.decoding import whole
from word_counter.store.keys import WORKER_PREFIX, WORKERS

#: A worker that has said nothing for so long counts as gone, in seconds: no longer than a lease lasts by default.
GONE_AFTER_SECONDS = 10
#: The facts that are whole numbers, or several with blanks between them.
_NUMBERS = frozenset({"pid", "processes", "since", "bytes", "peak_bytes"})
_LONGEST_NUMBER = 18  # in digits


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
        """Return the facts that a worker sent with its last heartbeat; empty when it is gone.

        Those that should be numbers and are not are left out, and named by the fact ``unreadable``: anybody who may
        write to Redis may have put them there.
        """
        facts = hash_at(self._connection, WORKER_PREFIX + worker)
        if facts is None:
            return {"unreadable": "all"}
        junk = sorted(name for name in _NUMBERS & facts.keys() if not _is_numbers(facts[name]))
        for name in junk:
            del facts[name]
        return facts | ({"unreadable": " ".join(junk)} if junk else {})

    def processes(self, queue: str = "") -> int:
        """Return how many processes all live workers have together; with a queue, only those that serve it."""
        return sum(whole(facts, "processes") for facts in self.serving(queue).values())

    def serving(self, queue: str = "") -> dict[str, dict[str, str]]:
        """Return what live workers say of themselves, by name; with a queue, of those that serve it."""
        workers = {name: self.facts(name) for name in self.names()}
        return {name: facts for name, facts in workers.items() if not queue or facts.get("queue") == queue}


def _is_numbers(text: str) -> bool:
    return all(part.isascii() and part.isdigit() and len(part) <= _LONGEST_NUMBER for part in text.split())
