"""Task store: the operations of workers. They start, commit and fail attempts, renew leases and read partials.

Each operation is one script (``lua/``, one file an operation, which begins with its KEYS, ARGV and answer). It may be
sent twice: the second time changes nothing. :mod:`word_counter.store.keys` lists the keys.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from word_counter.errors import JobGoneError
from word_counter.job.model import JobState, Stage, parse_task
from word_counter.job.snapshot import Failure, Refusal, TaskAttempt
from word_counter.store.connection import Redis
from word_counter.store.decoding import REFUSED_BY
from word_counter.store.keys import RUNNING_TTL_SECONDS, JobKeys
from word_counter.store.lua_scripts import NO_RETRY, LuaScripts
from word_counter.store.retry import RedisRetry

#: How many fields are read at a time when a whole hash is read.
_FIELDS_AT_ONCE = 64
#: The state a job is in while tasks of a stage may run.
_STATE = {Stage.MAP: JobState.MAPPING.value, Stage.REDUCE: JobState.REDUCING.value}


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of a committed task: which worker did it, when, how long it took and how much it was."""

    attempt: int
    worker: str
    started: int  #: ms since 1970
    seconds: float
    amounts: dict[str, int] = field(default_factory=dict)
    heaviest: list[tuple[str, int]] = field(default_factory=list)  #: keys of a partition, with how many values
    digest: str = ""  #: of the bytes of a chunk of the input


@dataclass(frozen=True, slots=True)
class BadRecords:
    """Records that a map task set aside: the quarantine entry (JSON) of each by its index in the chunk.

    ``raised`` of them count towards the ``limit`` of the whole job; the others killed their process.
    """

    entries: Mapping[int, str] = field(default_factory=dict)
    raised: int = 0
    limit: int = 0


