"""The store on a real server: what each operation does, that a repeated call changes nothing, and what is refused."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from word_counter.errors import JobGoneError
from word_counter.job.model import Chunk, Cursor, JobState, Source, Stage
from word_counter.job.snapshot import (
    CRASHED,
    EXPIRED,
    RAISED,
    REFUSED,
    Batch,
    Failure,
    Origin,
    Refusal,
    Snapshot,
    Suspicion,
    TaskAttempt,
)
from word_counter.store.connection import Redis
from word_counter.store.job_store import JobStore
from word_counter.store.keys import JOBS
from word_counter.store.task_store import BadRecords, Receipt

SOURCES = [Source("/in/\u00fc.txt", 30, 5)]
CHUNKS = [Chunk(n, 0, n * 10, 10, n + 1, 1) for n in range(3)]
LEASE = 30.0
#: What the server's clock puts into values: the only thing that may differ when something is said twice.
_TIMES = re.compile(r'("started"|"at"): ?\d+|(?<=-)\d{13}\b|\b\d{13}(-\d+)?\b')


def _task(number: int, attempt: int = 1, stage: Stage = Stage.MAP) -> TaskAttempt:
    return TaskAttempt(f"{stage.value}:{number}", attempt)


def _receipt(attempt: int = 1, **amounts: int) -> Receipt:
    return Receipt(attempt, "worker-1", 123, 0.5, amounts)


def _failure(number: int = 0, attempt: int = 1, stage: Stage = Stage.MAP) -> Failure:
    return Failure(f"{stage.value}:{number}", attempt, "worker-1", RAISED, "it said \u00fc", 123)


@pytest.fixture
def job(store: JobStore) -> JobStore:
    """A job of three chunks, all split and queued in one batch, and two partitions; its master has the epoch 1."""
    fields: dict[str, str | int] = {
        "state": "mapping",
        "partitions": 2,
        "epoch": 0,
        "cursor": "[0,0,0,1]",
        "split": "open",
    }
    assert store.create(fields, SOURCES)
    assert store.take("master-1", LEASE) == 1
    batch = Batch("m0", tuple(_task(n) for n in range(3)))
    assert store.plan(1, CHUNKS, Cursor(3, 0, 30, 4), [batch], split_done=True)
    return store


def _seen(store: JobStore) -> Snapshot:
    snapshot = store.snapshot()
    assert snapshot is not None
    return snapshot


def _commit(store: JobStore, number: int, attempt: int = 1, batch: str = "m0", **more: Any) -> str:
    partials = more.pop("partials", {0: f'{{"a":{number}}}', 1: f'{{"b":{number}}}'})
    given = {"last": False, "counters": {"seen": 1}, **more}
    return store.commit(batch, _task(number, attempt), _receipt(attempt, lines=1, bytes=10), partials=partials, **given)


def _run(store: JobStore, number: int, attempt: int = 1, batch: str = "m0", **more: Any) -> str:
    assert store.start(batch, _task(number, attempt), "worker-1", LEASE) == "OK"
    return _commit(store, number, attempt, batch, **more)


def _reducing(store: JobStore) -> JobStore:
    """Bring a job to its reduce tasks."""
    for number in range(3):
        assert _run(store, number, last=number == 2) == "OK"
    assert store.advance(1)
    assert store.plan(1, [], None, [Batch(f"r{n}", (_task(n, 1, Stage.REDUCE),)) for n in range(2)], split_done=False)
    return store


def _run_reduce(store: JobStore, number: int, *segments: str) -> str:
    task = _task(number, 1, Stage.REDUCE)
    assert store.start(f"r{number}", task, "worker-1", LEASE) == "OK"
    amounts = store.stage_results(number, 1, segments)
    return store.commit(f"r{number}", task, _receipt(**amounts), last=True, counters={})


def _all(store: JobStore) -> dict[str, str]:
    """Return everything that is in the store of a job, but for the times that the server's clock put there."""
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"hash": store.connection.hgetall,
        b"zset": lambda key: store.connection.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: store.connection.lrange(key, 0, -1),
        b"stream": store.connection.xrange,
    }
    found = {}
    for key in store.connection.scan_iter(match=f"{store.keys.prefix}*"):
        value = readers[store.connection.type(key)](key)
        rows = sorted(value.items()) if isinstance(value, dict) else value
        text = " ".join(part.decode() if isinstance(part, bytes) else str(part) for row in rows for part in _flat(row))
        found[key.decode()] = _TIMES.sub("TIME", text)
    return found


def _flat(row: Any) -> list[Any]:
    if isinstance(row, dict):
        return [part for pair in row.items() for part in pair]
    if isinstance(row, list | tuple):
        return [part for item in row for part in _flat(item)]
    return [row]


def _started(store: JobStore) -> None:
    assert store.start("m0", _task(0), "worker-1", LEASE) == "OK"


