"""Output commit on a real store: results are shown when the job is complete and the lease is ours, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from word_counter.errors import JobCancelledError, JobFailedError, JobGoneError, WordCounterError
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import Chunk, Cursor, JobState, Source, Stage, task_name
from word_counter.job.snapshot import Batch, Snapshot, TaskAttempt
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.master.leader_lease import LeaderLease, LostLeaseError
from word_counter.master.master import Master
from word_counter.master.output_commit import OutputCommitter
from word_counter.observer import Observer, Outcome, Progress
from word_counter.store.connection import Redis, connect
from word_counter.store.job_store import JobStore
from word_counter.store.task_store import BadRecords, Receipt

LEASE = 30.0
PARTITIONS = 2
OLD = "the old ones\n"


class Reduced:
    """A job of one chunk and two partitions, all reduced, with one record set aside; its output holds old ones."""

    def __init__(self, store: JobStore, folder: Path) -> None:
        self.store = store
        self.results = folder / "results.json"
        self.quarantine = folder / "quarantine.jsonl"
        self.results.write_text(OLD)
        self.quarantine.write_text(OLD)
        fields: dict[str, str | int] = {"state": "mapping", "partitions": PARTITIONS, "epoch": 0, "split": "open"}
        assert store.create({**fields, "cursor": "[0,0,0,1]"}, [Source("/in/a.txt", 4, 5)])
        self.leader_lease = LeaderLease(store, LEASE)
        assert self.leader_lease.acquire() == 1
        first = TaskAttempt("map:0", 1)
        assert store.plan(1, [Chunk(0, 0, 0, 4, 1, 2)], Cursor(1), [Batch("m0", (first,))], split_done=True)
        assert store.start("m0", first, "w", LEASE) == "OK"
        bad = BadRecords({1: json.dumps({"file": "/in/a.txt", "offset": 2, "line": 2, "reason": "bad"})}, 1, 1)
        receipt = Receipt(1, "w", 1, 0.1, {"lines": 2, "bytes": 4})
        assert store.commit("m0", first, receipt, last=True, counters={}, partials={0: "{}"}, bad=bad) == "OK"
        assert store.advance(1)
        for number in range(PARTITIONS):
            task = TaskAttempt(task_name(Stage.REDUCE, number), 1)
            assert store.plan(1, [], None, [Batch(f"r{number}", (task,))], split_done=False)
            assert store.start(f"r{number}", task, "w", LEASE) == "OK"
            amounts = store.stage_results(number, 1, [f'{{"{number}a":1}}', f'{{"{number}b":2}}'])
            assert store.commit(f"r{number}", task, Receipt(1, "w", 1, 0.1, amounts), last=True, counters={}) == "OK"

    @property
    def snapshot(self) -> Snapshot:
        found = self.store.snapshot()
        assert found is not None
        return found

    def finish(self, meanwhile: Callable[[], object] = lambda: None, snapshot: Snapshot | None = None) -> Outcome:
        """Finish the job; ``meanwhile`` happens when the results are being merged."""
        spec = JobSpec(
            job_id=self.store.job_id,
            name="Test",
            code="",
            code_digest="",
            params={},
            files={},
            phases=1,
            output=str(self.results),
            partitions=PARTITIONS,
            chunk_size=2,
            digest="",
            timeout=0.0,
            lease_seconds=LEASE,
            task_timeout=60.0,
            max_attempts=1,
            on_bad_chunk="fail",
            max_bad_records=1,
            retention_seconds=60,
        )
        snapshot = snapshot or self.snapshot
        read = self.store.results

        def results(partition: int, segments: int) -> object:
            yield from read(partition, segments)
            if partition == PARTITIONS - 1:
                meanwhile()

        self.store.results = results  # type: ignore[method-assign, assignment]
        finish = OutputCommitter(self.store, self.leader_lease, spec, [Source("/in/a.txt", 4, 5)], lambda: "valkey 9")
        return finish.write(snapshot, lambda seen: Progress(state=seen.state, seconds=1.0, files=1, bytes=4))

    @property
    def untouched(self) -> bool:
        """Whether the old results and the old quarantine stand, and nothing beside them."""
        there = {path.name for path in self.results.parent.iterdir()}
        old = self.results.read_text() == self.quarantine.read_text() == OLD
        return old and there == {self.results.name, self.quarantine.name}


@pytest.fixture
def job(store: JobStore, tmp_path: Path) -> Reduced:
    return Reduced(store, tmp_path)


def test_all_that_is_there_is_written_and_the_job_is_done(job: Reduced) -> None:
    outcome = job.finish()

    assert json.loads(job.results.read_text()) == {"0a": 1, "0b": 2, "1a": 1, "1b": 2}
    assert json.loads(job.quarantine.read_text())["line"] == 2
    assert (outcome.keys, outcome.quarantine) == (4, str(job.quarantine))
    assert json.loads(Path(outcome.receipt).read_text())["results"]["keys"] == 4
    assert job.snapshot.state is JobState.DONE


def test_a_job_that_is_cancelled_while_its_results_are_merged_leaves_the_old_ones(job: Reduced) -> None:
    with pytest.raises(JobCancelledError, match="was cancelled"):
        job.finish(lambda: job.store.end(None, JobState.CANCELLED, "enough", PARTITIONS, 60))

    assert job.untouched


def test_a_master_that_another_has_replaced_leaves_the_old_ones(job: Reduced) -> None:
    def replace() -> None:
        assert job.store.hold(1, 0) == 1
        assert job.store.take("another", LEASE) == 2

    with pytest.raises(LostLeaseError):
        job.finish(replace)

    assert job.untouched


#: What a failover to a server that lags, an eviction or somebody's hand may take, before the merge or while it goes on.
LOSSES: dict[str, Callable[[JobStore], object]] = {
    "the job": lambda store: store.remove(PARTITIONS),
    "a receipt of a reduce task": lambda store: store.connection.hdel(store.keys.receipts(Stage.REDUCE), "reduce:1"),
    "a receipt of a map task": lambda store: store.connection.delete(store.keys.receipts(Stage.MAP)),
    "a chunk": lambda store: store.connection.delete(store.keys.chunks),
    "the quarantine": lambda store: store.connection.delete(store.keys.quarantine),
    "that it is reducing": lambda store: store.connection.hset(store.keys.job, "state", "mapping"),
}


@pytest.mark.parametrize("what", LOSSES)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_less_than_all_never_replaces_the_old_ones(job: Reduced, what: str, when: str) -> None:
    snapshot = job.snapshot
    if when == "before":
        LOSSES[what](job.store)

    with pytest.raises((JobGoneError, JobFailedError)):
        job.finish(lambda: LOSSES[what](job.store), snapshot)

    assert job.untouched


#: What nobody would notice but by adding up, with what the error says of it.
FALSIFIED: dict[str, tuple[Stage, str, dict[str, int], str]] = {
    "a pair too many": (Stage.REDUCE, "reduce:1", {"reduced_values": 3}, "0 pairs came out of the map, and 3 went"),
    "a line too few": (Stage.MAP, "map:0", {"lines": 3}, "3 of 2 lines were mapped"),
}


@pytest.mark.parametrize("what", FALSIFIED)
def test_what_does_not_add_up_is_not_written(job: Reduced, connection: Redis, what: str) -> None:
    stage, task, amounts, said = FALSIFIED[what]
    key = job.store.keys.receipts(stage)
    receipt = json.loads(connection.hget(key, task) or "")
    receipt["amounts"] |= amounts
    connection.hset(key, task, json.dumps(receipt))

    with pytest.raises(JobFailedError, match=f"does not add up.*{said}"):
        job.finish()

    assert job.untouched


@pytest.mark.parametrize("number", [0, 1])
def test_a_segment_that_is_lost_is_noticed(job: Reduced, connection: Redis, number: int) -> None:
    connection.hdel(job.store.keys.results(1), str(number))

    with pytest.raises(JobGoneError, match="lost a field"):
        job.finish()

    assert job.untouched


class TestTheMasterGoesOn:
    """A master whose last commits are lost just before it would merge, as at a failover to a replica that lags."""

    def _run(self, server: EmbeddedRedis, folder: Path, lose: Callable[[JobStore], object]) -> Outcome:
        (folder / "text.txt").write_text("a b a\n")
        lost: list[object] = []

        class Losing(Observer):
            def progressed(self, progress: Progress) -> None:
                reduced = progress.state is JobState.REDUCING and progress.partitions_reduced == progress.partitions
                if reduced and not lost:
                    lost.append(lose(JobStore(connect(server.url), "lagging")))

        settings: dict[str, Any] = {"partitions": 2, "workers": 1, "redis": server.url, "job_id": "lagging"}
        outcome = Master(folder / "text.txt", observer=Losing(), output=str(folder / "results.json"), **settings).run()
        assert lost
        return outcome

    def test_and_makes_results_again_whose_receipts_are_lost_too(
        self, fresh_server: EmbeddedRedis, folder: Path
    ) -> None:
        def lose(store: JobStore) -> None:
            store.connection.delete(store.keys.receipts(Stage.REDUCE), *(store.keys.results(n) for n in range(2)))

        outcome = self._run(fresh_server, folder, lose)

        assert outcome.results == {"a": 2, "b": 1}

    def test_but_fails_when_what_is_lost_would_not_be_made_again(
        self, fresh_server: EmbeddedRedis, folder: Path
    ) -> None:
        def lose(store: JobStore) -> None:
            store.connection.delete(*(store.keys.results(n) for n in range(2)))

        with pytest.raises(WordCounterError, match="Redis lost a part"):
            self._run(fresh_server, folder, lose)

        assert not (folder / "results.json").exists()
