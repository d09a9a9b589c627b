"""A Redis that runs short of memory: no more chunks are queued, and the job goes on once there is more, or fails."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.oracle import count_words, results_bytes
from tests.processes import Running, eventually, started
from word_counter.job.model import Stage
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys

_CHUNKS = 120


@pytest.fixture
def keys(job_id: str) -> JobKeys:
    return JobKeys(job_id)


def _run_until_short(
    stack: ExitStack, folder: Path, text: Path, server: EmbeddedRedis, redis: Redis, keys: JobKeys, **more: str
) -> Running:
    """Start a job, and give Redis so little memory in the middle of it that 93 % are in use."""
    env = {"WORD_COUNTER_REDIS": server.url, "WORD_COUNTER_ALLOW": str(folder), **more}
    args = ["--job", "slow_job.py", "--chunk-size", "5", "--output", "results.json", "--progress", "none"]
    name = keys.job.partition("{")[2].partition("}")[0]
    stack.enter_context(started("worker", folder=folder, env=env))
    master = stack.enter_context(started("master", str(text), *args, "--job-id", name, folder=folder, env=env))
    eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) > 2)
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] / 0.93))
    return master


def test_chunks_wait_until_there_is_memory_and_the_result_is_exact(
    folder: Path, slow_job: Path, text: Path, fresh_server: EmbeddedRedis, redis: Redis, keys: JobKeys
) -> None:
    with ExitStack() as stack:
        master = _run_until_short(stack, folder, text, fresh_server, redis, keys)
        eventually(lambda: "of its memory; from 85% on chunks wait" in master.err)
        eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) == redis.hlen(keys.chunks))
        assert redis.hlen(keys.chunks) < _CHUNKS
        assert not master.ended

        redis.config_set("maxmemory", 0)
        (folder / "hurry").touch()
        ended = master.wait()

    assert ended.code == 0, ended.err
    assert redis.hlen(keys.chunks) == _CHUNKS
    assert (folder / "results.json").read_bytes() == results_bytes(count_words(text.read_bytes()))


def test_a_job_fails_clearly_when_nothing_frees_the_memory(
    folder: Path, slow_job: Path, text: Path, fresh_server: EmbeddedRedis, redis: Redis, keys: JobKeys
) -> None:
    with ExitStack() as stack:
        ended = _run_until_short(stack, folder, text, fresh_server, redis, keys, WORD_COUNTER_REDIS_PATIENCE="2").wait()

    assert ended.code == 1, ended.err
    assert "of its memory and nothing frees it: the partials do not fit" in ended.err
    assert "Traceback" not in ended.err
    assert not (folder / "results.json").exists()
    assert redis.hget(keys.job, "state") == b"failed"
