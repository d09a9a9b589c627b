"""The index of jobs: which jobs there are, by when they were made, and when each expires.

Making, refreshing or ending a job enters it anew. The same call takes off some jobs that have expired meanwhile, so
that the index stays as long as what it lists, and no call reads it whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from word_counter.store.connection import Redis
from word_counter.store.keys import JOB_EXPIRIES, JOBS, JobKeys
from word_counter.store.lua_scripts import NO_RETRY, LuaScripts

#: How many expired jobs one call takes off. More than one, as each call may enter a job.
_SWEPT_AT_ONCE = 100


class JobIndex:
    """The index of jobs of one Redis."""

    def __init__(self, connection: Redis, scripts: LuaScripts | None = None) -> None:
        self._connection = connection
        self._scripts = scripts or LuaScripts(connection, NO_RETRY)

    def update(self, job_id: str) -> None:
        """Enter a job as its keys are now: listed until they expire, or taken off because they are gone."""
        expired = self._scripts.call(self._expired)
        names = [job_id, *(name for name in expired if name != job_id)]
        self._scripts.run("index", [JOBS, JOB_EXPIRIES, *(JobKeys(name).job for name in names)], names)

    def _expired(self) -> list[str]:
        pipeline = self._connection.pipeline(transaction=False)
        pipeline.time()
        pipeline.zcard(JOBS)  # a key of somebody else's is found here, and not within a script
        (seconds, _), _ = pipeline.execute()
        found = self._connection.zrangebyscore(JOB_EXPIRIES, "-inf", int(seconds) * 1000, start=0, num=_SWEPT_AT_ONCE)
        return [_text(name) for name in found]

    def newest(self, at_once: int) -> Iterator[list[str]]:
        """Yield the ids of the jobs, the newest first, so many at a time."""
        start = 0
        while names := self._connection.zrevrange(JOBS, start, start + at_once - 1):
            yield [_text(name) for name in names]
            start += len(names)

    def count(self) -> int:
        """Return how many jobs are listed; some of them may have expired a moment ago."""
        return int(self._connection.zcard(JOBS))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
