"""Decoding: turns the hashes of a job and the answers of the scripts into values such as :class:`Snapshot`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from word_counter.errors import UnreadableRecordError
from word_counter.job.model import Cursor, JobState
from word_counter.job.snapshot import Batch, Failure, Origin, Refusal, Running, Snapshot, Suspicion, TaskAttempt

#: How the fields of a job begin that name a worker which leaves it to others.
REFUSED_BY = "refused:"


def decoded(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return a hash as text; bytes that are not UTF-8 are replaced."""
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}


def whole(fields: Mapping[str, str], name: str, default: int = 0) -> int:
    """Return a field that is a whole number; the default, when it is missing or is none."""
    try:
        return int(fields.get(name, default))
    except ValueError:
        return default


@contextmanager
def reading(job_id: str) -> Iterator[None]:
    """Raise UnreadableRecordError for what is read of a job and is not as this package writes it.

    Whoever may write to Redis may have put anything there.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        message = (
            f"what Redis holds of job {job_id} is not what word_counter wrote there ({type(error).__name__}: {error}); "
            "purge it with --force and run it again"
        )
        raise UnreadableRecordError(message) from error


def failure_of(fields: Mapping[str, Any]) -> Failure:
    """Return the failure that a JSON object describes."""
    names = ("task", "attempt", "worker", "kind", "message", "at")
    known = {name: fields[name] for name in ("record", "started", "repeats") if name in fields}
    return Failure(**{name: fields[name] for name in names}, **known, origin=origin_of(fields))


def origin_of(fields: Mapping[str, Any]) -> Origin | None:
    """Return where the failure that a JSON object describes was raised; None when that is not known."""
    origin = fields.get("origin")
    return Origin(**origin) if origin else None


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Pair up the flat list that a script returns. In newer protocols Redis pairs scores itself."""
    if flat and isinstance(flat[0], list | tuple):
        yield from (tuple(pair) for pair in flat)
    else:
        yield from zip(flat[::2], flat[1::2], strict=True)


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    return decoded(dict(_pairs(flat)))


def _suspicion(fields: Mapping[str, Any]) -> Suspicion:
    return Suspicion(fields["suspect"], tuple((index, why) for index, why in fields["skip"]), fields["free"])


def _running(field: bytes, raw: bytes, beaten: int, latest: bytes) -> Running:
    task, _, attempt = field.decode().rpartition("#")
    facts = json.loads(raw)
    started = int(facts["started"])
    return Running(task, int(attempt), facts["batch"], facts["worker"], started, bool(beaten), int(latest))


def snapshot_of(answer: Sequence[Any]) -> Snapshot:
    """Return the snapshot in an answer of ``snapshot.lua``."""
    now, job, batches, leases, failed, waiting, due, mapped, reduced, totals, running, suspects, next_due, held = answer
    fields = _texts(job)
    phases = int(fields.get("phases", 1))
    deadlines = {batch.decode(): int(float(deadline)) for batch, deadline in _pairs(leases)}
    return Snapshot(
        now=now,
        state=JobState(fields["state"]),
        epoch=int(fields["epoch"]),
        reason=fields.get("reason", ""),
        created=int(fields["created"]),
        partitions=int(fields["partitions"]) // phases,
        phases=phases,
        phase=int(fields.get("phase", 0)),
        first_chunks=tuple(json.loads(fields.get("first_chunks", "[0]"))),
        cursor=Cursor(*json.loads(fields["cursor"])),
        split_done=fields["split"] == "done",
        input_bytes=int(fields.get("bytes", 0)),
        held=held,
        retries=int(fields.get("retries", 0)),
        batches=tuple(
            Batch(id_, tuple(TaskAttempt(*item) for item in json.loads(raw)["tasks"]), deadlines.get(id_))
            for id_, raw in _texts(batches).items()
        ),
        failed=tuple(failure_of(json.loads(raw)) for raw in _texts(failed).values()),
        waiting=waiting,
        next_due=int(float(next_due)) if next_due else None,
        due=tuple(TaskAttempt(task, int(done) + 1) for task, done in _texts(due).items()),
        suspicions={task: _suspicion(json.loads(raw)) for task, raw in _texts(suspects).items()},
        running=tuple(_running(*running[i : i + 4]) for i in range(0, len(running), 4)),
        refusals=tuple(
            Refusal(name.removeprefix(REFUSED_BY), **json.loads(raw))
            for name, raw in fields.items()
            if name.startswith(REFUSED_BY)
        ),
        mapped=mapped,
        reduced=reduced,
        totals={name: int(n) for name, n in _texts(totals).items()},
    )