class TaskStore:
    """The store of one job, for workers. All text is returned as ``str``."""

    def __init__(self, connection: Redis, job_id: str, retry: RedisRetry = NO_RETRY) -> None:
        self.connection = connection
        self.job_id = job_id
        self.keys = JobKeys(job_id)
        self._scripts = LuaScripts(connection, retry)
        #: When the attempt began that was started last, in ms since 1970 by the server's clock, as workers' may differ.
        self.began = 0
        self._began_here = 0.0

    def start(self, batch: str, attempt: TaskAttempt, worker: str, lease_seconds: float) -> str:
        """Start an attempt and acquire its batch's lease; "OK", or why not (see ``start.lua``)."""
        stage, _ = parse_task(attempt.task)
        k = self.keys
        keys = [k.job, k.batches, k.leases, k.running, k.attempts, k.receipts(stage), k.events]
        lease_ms = int(lease_seconds * 1000)
        args = [batch, attempt.task, attempt.attempt, worker, lease_ms, _STATE[stage], RUNNING_TTL_SECONDS]
        answer = self._scripts.run("start", keys, args)
        if not isinstance(answer, int):
            return _text(answer)
        self.began, self._began_here = answer, time.monotonic()
        return "OK"

    def now(self) -> int:
        """Return the time by the clock of :attr:`began`, in ms since 1970."""
        return self.began + round(1000 * (time.monotonic() - self._began_here))

    def commit(
        self,
        batch: str,
        attempt: TaskAttempt,
        receipt: Receipt,
        *,
        last: bool,
        counters: Mapping[str, int],
        partials: Mapping[int, str] | None = None,
        bad: BadRecords | None = None,
    ) -> str:
        """Commit an attempt with all of its output; "OK", or why not (see ``commit.lua``).

        A map task brings its partials; the results of a reduce task were staged by :meth:`stage_results`.
        """
        stage, number = parse_task(attempt.task)
        k = self.keys
        keys = [k.job, k.batches, k.leases, k.running, k.attempts, k.receipts(stage), k.totals, k.counters, k.events]
        keys += [k.quarantine, k.contents, k.raised]
        args: list[Any] = [batch, attempt.task, attempt.attempt, _STATE[stage], RUNNING_TTL_SECONDS]
        args += [json.dumps({"task": attempt.task, **asdict(receipt)}, ensure_ascii=False), int(last)]
        amounts = {**receipt.amounts, f"{stage.value}_ms": round(receipt.seconds * 1000)}
        bad = bad or BadRecords()
        entries = {f"{attempt.task}#{index}": entry for index, entry in bad.entries.items()}
        for fields in (amounts, counters, entries):
            args.append(len(fields))
            args.extend(text for pair in fields.items() for text in pair)
        args += [bad.limit, bad.raised]
        if stage is Stage.MAP:
            shares = partials or {}
            keys += [k.partials(partition) for partition in shares]
            args += [number, *shares.values()]
        else:
            keys += [k.staged(number, attempt.attempt), k.results(number), k.partials(number)]
        return self._said("commit", keys, args)

    def fail(self, batch: str, failure: Failure, *, last: bool) -> str:
        """End a failed attempt; "OK", or "REVOKED" when it was not running any more."""
        stage, _ = parse_task(failure.task)
        k = self.keys
        keys = [k.batches, k.leases, k.running, k.failed, k.failures, k.events, k.receipts(stage), k.raised]
        origin = failure.origin
        raised = "" if origin is None or origin.transient else str(origin)
        text = json.dumps(asdict(failure))
        args = [batch, failure.task, failure.attempt, text, int(last), RUNNING_TTL_SECONDS, raised]
        return self._said("fail", keys, args)

    def revoke(
        self,
        batch: str,
        kind: str,
        message: str,
        condition: str = "always",
        record: int | None = None,
        refusal: Refusal | None = None,
    ) -> bool:
        """Give up a batch, under a condition; return whether it was.

        Args:
            batch: the batch.
            kind: the kind of failure of its started attempts.
            message: what happened.
            condition: "expired", "unleased" or "always" (see ``revoke.lua``).
            record: the index of the record at fault, where it is known.
            refusal: records that a worker leaves the job to others from now on, and why.
        """
        k = self.keys
        stage = Stage.REDUCE if batch.startswith("r") else Stage.MAP
        keys = [k.batches, k.leases, k.running, k.receipts(stage), k.failed, k.failures, k.waiting, k.events, k.job]
        args: list[Any] = [batch, kind, message, condition, RUNNING_TTL_SECONDS, "" if record is None else record]
        if refusal is not None:
            args += [REFUSED_BY + refusal.worker, refusal.reason]
        return bool(self._scripts.run("revoke", keys, args))

    def renew(self, batch: str, lease_seconds: float) -> bool:
        """Renew the lease of a batch; False when the batch is gone and its work should stop."""
        keys = [self.keys.batches, self.keys.leases]
        return bool(self._scripts.run("renew", keys, [batch, int(lease_seconds * 1000)]))

    def stage_results(self, partition: int, attempt: int, segments: Iterable[str]) -> dict[str, int]:
        """Write the results of a reduce attempt under a key of its own; return the amounts for its receipt."""
        key = self.keys.staged(partition, attempt)
        self._scripts.call(lambda: self.connection.delete(key))
        amounts = {"result_bytes": 0, "segments": 0}
        for segment in segments:
            encoded = segment.encode()
            self._write_segment(key, amounts["segments"], encoded)
            amounts["segments"] += 1
            amounts["result_bytes"] += len(encoded)
        return amounts

    def _write_segment(self, key: str, number: int, encoded: bytes) -> None:
        def write() -> None:
            pipeline = self.connection.pipeline(transaction=True)
            pipeline.hset(key, str(number), encoded)
            pipeline.expire(key, RUNNING_TTL_SECONDS)
            pipeline.execute()

        self._scripts.call(write)

    def partials(self, partition: int) -> Iterator[bytes]:
        """Yield the partials of a partition in the order of their chunks, some at a time."""
        key = self.keys.partials(partition)
        fields: list[bytes] = sorted(self._scripts.call(lambda: self.connection.hkeys(key)), key=int)
        for start in range(0, len(fields), _FIELDS_AT_ONCE):
            yield from self._fields(key, fields[start : start + _FIELDS_AT_ONCE])

    def results(self, partition: int, segments: int) -> Iterator[bytes]:
        """Yield the result segments of a partition in their order, one at a time; ``segments`` is how many there are.

        Raises:
            JobGoneError: a segment is missing.
        """
        key = self.keys.results(partition)
        for number in range(segments):
            yield from self._fields(key, [str(number).encode()])

    def files(self) -> dict[str, bytes]:
        """Return the contents of the job's side files, by name."""
        found: dict[bytes, bytes] = self._scripts.call(lambda: self.connection.hgetall(self.keys.files))
        return {name.decode(): content for name, content in found.items()}

    def content(self, chunk: int) -> bytes | None:
        """Return the bytes that a chunk carries in Redis; None when it is committed, or carries none."""
        content: bytes | None = self._scripts.call(lambda: self.connection.hget(self.keys.contents, str(chunk)))
        return content

    def segments_of(self, partition: int, first: int, number: int) -> list[bytes]:
        """Return some segments of a partition's results."""
        return self._fields(self.keys.results(partition), [str(n).encode() for n in range(first, first + number)])

    def _fields(self, key: str, fields: Sequence[bytes]) -> list[bytes]:
        """Return fields of a hash that should all be there; JobGoneError when one is missing."""
        found: list[bytes | None] = self._scripts.call(lambda: self.connection.hmget(key, fields))
        whole = [value for value in found if value is not None]
        if len(whole) < len(fields):
            message = f"{key} lost a field while it was read: the server lost its memory, or the job was purged"
            raise JobGoneError(message)
        return whole

    def _said(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> str:
        return _text(self._scripts.run(name, keys, args))


def _text(answer: bytes | str) -> str:
    return answer.decode() if isinstance(answer, bytes) else answer
