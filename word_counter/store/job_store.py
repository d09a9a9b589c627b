"""Job store: the operations of a master. It makes a job, leads it, records chunks, handles failures and ends the job.

Redis holds the only true state of a job. See :mod:`word_counter.store.task_store` for the operations of workers and for
how operations are built, and :mod:`word_counter.store.keys` for the keys.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from secrets import token_hex
from typing import Any

from word_counter.errors import JobGoneError
from word_counter.job.model import Chunk, Cursor, Done, JobState, Source, Stage, task_name
from word_counter.job.snapshot import Batch, Failure, Snapshot, Suspicion
from word_counter.settings.memory import UNKNOWN, Memory
from word_counter.settings.plurals import count
from word_counter.store.decoding import decoded, reading, snapshot_of
from word_counter.store.job_index import JobIndex
from word_counter.store.keys import RUNNING_TTL_SECONDS
from word_counter.store.task_store import TaskStore

#: The most waiting tasks in one snapshot.
_WAITING_AT_ONCE = 500
_UNDER_WAY = {state.value for state in JobState if not state.ended}


class JobStore(TaskStore):
    """The state of one job. All times are in milliseconds on the server's clock; all text is returned as ``str``."""

    def create(
        self,
        fields: Mapping[str, str | int],
        sources: Sequence[Source],
        made_by: str = "",
        files: Mapping[str, bytes] | None = None,
    ) -> bool:
        """Make the job; False when one of its name exists that another master made. ``made_by`` is a name used once."""
        maker = made_by or token_hex(8)
        flat = [text for pair in fields.items() for text in pair]
        listed = [json.dumps(source.listed()) for source in sources]
        contents = [part for pair in (files or {}).items() for part in pair]
        keys = [self.keys.job, self.keys.sources, self.keys.files]
        args = [RUNNING_TTL_SECONDS, len(fields), maker, len(files or {}), *flat, *contents, *listed]
        made = self._scripts.run("create", keys, args)
        if made:
            self._index()
        return bool(made)

    def _index(self) -> None:
        JobIndex(self.connection, self._scripts).update(self.job_id)

    def refresh(self, partitions: int) -> None:
        """Put off the expiry of the job's keys by a week, as the job is being worked on."""

        def expire() -> None:
            pipeline = self.connection.pipeline(transaction=False)
            for key in self.keys.every(partitions):
                pipeline.expire(key, RUNNING_TTL_SECONDS)
            pipeline.execute()

        self._scripts.call(expire)
        self._index()

    def fields(self) -> dict[str, str]:
        """Return the job's own fields; empty when there is no such job."""
        return decoded(self._scripts.call(lambda: self.connection.hgetall(self.keys.job)))

    def sources(self) -> list[Source]:
        """Return the job's sources in their order."""
        found = decoded(self._scripts.call(lambda: self.connection.hgetall(self.keys.sources)))
        with reading(self.job_id):
            return [Source(*json.loads(found[index])) for index in sorted(found, key=int)]

    def remove(self, partitions: int, made_by: str = "") -> bool:
        """Delete the job and all its keys; with ``made_by`` only the job that this master made, if it has ended."""
        removed = bool(self._scripts.run("remove", self.keys.every(partitions), [made_by]))
        self._index()
        return removed

    def take(self, master: str, hold_seconds: float) -> int:
        """Acquire the leader lease and return its epoch; 0: another master holds it; -1: the job is gone or ended."""
        return int(self._scripts.run("take", [self.keys.job], [int(hold_seconds * 1000), master]))

    def hold(self, epoch: int, hold_seconds: float, memory: Memory = UNKNOWN) -> int:
        """Renew the leader lease for so long, or release it by 0: 1; 0: another master holds it; -1: no such job."""
        return int(self._scripts.run("hold", [self.keys.job], [epoch, int(hold_seconds * 1000), *memory]))

    def plan(
        self,
        epoch: int,
        chunks: Sequence[Chunk],
        cursor: Cursor | None,
        batches: Sequence[Batch],
        *,
        split_done: bool,
        contents: Mapping[int, bytes] | None = None,
        input_bytes: int | None = None,
    ) -> bool:
        """Record new chunks, how far splitting is, and batches about to be queued.

        Args:
            epoch: that of the leader lease.
            chunks: the new chunks.
            cursor: how far splitting is; None: no farther than before.
            batches: the batches.
            split_done: whether the input is at its end.
            contents: the bytes of the chunks that carry them, by chunk id.
            input_bytes: the size of the whole input, when it differs from the size known so far.

        Returns:
            False when another master holds the lease, or the job has ended.
        """
        described = [text for c in chunks for text in (c.id, json.dumps(c[1:]))]
        queued = [text for b in batches for text in (b.id, json.dumps({"tasks": b.tasks}))]
        keys = [self.keys.job, self.keys.chunks, self.keys.batches, self.keys.waiting]
        at = "" if cursor is None else json.dumps(cursor)
        args: list[Any] = [epoch, RUNNING_TTL_SECONDS, at, "done" if split_done else ""]
        args += ["" if input_bytes is None else input_bytes, len(chunks), *described, len(batches), *queued]
        self._write_contents(contents or {})
        planned = bool(self._scripts.run("plan", keys, args))
        if contents and not planned and self.fields().get("state") not in _UNDER_WAY:
            self._scripts.call(lambda: self.connection.unlink(self.keys.contents))
        return planned

    def _write_contents(self, contents: Mapping[int, bytes]) -> None:
        """Write the bytes of chunks that carry them, one chunk at a time, as they are long.

        The script that records the chunks would copy them twice more. A master that has lost its lease does no harm
        here: every master writes the same bytes for a chunk.
        """
        for chunk, content in contents.items():

            def write(chunk: int = chunk, content: bytes = content) -> None:
                pipeline = self.connection.pipeline(transaction=True)
                pipeline.hset(self.keys.contents, str(chunk), content)
                pipeline.expire(self.keys.contents, RUNNING_TTL_SECONDS)
                pipeline.execute()

            self._scripts.call(write)

    def retry(self, epoch: int, task: str, after_seconds: float, suspicion: Suspicion | None = None) -> bool:
        """Retry a failed task after so many seconds. The next attempt is given ``suspicion``."""
        keys = [self.keys.job, self.keys.failed, self.keys.waiting, self.keys.suspects, self.keys.events]
        known = "" if suspicion is None else json.dumps(asdict(suspicion))
        return bool(
            self._scripts.run("retry", keys, [epoch, task, int(after_seconds * 1000), RUNNING_TTL_SECONDS, known])
        )

    def forget(self, epoch: int, failure: Failure) -> bool:
        """Drop a failed attempt; False when its task has no other attempt (any more)."""
        k = self.keys
        keys = [k.job, k.failed, k.batches, k.running, k.attempts]
        return bool(self._scripts.run("forget", keys, [epoch, failure.task, failure.attempt]))

    def skip(self, epoch: int, failure: Failure, chunk: Chunk, entry: str, digest: str = "") -> bool:
        """Put the chunk of a map task that failed for good into quarantine, with its entry (JSON) and digest."""
        k = self.keys
        keys = [k.job, k.failed, k.receipts(Stage.MAP), k.quarantine, k.totals, k.contents, k.raised]
        receipt = {"task": failure.task, "attempt": 0, "skipped": True, "worker": failure.worker, "digest": digest}
        args = [epoch, failure.task, json.dumps(receipt), entry, chunk.lines, chunk.length, RUNNING_TTL_SECONDS]
        args += [chunk.id, failure.attempt]
        return bool(self._scripts.run("skip", keys, args))

    def be_frugal(self) -> None:
        """Free each partition's partials as soon as it is reduced, from now on: memory is short."""
        self._scripts.call(lambda: self.connection.hset(self.keys.job, "frugal", 1))

    def advance(self, epoch: int) -> bool:
        """Go from mapping to reducing; False unless every chunk of the input has its receipt."""
        keys = [self.keys.job, self.keys.chunks, self.keys.receipts(Stage.MAP)]
        return bool(self._scripts.run("advance", keys, [epoch]))

    def next_phase(self, epoch: int, snapshot: Snapshot) -> bool:
        """Go from a reduced phase to the next one; False when it is not reduced, or another master has the lease."""
        k, size, phase = self.keys, snapshot.partitions, snapshot.phase
        keys = [k.job, k.receipts(Stage.REDUCE)]
        keys += [k.partials(n) for n in range(phase * size, (phase + 1) * size)]
        keys += [k.results(n) for n in range(max(0, phase - 1) * size, phase * size)]
        cursor = Cursor(snapshot.planned, phase * size)
        first_chunks = [*snapshot.first_chunks, snapshot.planned]
        args = [epoch, phase, size, json.dumps(cursor), json.dumps(first_chunks)]
        return bool(self._scripts.run("next_phase", keys, args))

    def end(
        self, epoch: int | None, state: JobState, reason: str, partitions: int, retention_seconds: int
    ) -> JobState | None:
        """End the job and return its state now; None: there is no such job. With ``epoch`` None any caller may."""
        args = ["" if epoch is None else epoch, state.value, reason, retention_seconds]
        answer: bytes = self._scripts.run("end", self.keys.every(partitions), args)
        self._index()
        return JobState(answer.decode()) if answer else None

    def segments(self, partitions: Iterable[int]) -> list[int]:
        """Return how many segments the results of each partition have, by its receipt.

        Raises:
            JobGoneError: a partition has no receipt.
        """
        tasks = [task_name(Stage.REDUCE, number).encode() for number in partitions]
        found = self._fields(self.keys.receipts(Stage.REDUCE), tasks)
        with reading(self.job_id):
            return [int(json.loads(raw)["amounts"]["segments"]) for raw in found]

    def confirm(self, epoch: int, hold_seconds: float) -> str:
        """Renew the lease if the job is complete; return "", or what is wrong with it (see ``confirm.lua``)."""
        k = self.keys
        keys = [k.job, k.chunks, k.receipts(Stage.MAP), k.receipts(Stage.REDUCE), k.quarantine, k.totals]
        answer: bytes = self._scripts.run("confirm", keys, [epoch, int(hold_seconds * 1000)])
        return answer.decode()

    def snapshot(self) -> Snapshot | None:
        """Return the snapshot that the master decides by, or None when there is no such job."""
        k = self.keys
        keys = [k.job, k.batches, k.leases, k.failed, k.waiting, k.receipts(Stage.MAP), k.receipts(Stage.REDUCE)]
        keys += [k.totals, k.attempts, k.running, k.suspects, k.contents]
        answer = self._scripts.run("snapshot", keys, [_WAITING_AT_ONCE])
        _, job, *_ = answer
        if not job:
            return None
        with reading(self.job_id):
            return snapshot_of(answer)

    def wait(self, seconds: float, last_event: str) -> tuple[str, list[dict[str, str]]]:
        """Wait until something happens or time is up. Return the last event's id, for the next call, and the events."""
        milliseconds = max(1, int(seconds * 1000))
        answer = self._scripts.call(
            lambda: self.connection.xread({self.keys.events: last_event}, count=1000, block=milliseconds)
        )
        # Protocol 3 answers with a dict of lists of lists, protocol 2 with a list of pairs.
        streams = answer.values() if isinstance(answer, dict) else [events for _, events in answer or ()]
        found = [
            event for events in streams for event in (events[0] if events and isinstance(events[0], list) else events)
        ]
        if not found:
            return last_event, []
        return found[-1][0].decode(), [decoded(fields) for _, fields in found]

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """Return the chunks of these ids, in their order."""
        found = self._fields(self.keys.chunks, [str(id_).encode() for id_ in ids])
        with reading(self.job_id):
            return [Chunk(id_, *json.loads(raw)) for id_, raw in zip(ids, found, strict=True)]

    def done(self, stage: Stage, numbers: Sequence[int]) -> list[Done]:
        """Return what the receipts of tasks say, in their order.

        Raises:
            JobGoneError: a receipt is missing.
        """
        tasks = [task_name(stage, number).encode() for number in numbers]
        found = [json.loads(raw) for raw in self._fields(self.keys.receipts(stage), tasks)] if tasks else []
        names = ("amounts", "worker", "started", "seconds", "digest", "skipped")
        with reading(self.job_id):
            return [Done(**{name: one[name] for name in names if name in one}) for one in found]

    def failed_attempts(self) -> dict[str, int]:
        """Return how many attempts failed, by the kind of failure. Only the last 10,000 are known."""
        found = self._scripts.call(lambda: self.connection.lrange(self.keys.failures, 0, -1))
        with reading(self.job_id):
            return dict(Counter(str(json.loads(raw)["kind"]) for raw in found))

    def counters(self) -> dict[str, int]:
        """Return the user's counters."""
        found = self._scripts.call(lambda: self.connection.hgetall(self.keys.counters))
        with reading(self.job_id):
            return {name: int(n) for name, n in decoded(found).items()}

    def set_aside(self) -> int:
        """Return how many entries the quarantine has."""
        return int(self._scripts.call(lambda: self.connection.hlen(self.keys.quarantine)))

    def quarantine(self, entries: int) -> Iterator[str]:
        """Yield the quarantine's entries (JSON), in the order of the input; ``entries`` is how many there are.

        Raises:
            JobGoneError: an entry is missing.
        """
        fields: list[bytes] = self._scripts.call(lambda: self.connection.hkeys(self.keys.quarantine))
        if len(fields) != entries:
            there = count(len(fields), "entry", "entries")
            message = f"{self.keys.quarantine} has {there} of {entries:,} that were set aside"
            raise JobGoneError(message)
        for name in sorted(fields, key=_place):
            yield from (raw.decode() for raw in self._fields(self.keys.quarantine, [name]))


def _place(field: bytes) -> tuple[int, int]:
    """Return the sort key of a quarantine field, ``map:CHUNK`` or ``map:CHUNK#RECORD``: its place in the input."""
    chunk, _, record = field.decode().removeprefix("map:").partition("#")
    return int(chunk), int(record or -1)
