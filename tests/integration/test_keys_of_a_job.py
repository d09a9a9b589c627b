"""The keys of a job in Redis: they are the documented ones, and all of them expire."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.chaos.commands import children_of
from tests.processes import eventually, started, word_counter
from word_counter import Master
from word_counter.job.model import JobState, Stage
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis
from word_counter.store.job_store import JobStore
from word_counter.store.keys import JOB_EXPIRIES, JOBS, RUNNING_TTL_SECONDS, JobKeys


def _keys(redis: Redis) -> set[str]:
    return {key.decode() for key in redis.scan_iter()}


def _descendants(parent: int) -> list[int]:
    return [pid for child in children_of(parent) for pid in (child, *_descendants(child))]


@pytest.fixture
def slow_text(folder: Path) -> Path:
    """Some text, beside a job file slow.py that takes its time over it."""
    (folder / "slow.py").write_text(
        "import time\nfrom word_counter import Job, Mapper, Sum\n\n"
        "class Slow(Mapper):\n    def map(self, line):\n        time.sleep(0.2)\n        yield line, 1\n\n"
        "class SlowCount(Job):\n    mapper, reducer = Slow, Sum\n"
    )
    text = folder / "text.txt"
    text.write_text("a b\n" * 50)
    return text


_DOCUMENTED = re.compile(r"wc:jobs|wc:jobs:expiry|wc:workers|wc:worker:[\w-]+|wc:refused|rq:.*")


def _run(folder: Path, server: EmbeddedRedis, job_id: str, retention_seconds: int) -> None:
    """Count the words of some lines, with two workers."""
    (folder / "text.txt").write_text("a b\nc d\n" * 50)

    outcome = Master(
        folder / "text.txt",
        redis=server.url,
        workers=2,
        job_id=job_id,
        chunk_size=5,
        retention_seconds=retention_seconds,
        output=str(folder / "results.json"),
    ).run()

    assert outcome.results == {"a": 50, "b": 50, "c": 50, "d": 50}


def test_a_job_that_is_done_leaves_its_own_keys_and_the_documented_ones_and_all_expire(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str
) -> None:
    _run(folder, fresh_server, job_id, retention_seconds=1_000)

    eventually(lambda: not redis.zcard("wc:workers"), 15)
    prefix = f"wc:{{{job_id}}}:"
    of_the_job = {key for key in _keys(redis) if key.startswith(prefix)}
    others = _keys(redis) - of_the_job
    assert of_the_job <= set(JobKeys(job_id).every(8))
    assert {key for key in others if not _DOCUMENTED.fullmatch(key)} == set()
    assert {key: redis.ttl(key) for key in of_the_job if not 0 < redis.ttl(key) <= 1_000} == {}
    assert redis.zrange(JOBS, 0, -1) == [job_id.encode()]


def _assert_all_expire(redis: Redis) -> None:
    assert {key: redis.ttl(key) for key in _keys(redis) if redis.ttl(key) < 0} == {}


def test_after_its_retention_nothing_is_left_of_a_run(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str
) -> None:
    _run(folder, fresh_server, job_id, retention_seconds=1)

    _assert_all_expire(redis)
    assert _keys(redis) <= {JOBS, JOB_EXPIRIES, *JobKeys(job_id).every(8)}
    eventually(lambda: not _keys(redis), 10)


def test_of_a_run_that_failed_nothing_stays_in_the_queue(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str
) -> None:
    (folder / "text.txt").write_text("boom\n" * 200)

    ended = word_counter(
        *("run", "text.txt", "--workers", "1", "--job", "tests.jobs:Failing", "--job-id", job_id),
        *("--chunk-size", "1", "--max-attempts", "1"),
        folder=folder,
        env={"REDIS_URL": fresh_server.url},
    )

    assert ended.code == 1
    assert "cannot digest boom" in ended.err
    assert redis.hget(JobKeys(job_id).job, "state") == b"failed"
    assert not [key for key in _keys(redis) if re.match(r"rq:(queue|worker)", key)]
    _assert_all_expire(redis)


def test_of_a_run_that_was_killed_everything_expires_and_the_next_run_takes_it_off_rqs_lists(
    folder: Path, slow_text: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str
) -> None:
    args = ["run", slow_text.name, "--workers", "1", "--job", "slow.py", "--chunk-size", "1", "--job-id", job_id]
    with started(*args, folder=folder, env={"REDIS_URL": fresh_server.url}) as run:
        keys = JobKeys(job_id)
        eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) and redis.hlen(keys.running))
        # the crew first, so that nobody takes its processes off: as when a machine loses power
        for pid in [*_descendants(run.pid), run.pid]:
            os.kill(pid, signal.SIGKILL)
    (queue,) = redis.smembers("rq:queues")
    (worker,) = redis.smembers("rq:workers")
    shared = {"rq:queues", "rq:workers"}  # by all who use RQ here
    assert {key: redis.ttl(key) for key in _keys(redis) - shared if redis.ttl(key) < 0} == {}

    redis.delete(queue, worker)  # as their time would
    Master(slow_text, redis=fresh_server.url, workers=1, output=str(folder / "r.json")).run()

    _assert_all_expire(redis)
    assert not redis.exists("rq:queues", "rq:workers")


def test_a_queue_that_is_in_use_and_what_is_not_ours_stay_on_rqs_lists(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis
) -> None:
    (folder / "text.txt").write_text("a b\n")
    theirs = {b"rq:queue:default", b"rq:queue:word_counterfeit"}
    ours = {b"rq:queue:word_counter-with-batches", b"rq:queue:word_counter-with-a-worker"}
    redis.sadd("rq:queues", "rq:queue:word_counter-gone", *theirs, *ours)
    redis.rpush("rq:queue:word_counter-with-batches", "job-m1-ab", "ended-m1-ab")
    redis.hset(JobKeys("job").job, "state", "reducing")
    redis.hset(JobKeys("ended").job, "state", "cancelled")
    redis.hset("rq:worker:alive", "pid", 1)
    redis.sadd("rq:workers:word_counter-with-a-worker", "rq:worker:alive")
    redis.sadd("rq:workers", "rq:worker:alive", "rq:worker:theirs")

    Master(folder / "text.txt", redis=fresh_server.url, workers=1, output=str(folder / "r.json")).run()

    assert redis.smembers("rq:queues") == theirs | ours
    assert redis.smembers("rq:workers") == {b"rq:worker:alive", b"rq:worker:theirs"}
    assert redis.lrange("rq:queue:word_counter-with-batches", 0, -1) == [b"job-m1-ab"]


def test_the_index_names_the_jobs_that_are_there_and_expires_with_the_last(redis: Redis) -> None:
    lasting, short, gone = (JobStore(redis, f"job-{name}") for name in ("lasting", "short", "gone"))
    fields: dict[str, str | int] = {"state": "mapping", "epoch": 1, "partitions": 1}
    for store in (lasting, short, gone):
        assert store.create(fields, [])
    redis.delete(gone.keys.job)
    redis.zadd(JOB_EXPIRIES, {"job-gone": 1})

    short.end(1, JobState.CANCELLED, "", 1, 100)
    assert redis.zrange(JOBS, 0, -1) == [b"job-lasting", b"job-short"]
    assert 1_000 < redis.ttl(JOBS) <= RUNNING_TTL_SECONDS + 2

    lasting.end(1, JobState.CANCELLED, "", 1, 1_000)
    assert 100 < redis.ttl(JOBS) <= 1_002


def test_making_a_job_reads_no_more_of_the_index_when_it_lists_many(redis: Redis) -> None:
    far = 10_000_000_000_000
    redis.zadd(JOBS, {f"job-{n}": n for n in range(20_000)})
    redis.zadd(JOB_EXPIRIES, {f"job-{n}": far for n in range(20_000)})
    before = redis.info("stats")["total_net_output_bytes"]

    assert JobStore(redis, "job-new").create({"state": "mapping", "epoch": 1, "partitions": 1}, [])

    assert redis.info("stats")["total_net_output_bytes"] - before < 20_000
    assert redis.zscore(JOBS, "job-new")


def test_a_job_that_runs_shows_in_rq_what_waits(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str
) -> None:
    (folder / "text.txt").write_text("a b\n" * 20)
    env = {"REDIS_URL": fresh_server.url}
    args = ["text.txt", "--chunk-size", "1", "--job-id", job_id]

    with started("master", *args, folder=folder, env=env):
        eventually(lambda: redis.smembers("rq:queues"))
        (queue,) = redis.smembers("rq:queues")
        eventually(lambda: redis.llen(queue))

        assert all(id_.decode().startswith(f"{job_id}-m") for id_ in redis.lrange(queue, 0, -1))
        assert redis.hget(f"wc:{{{job_id}}}:job", "state") == b"mapping"
        assert {
            key for key in _keys(redis) if not key.startswith(f"wc:{{{job_id}}}:") and not _DOCUMENTED.fullmatch(key)
        } == set()


def test_somebody_elses_keys_are_left_alone(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str
) -> None:
    (folder / "text.txt").write_text("a b\n")
    redis.set("theirs", "value")
    redis.set(f"wc:{{{job_id}-not}}:job", "theirs too")

    Master(folder / "text.txt", redis=fresh_server.url, workers=1, job_id=job_id, output=str(folder / "r.json")).run()

    assert redis.get("theirs") == b"value"
    assert redis.get(f"wc:{{{job_id}-not}}:job") == b"theirs too"
    assert redis.ttl("theirs") == -1
