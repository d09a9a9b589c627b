"""Task runner on a real store: what it does with a batch that it must not run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from word_counter.job.model import Chunk, Cursor, Source, Stage
from word_counter.job.snapshot import RAISED, Batch, Failure, TaskAttempt
from word_counter.queue.payload import Payload
from word_counter.store.connection import Redis
from word_counter.store.job_store import JobStore
from word_counter.store.worker_registry import WorkerRegistry
from word_counter.worker.permissions import Permissions
from word_counter.worker.task_runner import TaskRunner

LEASE = 30.0
FIRST = TaskAttempt("map:0", 1)


@pytest.fixture
def payload(store: JobStore, folder: Path) -> Payload:
    """The batch m1 of a job of one chunk: the first attempt at it, though that was made and failed in m0 before."""
    (folder / "text.txt").write_text("a b\n")
    source = Source(str(folder / "text.txt"), 4, (folder / "text.txt").stat().st_mtime_ns)
    chunk = Chunk(0, 0, 0, 4, 1, 1)
    fields: dict[str, str | int] = {"state": "mapping", "partitions": 1, "epoch": 0, "cursor": "[0,0,0,1]"}
    assert store.create({**fields, "split": "open"}, [source])
    assert store.take("master", LEASE) == 1
    assert store.plan(1, [chunk], Cursor(1), [Batch("m0", (FIRST,))], split_done=True)
    assert store.start("m0", FIRST, "another", LEASE) == "OK"
    assert store.fail("m0", Failure("map:0", 1, "another", RAISED, "", 1), last=True) == "OK"
    assert store.retry(1, "map:0", 60)
    assert store.plan(1, [], None, [Batch("m1", (FIRST,))], split_done=True)
    return Payload(
        job=store.job_id,
        batch="m1",
        stage=Stage.MAP,
        code="word_counter.jobs.word_count:WordCount",
        partitions=1,
        lease_seconds=LEASE,
        task_timeout=60.0,
        max_bad_records=0,
        tasks=(FIRST,),
        chunks=(chunk,),
        sources={0: source},
    )


@pytest.fixture
def runner(connection: Redis) -> TaskRunner:
    return TaskRunner(connection, "worker-1", lambda _: None, Permissions("secret"))


def test_a_batch_whose_attempt_was_made_before_comes_back_as_the_next_attempt(
    store: JobStore, payload: Payload, runner: TaskRunner
) -> None:
    assert runner.run(payload) == "stale"

    snapshot = store.snapshot()
    assert snapshot is not None
    assert (snapshot.batches, snapshot.due) == ((), (TaskAttempt("map:0", 2),))


def test_a_batch_that_another_worker_is_at_is_left_to_it_when_it_is_delivered_twice(
    store: JobStore, payload: Payload, runner: TaskRunner
) -> None:
    second = TaskAttempt("map:0", 2)
    assert store.plan(1, [], None, [Batch("m1", (FIRST, second))], split_done=True)
    assert store.start("m1", second, "another", LEASE) == "OK"

    assert runner.run(payload) == "stale"

    snapshot = store.snapshot()
    assert snapshot is not None
    assert [running.worker for running in snapshot.running] == ["another"]


def test_times_are_by_the_clock_of_redis_whatever_that_of_the_worker_says(
    store: JobStore, payload: Payload, runner: TaskRunner, connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = TaskAttempt("map:0", 2)
    assert store.plan(1, [], None, [Batch("m2", (second,))], split_done=True)
    monkeypatch.setattr("time.time_ns", lambda: 10**18)
    monkeypatch.setattr("time.time", lambda: 10**9)
    before = WorkerRegistry(connection).now()

    assert runner.run(replace(payload, batch="m2", tasks=(second,))) == "done"

    receipt = json.loads(connection.hget(store.keys.receipts(Stage.MAP), "map:0") or b"")
    assert before <= receipt["started"] <= WorkerRegistry(connection).now()
