"""The store: what is true of a job, kept in Redis, and the operations that change it, each one script.

The scripts stand in ``lua/``, one file an operation, with its KEYS, ARGV and answer at its head; the keys are
listed in :mod:`word_counter.keys`. Every operation may be sent twice (redis-py sends again after a lost
connection): the second time changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError

from word_counter.connection import Redis
from word_counter.job import Chunk, Cursor, JobState, Source, Stage, parse_task
from word_counter.keys import JOBS, RUNNING_TTL_SECONDS, JobKeys
from word_counter.schedule import Batch, Failure, Snapshot, TaskAttempt

#: How many waiting tasks one snapshot brings at the most.
_WAITING_AT_ONCE = 500
#: How many fields are read in one go when a whole hash is walked.
_FIELDS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stands for a committed task: who did it, when, how long it took and how much it was."""

    attempt: int
    worker: str
    started: int  #: ms since 1970
    seconds: float
    amounts: dict[str, int] = field(default_factory=dict)


@cache
def _script(name: str) -> tuple[str, str]:
    """Return a script's text and its SHA-1, by which the server knows it."""
    text = resources.files("word_counter").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Store:
    """One job's truth. All times are in milliseconds on the server's clock, all text is returned as ``str``."""

    def __init__(self, connection: Redis, job_id: str) -> None:
        self.connection = connection
        self.job_id = job_id
        self.keys = JobKeys(job_id)

    def _run(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        text, sha = _script(name)
        try:
            return self.connection.evalsha(sha, len(keys), *keys, *args)
        except NoScriptError:
            return self.connection.eval(text, len(keys), *keys, *args)

    # -- the master's operations ------------------------------------------------------------------

    def create(self, fields: Mapping[str, str | int], sources: Sequence[Source]) -> bool:
        """Make the job; False when one of its name exists."""
        flat = [text for pair in fields.items() for text in pair]
        listed = [json.dumps([s.path, s.size, s.modified], ensure_ascii=False) for s in sources]
        made = self._run(
            "create", [self.keys.job, self.keys.sources], [RUNNING_TTL_SECONDS, len(fields), *flat, *listed]
        )
        if made:
            seconds, micros = self.connection.time()
            self.connection.zadd(JOBS, {self.job_id: int(seconds) * 1000 + int(micros) // 1000}, nx=True)
        return bool(made)

    def plan(
        self, epoch: int, chunks: Sequence[Chunk], cursor: Cursor | None, batches: Sequence[Batch], *, split_done: bool
    ) -> bool:
        """Record new chunks, how far splitting is, and batches about to be enqueued; False when not in charge."""
        described = [text for c in chunks for text in (c.id, json.dumps(c[1:]))]
        queued = [
            text for b in batches for text in (b.id, json.dumps({"tasks": [[t.task, t.attempt] for t in b.tasks]}))
        ]
        keys = self.keys
        return bool(
            self._run(
                "plan",
                [keys.job, keys.chunks, keys.batches, keys.waiting],
                [
                    epoch,
                    RUNNING_TTL_SECONDS,
                    "" if cursor is None else json.dumps(cursor),
                    "done" if split_done else "",
                    len(chunks),
                    *described,
                    len(batches),
                    *queued,
                ],
            )
        )

    def retry(self, epoch: int, task: str, after_seconds: float) -> bool:
        """Let a failed task wait for its next attempt."""
        keys = [self.keys.job, self.keys.failed, self.keys.waiting]
        return bool(self._run("retry", keys, [epoch, task, int(after_seconds * 1000), RUNNING_TTL_SECONDS]))

    def advance(self, epoch: int) -> bool:
        """Go from mapping to reducing; False unless every chunk of the input has its receipt."""
        return bool(self._run("advance", [self.keys.job, self.keys.chunks, self.keys.receipts(Stage.MAP)], [epoch]))

    def end(
        self, epoch: int | None, state: JobState, reason: str, partitions: int, retention_seconds: int
    ) -> JobState | None:
        """End the job (``epoch`` None: whoever is in charge) and return the state it is in now; None: no such job."""
        args = ["" if epoch is None else epoch, state.value, reason, retention_seconds]
        answer: bytes = self._run("end", self.keys.every(partitions), args)
        return JobState(answer.decode()) if answer else None

    def snapshot(self) -> Snapshot | None:
        """Return what the master decides by, or None when there is no such job."""
        k = self.keys
        keys = [k.job, k.batches, k.leases, k.failed, k.waiting]
        keys += [k.receipts(Stage.MAP), k.receipts(Stage.REDUCE), k.totals, k.attempts]
        now, job, batches, leases, failed, waiting, due, mapped, reduced, totals = self._run(
            "snapshot", keys, [_WAITING_AT_ONCE]
        )
        if not job:
            return None
        fields = _texts(job)
        deadlines = {batch.decode(): int(float(deadline)) for batch, deadline in _pairs(leases)}
        return Snapshot(
            now=now,
            state=JobState(fields["state"]),
            epoch=int(fields["epoch"]),
            reason=fields.get("reason", ""),
            created=int(fields["created"]),
            partitions=int(fields["partitions"]),
            cursor=Cursor(*json.loads(fields["cursor"])),
            split_done=fields["split"] == "done",
            retries=int(fields.get("retries", 0)),
            batches=tuple(
                Batch(id_, tuple(TaskAttempt(*item) for item in json.loads(raw)["tasks"]), deadlines.get(id_))
                for id_, raw in _texts(batches).items()
            ),
            failed=tuple(_failure(json.loads(raw)) for raw in _texts(failed).values()),
            waiting=waiting,
            due=tuple(TaskAttempt(task, int(done) + 1) for task, done in _texts(due).items()),
            mapped=mapped,
            reduced=reduced,
            totals={name: int(n) for name, n in _texts(totals).items()},
        )

    def wait(self, seconds: float, last_event: str) -> str:
        """Return when something happened or time is up: the id of the last event, to be passed next time."""
        answer = self.connection.xread({self.keys.events: last_event}, count=1000, block=max(1, int(seconds * 1000)))
        for _, events in answer or ():
            if events:
                return str(events[-1][0].decode())
        return last_event

    # -- a worker's operations --------------------------------------------------------------------

    def start(self, batch: str, attempt: TaskAttempt, worker: str, lease_seconds: float) -> str:
        """Start an attempt and take its batch's lease; "OK", or why not (see ``start.lua``)."""
        stage, _ = parse_task(attempt.task)
        k = self.keys
        keys = [k.job, k.batches, k.leases, k.running, k.attempts, k.receipts(stage)]
        args = [
            batch,
            attempt.task,
            attempt.attempt,
            worker,
            int(lease_seconds * 1000),
            _STATE[stage],
            RUNNING_TTL_SECONDS,
        ]
        return self._said(self._run("start", keys, args))

    def commit(
        self,
        batch: str,
        attempt: TaskAttempt,
        receipt: Receipt,
        *,
        last: bool,
        counters: Mapping[str, int],
        partials: Mapping[int, str] | None = None,
    ) -> str:
        """Commit an attempt with all it made; "OK", or why not (see ``commit.lua``).

        A map task brings its partials; the results of a reduce task were staged by :meth:`stage_results`.
        """
        stage, number = parse_task(attempt.task)
        k = self.keys
        keys = [k.job, k.batches, k.leases, k.running, k.attempts, k.receipts(stage), k.totals, k.counters, k.events]
        args: list[Any] = [batch, attempt.task, attempt.attempt, _STATE[stage], RUNNING_TTL_SECONDS]
        args += [json.dumps({"task": attempt.task, **asdict(receipt)}, ensure_ascii=False), int(last)]
        amounts = {**receipt.amounts, f"{stage.value}_ms": round(receipt.seconds * 1000)}
        for counts in (amounts, counters):
            args.append(len(counts))
            args.extend(text for pair in counts.items() for text in pair)
        if stage is Stage.MAP:
            shares = partials or {}
            keys += [k.partials(partition) for partition in shares]
            args += [number, *shares.values()]
        else:
            keys += [k.staged(number, attempt.attempt), k.results(number)]
        return self._said(self._run("commit", keys, args))

    def fail(self, batch: str, failure: Failure, *, last: bool) -> str:
        """End a failed attempt; "OK", or "REVOKED" when it was not running any more."""
        k = self.keys
        keys = [k.batches, k.leases, k.running, k.failed, k.failures, k.events]
        args = [batch, failure.task, failure.attempt, json.dumps(asdict(failure)), int(last), RUNNING_TTL_SECONDS]
        return self._said(self._run("fail", keys, args))

    def revoke(self, batch: str, kind: str, message: str, condition: str = "always") -> bool:
        """Give up a batch: under ``condition`` "expired", "unleased" or "always" (see ``revoke.lua``)."""
        k = self.keys
        keys = [
            k.batches,
            k.leases,
            k.running,
            k.receipts(self._stage_of(batch)),
            k.failed,
            k.failures,
            k.waiting,
            k.events,
        ]
        return bool(self._run("revoke", keys, [batch, kind, message, condition, RUNNING_TTL_SECONDS]))

    def renew(self, batch: str, lease_seconds: float) -> bool:
        """Renew the lease of a batch; False when the batch is gone and its work should stop."""
        return bool(self._run("renew", [self.keys.batches, self.keys.leases], [batch, int(lease_seconds * 1000)]))

    def stage_results(self, partition: int, attempt: int, segments: Iterable[str]) -> int:
        """Write the results of a reduce attempt where nobody looks yet; return how many bytes."""
        key = self.keys.staged(partition, attempt)
        self.connection.delete(key)
        written = 0
        for number, segment in enumerate(segments):
            encoded = segment.encode()
            self.connection.hset(key, str(number), encoded)
            if number == 0:
                self.connection.expire(key, RUNNING_TTL_SECONDS)
            written += len(encoded)
        return written

    # -- reading ----------------------------------------------------------------------------------

    def partials(self, partition: int) -> Iterator[bytes]:
        """Yield the partials of a partition in the order of their chunks, some at a time."""
        yield from self._walk(self.keys.partials(partition))

    def results(self, partition: int) -> Iterator[bytes]:
        """Yield the result segments of a partition in their order, one at a time."""
        key = self.keys.results(partition)
        for number in range(int(self.connection.hlen(key))):
            segment = self.connection.hget(key, str(number))
            if segment is None:
                message = f"segment {number} of {key} vanished while it was read"
                raise LookupError(message)
            yield segment

    def _walk(self, key: str) -> Iterator[bytes]:
        fields = sorted(self.connection.hkeys(key), key=int)
        for start in range(0, len(fields), _FIELDS_AT_ONCE):
            yield from self.connection.hmget(key, fields[start : start + _FIELDS_AT_ONCE])

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """Return the chunks of these ids, in their order."""
        found = self.connection.hmget(self.keys.chunks, [str(id_) for id_ in ids])
        return [Chunk(id_, *json.loads(raw)) for id_, raw in zip(ids, found, strict=True)]

    def counters(self) -> dict[str, int]:
        """Return the user's counters."""
        return {name: int(n) for name, n in decoded(self.connection.hgetall(self.keys.counters)).items()}

    @staticmethod
    def _said(answer: bytes | str) -> str:
        return answer.decode() if isinstance(answer, bytes) else answer

    @staticmethod
    def _stage_of(batch: str) -> Stage:
        return Stage.REDUCE if batch.startswith("r") else Stage.MAP


#: The state a job is in while tasks of a stage may run.
_STATE = {Stage.MAP: JobState.MAPPING.value, Stage.REDUCE: JobState.REDUCING.value}


def decoded(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return a hash as text; bytes that are not UTF-8 are replaced."""
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Pair up what a script returns as a flat list; newer protocols pair scores themselves."""
    if flat and isinstance(flat[0], list | tuple):
        yield from (tuple(pair) for pair in flat)
    else:
        yield from zip(flat[::2], flat[1::2], strict=True)


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    return decoded(dict(_pairs(flat)))


def _failure(fields: Mapping[str, Any]) -> Failure:
    return Failure(**{name: fields[name] for name in ("task", "attempt", "worker", "kind", "message", "at")})