def _failed(store: JobStore) -> None:
    _started(store)
    assert store.fail("m0", _failure(), last=False) == "OK"


def _failed_beside_another(store: JobStore) -> None:
    _failed(store)
    assert store.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)


def _reduce_started(store: JobStore) -> None:
    _reducing(store)
    assert store.start("r0", _task(0, 1, Stage.REDUCE), "worker-1", LEASE) == "OK"
    store.stage_results(0, 1, ['{"a":1}'])


def _all_committed(store: JobStore) -> None:
    for number in range(3):
        _run(store, number, last=number == 2)


def _all_reduced(store: JobStore) -> None:
    _reducing(store)
    for number in range(2):
        assert _run_reduce(store, number) == "OK"


def _nothing(store: JobStore) -> None:
    """Leave the job as it is."""


#: Each operation with what must go before it.
OPERATIONS: dict[str, tuple[Callable[[JobStore], object], Callable[[JobStore], Any]]] = {
    "take": (_nothing, lambda store: store.take("master-1", LEASE)),
    "hold": (_nothing, lambda store: store.hold(1, LEASE)),
    "plan": (_nothing, lambda store: store.plan(1, CHUNKS[:1], None, [Batch("m9", (_task(9),))], split_done=True)),
    "start": (_nothing, lambda store: store.start("m0", _task(0), "worker-1", LEASE)),
    "commit": (_started, lambda store: _commit(store, 0)),
    "commit of the last task": (_started, lambda store: _commit(store, 0, last=True)),
    "commit with bad records": (
        _started,
        lambda store: _commit(store, 0, bad=BadRecords({3: '{"line": 4}', 5: "{}"}, raised=2, limit=2)),
    ),
    "commit of a reduce task": (
        _reduce_started,
        lambda store: store.commit("r0", _task(0, 1, Stage.REDUCE), _receipt(), last=True, counters={"keys": 1}),
    ),
    "fail": (_started, lambda store: store.fail("m0", _failure(), last=True)),
    "revoke": (_started, lambda store: store.revoke("m0", CRASHED, "it died")),
    "renew": (_started, lambda store: store.renew("m0", LEASE)),
    "retry": (_failed, lambda store: store.retry(1, "map:0", 5, Suspicion(1, ((2, "why"),), 3))),
    "forget": (_failed_beside_another, lambda store: store.forget(1, _failure())),
    "skip": (_failed, lambda store: store.skip(1, _failure(), CHUNKS[0], '{"file": "x"}')),
    "advance": (_all_committed, lambda store: store.advance(1)),
    "stage results": (_reducing, lambda store: store.stage_results(0, 1, ['{"a":1}', '{"b":2}'])),
    "be frugal": (_nothing, lambda store: store.be_frugal()),
    "confirm": (_all_reduced, lambda store: store.confirm(1, LEASE)),
    "end done": (_all_reduced, lambda store: store.end(1, JobState.DONE, "", 2, 60)),
    "end cancelled": (_started, lambda store: store.end(None, JobState.CANCELLED, "enough", 2, 60)),
    "remove": (_started, lambda store: store.remove(2)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_saying_it_again_changes_nothing(job: JobStore, name: str) -> None:
    before, operation = OPERATIONS[name]
    before(job)
    as_it_was = _all(job)
    operation(job)
    once = _all(job)

    operation(job)

    assert _all(job) == once
    assert once != as_it_was or name in {"take", "hold", "renew", "confirm"}, (
        "the first time should have changed something"
    )


#: What a worker whose answer was lost must hear when it asks again, to go on as if it had heard the first one.
@pytest.mark.parametrize(
    "name",
    [
        "take",
        "hold",
        "plan",
        "start",
        "commit",
        "commit of a reduce task",
        "renew",
        "confirm",
        "end done",
        "end cancelled",
    ],
)
def test_saying_it_again_is_answered_alike(job: JobStore, name: str) -> None:
    before, operation = OPERATIONS[name]
    before(job)

    assert operation(job) == operation(job)


class TestCreate:
    def test_makes_a_job_that_is_listed_with_its_sources(self, job: JobStore, connection: Redis) -> None:
        snapshot = _seen(job)

        assert (snapshot.state, snapshot.epoch, snapshot.partitions) == (JobState.MAPPING, 1, 2)
        assert snapshot.now - 60_000 < snapshot.created <= snapshot.now
        assert job.sources() == SOURCES
        assert connection.zscore(JOBS, job.job_id) == pytest.approx(snapshot.created, abs=10_000)

    def test_leaves_a_job_of_that_name_alone(self, job: JobStore) -> None:
        before = _all(job)

        assert not job.create({"state": "mapping", "partitions": 9}, [])

        assert _all(job) == before

    def test_there_is_no_snapshot_of_a_job_that_is_not_there(self, store: JobStore) -> None:
        assert store.snapshot() is None
        assert store.fields() == {}
        assert store.end(None, JobState.CANCELLED, "", 2, 60) is None
        assert store.take("m", 1) == -1
        assert store.hold(1, 1) == -1


class TestRecordingChunks:
    def test_is_seen_in_the_snapshot(self, job: JobStore) -> None:
        snapshot = _seen(job)

        assert (snapshot.cursor, snapshot.split_done, snapshot.planned) == (Cursor(3, 0, 30, 4), True, 3)
        assert snapshot.batches == (Batch("m0", tuple(_task(n) for n in range(3)), None),)
        assert job.chunks([2, 0]) == [CHUNKS[2], CHUNKS[0]]

    def test_of_waiting_tasks_ends_their_waiting(self, job: JobStore) -> None:
        job.revoke("m0", EXPIRED, "lost", "unleased")
        assert _seen(job).waiting == 3

        assert job.plan(1, [], None, [Batch("m1", (_task(0), _task(2)))], split_done=False)

        assert _seen(job).due == (_task(1),)
        assert _seen(job).split_done

    def test_of_a_job_that_has_ended_is_refused(self, job: JobStore) -> None:
        job.end(None, JobState.CANCELLED, "", 2, 60)

        assert not job.plan(1, CHUNKS, None, [], split_done=False)


class TestStart:
    def test_takes_the_lease_of_the_batch(self, job: JobStore) -> None:
        assert job.start("m0", _task(0), "worker-1", 10.0) == "OK"

        snapshot = _seen(job)
        (batch,) = snapshot.batches
        assert batch.deadline is not None
        assert 8_000 < batch.deadline - snapshot.now <= 10_000
        assert [(r.task, r.attempt, r.batch, r.worker, r.beaten) for r in snapshot.running] == [
            ("map:0", 1, "m0", "worker-1", False)
        ]

    def test_of_a_replayed_attempt_is_stale(self, job: JobStore) -> None:
        job.start("m0", _task(0), "worker-1", LEASE)

        assert job.start("m0", _task(0), "worker-2", LEASE) == "STALE"

    def test_of_an_attempt_that_failed_is_stale_for_its_own_worker_too(self, job: JobStore) -> None:
        _failed(job)

        assert job.start("m0", _task(0), "worker-1", LEASE) == "STALE"

    def test_of_a_later_attempt_is_fine_and_makes_earlier_ones_stale(self, job: JobStore) -> None:
        assert job.start("m0", _task(0, 3), "worker-1", LEASE) == "OK"

        assert job.start("m0", _task(0, 2), "worker-2", LEASE) == "STALE"

    def test_shows_how_many_attempts_there_were_when_later_ones_came_to_nothing(self, job: JobStore) -> None:
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        job.start("m0", _task(0), "worker-1", LEASE)
        job.start("m1", _task(0, 2), "worker-2", LEASE)
        job.fail("m1", _failure(0, 2), last=True)

        assert [(r.attempt, r.latest) for r in _seen(job).running] == [(1, 2)]

    def test_of_an_earlier_attempt_again_does_not_set_the_count_back(self, job: JobStore) -> None:
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        job.start("m0", _task(0), "worker-1", LEASE)
        job.start("m1", _task(0, 2), "worker-2", LEASE)

        job.start("m0", _task(0), "worker-1", LEASE)
        job.revoke("m1", EXPIRED, "gone")

        job.plan(1, [], None, [Batch("m2", (_task(0, 2),))], split_done=False)
        assert job.start("m2", _task(0, 2), "worker-3", LEASE) == "STALE"

    def test_of_a_task_that_is_committed_says_so(self, job: JobStore) -> None:
        _run(job, 0)

        assert job.start("m0", _task(0, 2), "worker-2", LEASE) == "COMMITTED"

    def test_in_a_batch_that_was_revoked_or_never_planned_is_refused(self, job: JobStore) -> None:
        job.revoke("m0", CRASHED, "it died")

        assert job.start("m0", _task(0, 2), "worker-2", LEASE) == "REVOKED"
        assert job.start("invented", _task(0, 2), "worker-2", LEASE) == "REVOKED"

    def test_of_a_stage_that_the_job_is_not_in_is_refused(self, job: JobStore) -> None:
        assert job.start("m0", _task(0, 1, Stage.REDUCE), "worker-1", LEASE) == "ENDED"
        _reducing(job)
        assert job.start("r0", _task(0, 2), "worker-1", LEASE) == "ENDED"

    def test_of_a_job_that_has_ended_is_refused(self, job: JobStore) -> None:
        job.end(None, JobState.CANCELLED, "", 2, 60)

        assert job.start("m0", _task(0), "worker-1", LEASE) == "ENDED"


class TestCommit:
    def test_brings_partials_totals_counters_and_a_receipt_all_at_once(self, job: JobStore, connection: Redis) -> None:
        assert _run(job, 0) == "OK"
        assert _run(job, 2, counters={"seen": 5, "more": 1}) == "OK"

        assert list(job.partials(0)) == [b'{"a":0}', b'{"a":2}']
        assert list(job.partials(1)) == [b'{"b":0}', b'{"b":2}']
        assert job.counters() == {"seen": 6, "more": 1}
        assert _seen(job).totals == {"lines": 2, "bytes": 20, "map_ms": 1_000}
        assert (_seen(job).mapped, _seen(job).running) == (2, ())
        receipt = json.loads(connection.hget(job.keys.receipts(Stage.MAP), "map:0"))
        assert (receipt["attempt"], receipt["worker"], receipt["seconds"]) == (1, "worker-1", 0.5)

    def test_of_the_last_task_ends_the_batch(self, job: JobStore) -> None:
        _run(job, 0)
        assert len(_seen(job).batches) == 1

        _run(job, 1, last=True)

        assert _seen(job).batches == ()
        assert not job.renew("m0", LEASE)

    def test_the_first_one_wins(self, job: JobStore) -> None:
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        job.start("m0", _task(0, 1), "worker-1", LEASE)
        job.start("m1", _task(0, 2), "worker-2", LEASE)
        assert _commit(job, 0, 2, "m1", partials={0: '{"a":"second"}'}, last=True) == "OK"

        before = _all(job)
        beaten = [running for running in _seen(job).running if running.beaten]
        assert _commit(job, 0, 1, partials={0: '{"a":"first"}'}) == "COMMITTED"

        assert list(job.partials(0)) == [b'{"a":"second"}']
        assert [(running.task, running.attempt) for running in beaten] == [("map:0", 1)]
        assert {key for key, value in _all(job).items() if before.get(key) != value} <= {job.keys.running}

    def test_of_a_zombie_whose_batch_was_revoked_is_refused(self, job: JobStore) -> None:
        job.start("m0", _task(0), "worker-1", LEASE)
        job.revoke("m0", EXPIRED, "not heard of")
        before = _all(job)

        assert _commit(job, 0) == "REVOKED"

        assert _all(job) == before

    def test_that_was_never_started_is_refused(self, job: JobStore) -> None:
        before = _all(job)

        assert _commit(job, 0) == "REVOKED"
        assert _commit(job, 0, 7) == "REVOKED"

        assert _all(job) == before

    def test_of_a_job_that_was_cancelled_is_refused(self, job: JobStore) -> None:
        job.start("m0", _task(0), "worker-1", LEASE)
        job.end(None, JobState.CANCELLED, "enough", 2, 60)
        before = _all(job)

        assert _commit(job, 0) in {"ENDED", "REVOKED"}

        assert _all(job) == before

    def test_keeps_bad_records_up_to_what_the_whole_job_may_have(self, job: JobStore) -> None:
        bad = BadRecords({1: '{"line": 2}', 9: '{"line": 10}'}, raised=2, limit=3)
        assert _run(job, 0, bad=bad) == "OK"
        job.start("m0", _task(1), "worker-1", LEASE)
        before = _all(job)

        assert _commit(job, 1, bad=bad) == "TOO MANY"

        assert _all(job) == before
        assert _commit(job, 1, bad=BadRecords({0: '{"line": 1}'}, raised=1, limit=3)) == "OK"
        assert [json.loads(entry)["line"] for entry in job.quarantine(3)] == [2, 10, 1]

    def test_wakes_who_waits_for_news(self, job: JobStore) -> None:
        last, _ = job.wait(0.01, "0-0")

        _run(job, 0)
        last, events = job.wait(1, last)

        assert [(event["action"], float(event.get("seconds", 0))) for event in events] == [
            ("started", 0),
            ("committed", 0.5),
        ]
        assert job.wait(0.01, last) == (last, [])


def test_each_attempt_tells_how_it_went_with_its_task_number_and_worker(job: JobStore) -> None:
    _run(job, 0)
    job.start("m0", _task(1), "worker-1", LEASE)
    job.fail("m0", _failure(1), last=False)
    job.retry(1, "map:1", 60)
    job.start("m0", _task(2), "worker-1", LEASE)
    job.revoke("m0", EXPIRED, "not heard of")

    _, events = job.wait(0.01, "0-0")

    told = [(event["action"], event["task"], event["attempt"], event["worker"]) for event in events if "task" in event]
    assert told == [
        ("started", "map:0", "1", "worker-1"),
        ("committed", "map:0", "1", "worker-1"),
        ("started", "map:1", "1", "worker-1"),
        ("failed", "map:1", "1", "worker-1"),
        ("retried", "map:1", "1", "worker-1"),
        ("started", "map:2", "1", "worker-1"),
        ("failed", "map:2", "1", "worker-1"),
    ]
    assert [event["kind"] for event in events if event["action"] == "failed"] == [RAISED, EXPIRED]


class TestFail:
    def test_leaves_the_task_for_the_master_to_decide_about(self, job: JobStore, connection: Redis) -> None:
        job.start("m0", _task(0), "worker-1", LEASE)

        assert job.fail("m0", _failure(), last=False) == "OK"

        assert _seen(job).failed == (_failure(),)
        assert _seen(job).running == ()
        assert len(_seen(job).batches) == 1
        assert connection.llen(job.keys.failures) == 1

    def test_of_an_attempt_that_is_not_running_is_refused(self, job: JobStore) -> None:
        before = _all(job)

        assert job.fail("m0", _failure(), last=False) == "REVOKED"

        assert _all(job) == before

    def test_of_a_task_that_another_attempt_made_is_only_noted(self, job: JobStore, connection: Redis) -> None:
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        job.start("m0", _task(0, 1), "worker-1", LEASE)
        job.start("m1", _task(0, 2), "worker-2", LEASE)
        _commit(job, 0, 2, "m1", last=True)

        assert job.fail("m0", _failure(), last=False) == "OK"

        assert _seen(job).failed == ()
        assert connection.llen(job.keys.failures) == 1


class TestWhatWasRaised:
    def _raise(self, job: JobStore, number: int, attempt: int = 1, batch: str = "m0", line: int = 7) -> Failure:
        """Let an attempt raise, and return its failure as any master that comes sees it."""
        assert job.start(batch, _task(number, attempt), "worker-1", LEASE) == "OK"
        origin = Origin("NameError", "/jobs/\u00fc.py", line)
        assert job.fail(batch, replace(_failure(number, attempt), origin=origin), last=False) == "OK"
        (failure,) = (failure for failure in _seen(job).failed if failure.task == f"map:{number}")
        assert failure.origin == origin
        return failure

    def test_is_counted_over_all_tasks_by_what_it_is_and_where(self, job: JobStore) -> None:
        assert self._raise(job, 0).repeats == 0
        assert self._raise(job, 1, line=8).repeats == 0
        assert self._raise(job, 2).repeats == 1
        job.retry(1, "map:0", 0)
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        assert self._raise(job, 0, 2, "m1").repeats == 2

    def test_does_not_count_any_more_when_a_later_attempt_made_its_task(self, job: JobStore) -> None:
        self._raise(job, 0)
        job.retry(1, "map:0", 0)
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        _run(job, 0, 2, "m1")

        assert self._raise(job, 1).repeats == 0

    def test_nor_when_its_chunk_was_set_aside(self, job: JobStore) -> None:
        failure = self._raise(job, 0)
        assert job.skip(1, failure, CHUNKS[0], "{}")

        assert self._raise(job, 1).repeats == 0

    def test_is_not_counted_where_it_may_pass(self, job: JobStore, connection: Redis) -> None:
        origin = Origin("OSError", "/jobs/mine.py", 7, transient=True)
        for number in (0, 1):
            job.start("m0", _task(number), "worker-1", LEASE)
            job.fail("m0", replace(_failure(number), origin=origin), last=False)

        assert [failure.repeats for failure in _seen(job).failed] == [0, 0]
        assert not connection.exists(job.keys.raised)


class TestForget:
    def test_drops_a_failure_when_another_attempt_is_queued_or_runs(self, job: JobStore) -> None:
        _failed_beside_another(job)
        job.start("m1", _task(0, 2), "worker-2", LEASE)

        assert job.forget(1, _failure())

        assert _seen(job).failed == ()

    def test_keeps_it_when_none_is_left_at_the_task(self, job: JobStore) -> None:
        _failed_beside_another(job)
        job.revoke("m1", CRASHED, "it died before it began")

        assert not job.forget(1, _failure())

        assert _seen(job).failed == (_failure(),)

    def test_keeps_it_for_a_batch_that_is_past_the_task(self, job: JobStore) -> None:
        _failed_beside_another(job)
        job.start("m1", _task(0, 2), "worker-2", LEASE)
        job.fail("m1", _failure(0, 2), last=False)
        assert _seen(job).failed == (_failure(0, 2),)

        assert not job.forget(1, _failure(0, 2)), "of both batches nothing is left that is at this task"
        assert not job.forget(1, _failure()), "another attempt has failed since"

        assert _seen(job).failed == (_failure(0, 2),)

    def test_an_earlier_attempt_that_fails_late_does_not_hide_the_later_failure(self, job: JobStore) -> None:
        job.plan(1, [], None, [Batch("m1", (_task(0, 2),))], split_done=False)
        job.start("m0", _task(0), "worker-1", LEASE)
        job.start("m1", _task(0, 2), "worker-2", LEASE)
        job.fail("m1", _failure(0, 2), last=True)

        job.fail("m0", _failure(), last=False)

        assert _seen(job).failed == (_failure(0, 2),)


class TestRevoke:
    def test_fails_what_was_started_and_lets_the_rest_wait_but_for_what_is_committed(self, job: JobStore) -> None:
        _run(job, 0)
        job.start("m0", _task(1), "worker-1", LEASE)

        assert job.revoke("m0", CRASHED, "it died", record=7)

        snapshot = _seen(job)
        (failure,) = snapshot.failed
        assert (failure.task, failure.attempt, failure.kind, failure.message) == ("map:1", 1, CRASHED, "it died")
        assert (failure.worker, failure.record) == ("worker-1", 7)
        assert failure.started is not None
        assert failure.at - 60_000 < failure.started <= failure.at
        assert snapshot.due == (_task(2),)
        assert (snapshot.batches, snapshot.running) == ((), ())

    def test_an_expired_one_only_when_its_lease_ran_out(self, job: JobStore) -> None:
        assert not job.revoke("m0", EXPIRED, "late", "expired"), "nobody has its lease"
        job.start("m0", _task(0), "worker-1", LEASE)
        assert not job.revoke("m0", EXPIRED, "late", "expired")
        job.renew("m0", 0.001)
        time.sleep(0.01)

        assert job.revoke("m0", EXPIRED, "late", "expired")

    def test_a_lost_one_only_when_nobody_has_started_it(self, job: JobStore) -> None:
        job.start("m0", _task(0), "worker-1", LEASE)
        assert not job.revoke("m0", EXPIRED, "lost", "unleased")

        job.plan(1, [], None, [Batch("m1", (_task(9),))], split_done=False)
        assert job.revoke("m1", EXPIRED, "lost", "unleased")

    def test_one_that_is_not_there_is_refused(self, job: JobStore) -> None:
        assert not job.revoke("nonsense", CRASHED, "it died")


class TestRefusal:
    def test_gives_the_batch_back_before_any_attempt_counts_and_is_known_to_the_master(self, job: JobStore) -> None:
        refusal = Refusal("worker-9", "it may not load \u00fc")

        assert job.revoke("m0", REFUSED, refusal.reason, "unleased", refusal=refusal)

        snapshot = _seen(job)
        assert [(found.worker, found.reason) for found in snapshot.refusals] == [("worker-9", "it may not load \u00fc")]
        assert 0 <= snapshot.now - snapshot.refusals[0].at < 60_000
        assert snapshot.due == tuple(_task(number) for number in range(3))
        assert (snapshot.failed, snapshot.batches) == ((), ())

    def test_of_a_batch_that_another_process_is_at_is_not_heard(self, job: JobStore) -> None:
        _started(job)

        assert not job.revoke("m0", REFUSED, "", "unleased", refusal=Refusal("worker-9", ""))
        assert _seen(job).refusals == ()


class TestLeases:
    def test_are_renewed_on_the_servers_clock(self, job: JobStore) -> None:
        job.start("m0", _task(0), "worker-1", 1.0)

        assert job.renew("m0", 100.0)

        snapshot = _seen(job)
        assert snapshot.batches[0].deadline is not None
        assert 98_000 < snapshot.batches[0].deadline - snapshot.now <= 100_000

    def test_of_a_batch_that_nobody_started_are_not_made_by_renewing(self, job: JobStore) -> None:
        assert job.renew("m0", 100.0)

        assert _seen(job).batches[0].deadline is None


class TestRetry:
    def test_lets_a_failed_task_wait_and_then_come_back_as_the_next_attempt(self, job: JobStore) -> None:
        _failed(job)

        assert job.retry(1, "map:0", 0.05, Suspicion(4, ((2, "why"),), 1))

        assert (_seen(job).failed, _seen(job).waiting, _seen(job).due) == ((), 1, ())
        time.sleep(0.06)
        assert _seen(job).due == (_task(0, 2),)
        assert _seen(job).suspicions == {"map:0": Suspicion(4, ((2, "why"),), 1)}
        assert _seen(job).retries == 1

    def test_of_a_task_that_did_not_fail_is_refused(self, job: JobStore) -> None:
        assert not job.retry(1, "map:0", 0)
        assert (_seen(job).retries, _seen(job).waiting) == (0, 0)


class TestSkip:
    def test_stands_in_for_a_commit_and_keeps_the_reason(self, job: JobStore) -> None:
        _run(job, 1)
        _run(job, 2)
        _failed(job)

        assert job.skip(1, _failure(), CHUNKS[0], '{"reason": "bad"}')

        assert _seen(job).mapped == 3
        assert _seen(job).totals["skipped_chunks"] == _seen(job).totals["skipped_lines"] == 1
        assert list(job.quarantine(1)) == ['{"reason": "bad"}']
        assert job.advance(1)

    def test_quarantine_is_in_the_order_of_the_input(self, job: JobStore) -> None:
        job.plan(1, [Chunk(n, 0, 0, 0, 1, 1) for n in range(3, 12)], None, [], split_done=False)
        for number in (11, 2, 0):
            job.start("m0", _task(number), "worker-1", LEASE)
            job.fail("m0", _failure(number), last=False)
            job.skip(1, _failure(number), CHUNKS[0], str(number))

        assert list(job.quarantine(3)) == ["0", "2", "11"]


class TestReducing:
    def test_begins_when_every_chunk_of_the_whole_input_is_committed(self, store: JobStore) -> None:
        fields: dict[str, str | int] = {
            "state": "mapping",
            "partitions": 1,
            "epoch": 0,
            "cursor": "[0,0,0,1]",
            "split": "open",
        }
        store.create(fields, SOURCES)
        store.take("master-1", LEASE)
        store.plan(1, CHUNKS[:2], None, [Batch("m0", (_task(0), _task(1)))], split_done=False)
        _run(store, 0)
        _run(store, 1)
        assert not store.advance(1), "the input is not split to its end"
        store.plan(1, CHUNKS[2:], None, [Batch("m1", (_task(2),))], split_done=True)
        assert not store.advance(1), "a chunk is not committed"
        _run(store, 2, batch="m1")

        assert store.advance(1)
        assert _seen(store).state is JobState.REDUCING

    def test_shows_results_only_when_they_are_committed(self, job: JobStore) -> None:
        _reducing(job)
        segments = [f'{{"{n:03d}":{n}}}' for n in range(12)]
        job.start("r0", _task(0, 1, Stage.REDUCE), "worker-1", LEASE)

        assert job.stage_results(0, 1, segments) == {"result_bytes": sum(map(len, segments)), "segments": 12}
        assert job.connection.hlen(job.keys.results(0)) == 0
        job.commit("r0", _task(0, 1, Stage.REDUCE), _receipt(), last=True, counters={})

        assert [segment.decode() for segment in job.results(0, 12)] == segments
        assert _seen(job).reduced == 1

    def test_is_not_committed_when_a_part_of_what_was_staged_is_lost(self, job: JobStore, connection: Redis) -> None:
        _reducing(job)
        task = _task(0, 1, Stage.REDUCE)
        job.start("r0", task, "worker-1", LEASE)
        amounts = job.stage_results(0, 1, ['{"a":1}', '{"b":2}'])
        connection.hdel(job.keys.staged(0, 1), "1")

        assert job.commit("r0", task, _receipt(**amounts), last=True, counters={}) == "REVOKED"

        assert _seen(job).reduced == 0
        assert not connection.exists(job.keys.results(0))

    def test_staging_again_leaves_nothing_of_the_first_time(self, job: JobStore) -> None:
        _reduce_started(job)
        job.stage_results(0, 1, ["{}", "{}", "{}"])
        job.stage_results(0, 1, ['{"a":1}'])

        job.commit("r0", _task(0, 1, Stage.REDUCE), _receipt(), last=True, counters={})

        assert list(job.results(0, 1)) == [b'{"a":1}']

    def test_a_partition_without_keys_has_no_results(self, job: JobStore) -> None:
        _reducing(job)

        assert _run_reduce(job, 1) == "OK"

        assert job.connection.exists(job.keys.results(1)) == 0
        assert _seen(job).reduced == 1

    def test_frees_the_partials_when_memory_is_short(self, job: JobStore) -> None:
        _reducing(job)
        job.be_frugal()

        _run_reduce(job, 0, '{"a":1}')

        assert list(job.partials(0)) == []
        assert len(list(job.partials(1))) == 3

    def test_what_vanishes_while_it_is_read_is_noticed(self, job: JobStore, connection: Redis) -> None:
        _all_committed(job)
        reading = job.partials(0)
        connection.delete(job.keys.partials(0))
        assert list(reading) == []

        job.connection.hset(job.keys.partials(1), mapping={str(n): "{}" for n in range(200)})
        reading = job.partials(1)
        next(reading)
        connection.delete(job.keys.partials(1))
        with pytest.raises(JobGoneError):
            list(reading)


class TestEnd:
    def test_lets_every_key_expire_and_keeps_the_reason(self, job: JobStore, connection: Redis) -> None:
        _failed(job)
        _run(job, 1)

        assert job.end(1, JobState.FAILED, "because \u00fc", 2, 100) is JobState.FAILED

        assert (_seen(job).state, _seen(job).reason) == (JobState.FAILED, "because \u00fc")
        lives = {key: connection.ttl(key) for key in connection.scan_iter(match=f"{job.keys.prefix}*")}
        assert lives
        assert all(0 < life <= 100 for life in lives.values()), lives

    def test_as_done_only_when_all_is_reduced(self, job: JobStore) -> None:
        _reducing(job)
        _run_reduce(job, 0)
        assert job.end(1, JobState.DONE, "", 2, 60) is JobState.REDUCING

        _run_reduce(job, 1)

        assert job.end(1, JobState.DONE, "", 2, 60) is JobState.DONE

    def test_the_first_one_stays(self, job: JobStore) -> None:
        job.end(None, JobState.CANCELLED, "enough", 2, 60)

        assert job.end(1, JobState.FAILED, "other", 2, 60) is JobState.CANCELLED
        assert _seen(job).reason == "enough"

    def test_every_key_of_a_running_job_has_a_life_too(self, job: JobStore, connection: Redis) -> None:
        _reduce_started(job)

        lives = {key: connection.ttl(key) for key in connection.scan_iter(match=f"{job.keys.prefix}*")}

        assert min(lives.values()) > 3600
        job.refresh(2)

    def test_removing_leaves_no_key(self, job: JobStore, connection: Redis) -> None:
        _all_reduced(job)

        job.remove(2)

        assert list(connection.scan_iter(match=f"{job.keys.prefix}*")) == []
        assert connection.zscore(JOBS, job.job_id) is None


class TestRemoving:
    def test_what_another_has_made_anew_is_refused(self, job: JobStore) -> None:
        maker = job.fields()["made_by"]
        job.end(1, JobState.FAILED, "", 2, 60)
        assert job.remove(2, maker)
        fields: dict[str, str | int] = {"state": "failed", "partitions": 2, "epoch": 0, "split": "open", "cursor": "[]"}
        assert job.create(fields, SOURCES, "another")
        before = _all(job)

        assert not job.remove(2, maker)

        assert _all(job) == before

    def test_what_has_not_ended_is_refused(self, job: JobStore, connection: Redis) -> None:
        before = _all(job)

        assert not job.remove(2, job.fields()["made_by"])

        assert _all(job) == before
        assert connection.zscore(JOBS, job.job_id) is not None

    def test_what_is_gone_is_fine(self, job: JobStore) -> None:
        assert job.remove(2)
        assert job.remove(2, "somebody")


class TestLeaderLease:
    def test_is_one_masters_at_a_time(self, job: JobStore) -> None:
        assert job.take("master-2", LEASE) == 0
        assert job.hold(1, LEASE) == 1

    def test_goes_to_another_with_the_next_epoch_when_it_is_let_go_or_time_is_up(self, job: JobStore) -> None:
        job.hold(1, 0)
        assert job.take("master-2", 0.001) == 2
        time.sleep(0.01)

        assert job.take("master-3", LEASE) == 3
        assert [job.hold(epoch, LEASE) for epoch in (1, 2, 3)] == [0, 0, 1]

    def test_of_a_job_that_has_ended_cannot_be_acquired(self, job: JobStore) -> None:
        job.end(None, JobState.CANCELLED, "", 2, 60)

        assert job.take("master-2", LEASE) == -1

    def test_an_old_master_changes_nothing_any_more(self, job: JobStore) -> None:
        _failed(job)
        job.hold(1, 0)
        assert job.take("master-2", LEASE) == 2
        before = _all(job)

        assert not job.plan(1, CHUNKS, Cursor(9), [Batch("m9", (_task(9),))], split_done=True)
        assert not job.retry(1, "map:0", 0)
        assert not job.forget(1, _failure())
        assert not job.skip(1, _failure(), CHUNKS[0], "{}")
        assert not job.advance(1)
        assert job.end(1, JobState.FAILED, "old", 2, 60) is JobState.MAPPING

        assert _all(job) == before


def test_a_snapshot_is_as_large_as_what_runs_and_not_as_the_job(store: JobStore) -> None:
    fields: dict[str, str | int] = {
        "state": "mapping",
        "partitions": 1,
        "epoch": 0,
        "cursor": "[0,0,0,1]",
        "split": "open",
    }
    store.create(fields, SOURCES)
    store.take("master-1", LEASE)
    sizes = []
    done = 0
    for more in (20, 2_000):
        chunks = [Chunk(n, 0, n, 1, n + 1, 1) for n in range(done, done + more)]
        tasks = tuple(_task(chunk.id) for chunk in chunks)
        store.plan(1, chunks, Cursor(done + more), [Batch("m0", tasks)], split_done=False)
        for chunk in chunks:
            _run(store, chunk.id, last=chunk is chunks[-1])
        done += more
        sizes.append(len(repr(_seen(store))))

    assert sizes[1] - sizes[0] < 30


def test_a_snapshot_brings_no_more_than_so_many_waiting_tasks(job: JobStore) -> None:
    tasks = tuple(_task(n) for n in range(2_000))
    job.plan(1, [], None, [Batch("m1", tasks)], split_done=False)
    job.revoke("m1", EXPIRED, "lost", "unleased")

    snapshot = _seen(job)

    assert snapshot.waiting == 2_000
    assert len(snapshot.due) == 500


def test_jobs_do_not_see_each_other(job: JobStore, connection: Redis) -> None:
    other = JobStore(connection, f"{job.job_id}-2")
    before = _all(job)
    other.create({"state": "mapping", "partitions": 2, "epoch": 0, "cursor": "[0,0,0,1]", "split": "open"}, [])
    other.take("m", LEASE)
    other.plan(1, CHUNKS, None, [Batch("m0", (_task(0),))], split_done=True)
    _run(other, 0)
    other.end(None, JobState.CANCELLED, "", 2, 60)

    assert _all(job) == before
    assert _seen(job).running == ()
