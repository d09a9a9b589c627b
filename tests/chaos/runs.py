"""Runs: the masters of a job, one after the other as they are killed, or one standing by, until the verdict."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import Any

import redis

from tests.chaos.commands import Command, word_counter
from tests.chaos.guard import Guard
from tests.chaos.work import Verdict, Work, judge
from word_counter.store.keys import JobKeys

#: How many masters of one job are killed at the most: the last one is to come to an end.
MOST_KILLS = 4
#: How a master ends that cannot reach Redis when it starts, and one whose job has another master; how long to wait
#: before the next one is started, and how often.
_UNREACHABLE = 3
_REFUSED = 2
_IN_CHARGE = "is in charge"
_AGAIN_SECONDS = 2.0
_MOST_AGAIN = 20
#: How long a hung master may take to print where it is, in seconds.
_DUMP_SECONDS = 2.0


class Run:
    """A job under way."""

    def __init__(self, work: Work, env: Mapping[str, str], guard: Guard, now: float) -> None:
        self.work = work
        self.began = now
        self.stopped = False  #: whether a fault keeps its master from running just now
        self.kills = 0
        self.again = 0  #: how often a master was started in vain, because Redis was away or another in charge
        self.verdict: Verdict | None = None
        self.note = ""
        self.seconds = 0.0
        self._env = env
        self._guard = guard
        self._masters: list[Command] = []
        self._standby: Command | None = None
        self._next_at: float | None = None
        self._start(["run", "--workers", "0", *work.arguments])

    @property
    def master(self) -> Command:
        """Its last master."""
        return self._masters[-1]

    @property
    def masters(self) -> int:
        """How many masters it has had."""
        return len(self._masters)

    @property
    def can_be_hit(self) -> bool:
        """Whether a fault may hit its master."""
        under_way = self.verdict is None and self._next_at is None and self.master.code is None
        return under_way and not self.stopped and self._standby is None

    @property
    def errors(self) -> str:
        """What its masters printed to standard error."""
        return "".join(master.err for master in self._masters)

    def _start(self, args: list[str]) -> None:
        self._masters.append(self._started(args))

    def _started(self, args: list[str]) -> Command:
        name = f"master-{len(self._masters) + 1}"
        return word_counter(name, args, self.work.folder, self._env, self._guard)

    def stand_by(self) -> None:
        """Start another master beside the one there is, to take over when that is gone."""
        self._standby = self._started(["run", "--workers", "0", "--standby", *self.work.arguments])

    def hand_over(self) -> None:
        """Kill the master beside which another stands by, if it has not ended by itself."""
        if self._standby is not None and self.verdict is None:
            self.master.end()
            self.kills += 1
            self._promote()

    def _promote(self) -> None:
        if self._standby is not None:
            self._masters.append(self._standby)
            self._standby = None

    def kill(self, now: float, after_seconds: float) -> None:
        """Kill its master, and let another one go on after so many seconds."""
        self.master.end()
        self.kills += 1
        self._next_at = now + after_seconds

    def follow(self, now: float, limit_seconds: float, client: Any) -> bool:
        """Go on with the job; return whether there is a verdict."""
        self.seconds = now - self.began
        if self._next_at is not None:
            if now >= self._next_at:
                self._go_on(client)
        elif self.master.code is not None:
            self._guard.drop(self.master.pid)
            if self._standby is not None and self.master.code != 0:
                self._promote()  # it lost its charge in an outage, say
            elif self._is_told_to_wait():
                self.again += 1
                self._next_at = now + _AGAIN_SECONDS
            else:
                self._judge(client)
        if self.verdict is None and self.seconds > limit_seconds:
            self._give_up(client)
        return self.verdict is not None

    def _is_told_to_wait(self) -> bool:
        """Whether its master ended only as it was started with Redis away, or too soon after another."""
        code, errors = self.master.code, self.master.err
        if self.again >= _MOST_AGAIN:
            return False
        if code == _UNREACHABLE:
            return f"job {self.work.job_id}" not in errors  # what it says as soon as it is at work
        return code == _REFUSED and self.kills > 0 and _IN_CHARGE in errors

    def _go_on(self, client: Any) -> None:
        try:
            state = client.hget(JobKeys(self.work.job_id).job, "state")
        except redis.RedisError:
            return  # next time
        self._next_at = None
        if state == b"done":
            self._judge(client, code=0)  # it was killed after its work was done
        elif state is None:
            self._start(["run", "--workers", "0", *self.work.arguments])
        elif self.kills % 2:
            self._start(["resume", "--workers", "0", self.work.job_id])
        else:
            self._start(["run", "--workers", "0", "--standby", *self.work.arguments])

    def _judge(self, client: Any, code: int | None = None) -> None:
        ended = self.master.code if code is None else code
        verdict, note = judge(self.work, ended, self.master.err)
        if verdict is Verdict.EXACT:
            try:
                wrong = self._wrong_counts(client)
            except redis.RedisError:
                return  # next time
            if wrong:
                verdict, note = Verdict.WRONG, wrong
        self.verdict, self.note = verdict, note

    def _wrong_counts(self, client: Any) -> str:
        """Return which counts are not what they should be, though the results are."""
        keys = JobKeys(self.work.job_id)
        if not client.exists(keys.job):
            return ""  # Redis came back empty since the job was done: there are no counts to be judged
        lines = int(client.hget(keys.totals, "lines") or 0)
        if lines != self.work.lines:
            return f"the results are exact, but the job counted {lines} lines for {self.work.lines}"
        seen = int(client.hget(keys.counters, "lines seen") or 0)
        if self.work.kind.reference and seen != self.work.lines:
            return f"the results are exact, but the mapper's own counter says {seen} lines for {self.work.lines}"
        return ""

    def _give_up(self, client: Any) -> None:
        """Leave all that tells why the job hangs in its folder, and end it."""
        (self.work.folder / "keys.json").write_text(json.dumps(_keys_of(self.work.job_id, client), indent=1))
        self.master.send_group(signal.SIGCONT)
        self.master.send(signal.SIGABRT)
        self.master.wait(_DUMP_SECONDS)
        self.verdict, self.note = judge(self.work, None, self.master.err)
        self.end()

    def end(self) -> None:
        """End its masters."""
        for master in [*self._masters, *filter(None, [self._standby])]:
            master.end()


def _keys_of(job_id: str, client: Any) -> dict[str, str]:
    """Return all keys of a job with their values, cut."""
    read = {b"hash": client.hgetall, b"zset": lambda key: client.zrange(key, 0, -1, withscores=True)}
    read |= {b"list": lambda key: client.lrange(key, 0, -1), b"stream": lambda key: client.xrevrange(key, count=50)}
    try:
        found = client.keys(f"wc:{{{job_id}}}:*")
        return {key.decode(): str(read[client.type(key)](key))[:5000] for key in found}
    except redis.RedisError as error:
        return {"error": str(error)}
