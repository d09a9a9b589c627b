"""The watch: how long it takes from the death of a process until its task runs elsewhere.

All by the clock of this machine, which is the server's, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import redis

from tests.chaos.fleet import FleetWorker
from word_counter.job.model import Stage
from word_counter.store.keys import JobKeys

#: How many of a job's last failures are looked through.
_FAILURES = 200


class Attempt(NamedTuple):
    """An attempt under way, and since when (ms since 1970)."""

    job: str
    task: str
    attempt: int
    worker: str
    started: int


@dataclass(frozen=True, slots=True)
class _Death:
    what: str
    attempt: Attempt
    at: float  #: ms since 1970
    noticed: list[float] = field(default_factory=list)


class Watch:
    """Measures deaths. ``seconds`` holds for each kind of measurement what was found."""

    def __init__(self, client: Any) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._client = client
        self._deaths: list[_Death] = []

    def running(self, jobs: Collection[str]) -> list[Attempt]:
        """Return the attempts under way of these jobs; none when the server does not say."""
        found = []
        try:
            for job in jobs:
                for name, raw in self._client.hgetall(JobKeys(job).running).items():
                    task, _, number = name.decode().partition("#")
                    content = json.loads(raw)
                    found.append(Attempt(job, task, int(number), content["worker"], content["started"]))
        except redis.RedisError:
            return []
        return found

    def died(self, what: str, worker: FleetWorker, running: Sequence[Attempt]) -> None:
        """Note that now a ``what`` of this worker has died, while ``running`` was under way."""
        now = time.time() * 1000
        self._deaths += [_Death(what, attempt, now) for attempt in running if worker.runs(attempt.worker)]

    def look(self) -> None:
        """See what has become of the work of the dead."""
        try:
            self._deaths = [death for death in self._deaths if not self._is_settled(death)]
        except redis.RedisError:
            self.forget()

    def forget(self) -> None:
        """Drop the deaths of which something else now delays the discovery."""
        self._deaths = []

    @property
    def waits(self) -> bool:
        """Whether the work of some dead is not seen to run elsewhere yet."""
        return bool(self._deaths)

    def _is_settled(self, death: _Death) -> bool:
        job, task, number, _, _ = death.attempt
        keys = JobKeys(job)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hget(keys.job, "state")
        pipeline.hget(keys.receipts(Stage(task.partition(":")[0])), task)
        pipeline.hgetall(keys.running)
        pipeline.lrange(keys.failures, -_FAILURES, -1)
        state, receipt, running, failures = pipeline.execute()
        if not death.noticed:
            for failure in map(json.loads, failures):
                if (failure["task"], failure["attempt"]) == (task, number):
                    death.noticed.append(failure["at"])
                    self._found(f"{death.what}: noticed", failure["at"] - death.at)
        starts = [
            json.loads(raw)["started"]
            for name, raw in running.items()
            if name.decode().partition("#")[0] == task and int(name.decode().partition("#")[2]) > number
        ]
        if receipt is not None and json.loads(receipt)["attempt"] > number:
            starts.append(json.loads(receipt)["started"])
        if starts:
            self._found(f"{death.what}: runs elsewhere", min(starts) - death.at)
        return bool(starts) or receipt is not None or state not in {b"mapping", b"reducing"}

    def _found(self, what: str, milliseconds: float) -> None:
        self.seconds.setdefault(what, []).append(milliseconds / 1000)
