"""What a job leaves in Redis: its own keys and the documented ones, all of which expire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import eventually, started
from word_counter import Master
from word_counter.connection import Redis, connect
from word_counter.embedded import EmbeddedServer
from word_counter.keys import JOBS, JobKeys


@pytest.fixture
def own(fresh_server: EmbeddedServer) -> Iterator[Redis]:
    made = connect(fresh_server.url)
    yield made
    made.close()


def _keys(redis: Redis) -> set[str]:
    return {key.decode() for key in redis.scan_iter()}


_DOCUMENTED = re.compile(r"wc:jobs|wc:workers|wc:worker:[\w-]+|wc:refused|rq:.*")


def test_a_job_that_is_done_leaves_its_own_keys_and_the_documented_ones_and_all_expire(
    folder: Path, fresh_server: EmbeddedServer, own: Redis, job_id: str
) -> None:
    (folder / "text.txt").write_text("a b\nc d\n" * 50)

    outcome = Master(
        folder / "text.txt",
        redis=fresh_server.url,
        workers=2,
        job_id=job_id,
        chunk_size=5,
        retention_seconds=1_000,
        output=str(folder / "results.json"),
    ).run()

    assert outcome.results == {"a": 50, "b": 50, "c": 50, "d": 50}
    eventually(lambda: not own.zcard("wc:workers"), 15)
    prefix = f"wc:{{{job_id}}}:"
    of_the_job = {key for key in _keys(own) if key.startswith(prefix)}
    others = _keys(own) - of_the_job
    assert of_the_job <= set(JobKeys(job_id).every(8))
    assert {key for key in others if not _DOCUMENTED.fullmatch(key)} == set()
    assert {key: own.ttl(key) for key in of_the_job if not 0 < own.ttl(key) <= 1_000} == {}
    assert own.zrange(JOBS, 0, -1) == [job_id.encode()]


def test_a_job_that_runs_shows_in_rq_what_waits(
    folder: Path, fresh_server: EmbeddedServer, own: Redis, job_id: str
) -> None:
    (folder / "text.txt").write_text("a b\n" * 20)
    env = {"REDIS_URL": fresh_server.url}
    args = ["text.txt", "--chunk-size", "1", "--job-id", job_id]

    with started("master", *args, folder=folder, env=env):
        eventually(lambda: own.smembers("rq:queues"))
        (queue,) = own.smembers("rq:queues")
        eventually(lambda: own.llen(queue))

        assert all(id_.decode().startswith(f"{job_id}-m") for id_ in own.lrange(queue, 0, -1))
        assert own.hget(f"wc:{{{job_id}}}:job", "state") == b"mapping"
        assert {
            key for key in _keys(own) if not key.startswith(f"wc:{{{job_id}}}:") and not _DOCUMENTED.fullmatch(key)
        } == set()


def test_somebody_elses_keys_are_left_alone(
    folder: Path, fresh_server: EmbeddedServer, own: Redis, job_id: str
) -> None:
    (folder / "text.txt").write_text("a b\n")
    own.set("theirs", "value")
    own.set(f"wc:{{{job_id}-not}}:job", "theirs too")

    Master(folder / "text.txt", redis=fresh_server.url, workers=1, job_id=job_id, output=str(folder / "r.json")).run()

    assert own.get("theirs") == b"value"
    assert own.get(f"wc:{{{job_id}-not}}:job") == b"theirs too"
    assert own.ttl("theirs") == -1
