"""Workers that may not load a job leave it to those that may; the job fails when there are none."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.processes import Running, eventually, started, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis
from word_counter.store.keys import REFUSED, JobKeys
from word_counter.store.worker_registry import WorkerRegistry

_JOB = """
import time

from word_counter import Job, Mapper, Sum


class Words(Mapper):
    def map(self, line):
        time.sleep(0.02)
        for word in line.split():
            yield word, 1


class WordsOfLines(Job):
    mapper, reducer = Words, Sum
"""
_LINES = [f"line {n} of sixty" for n in range(60)]


@contextmanager
def _workers(folder: Path, server: EmbeddedRedis, redis: Redis, *allowed: str) -> Iterator[list[Running]]:
    """Start workers of one process each that may load one thing each, and wait until all of them are known."""
    env = {"REDIS_URL": server.url, "WORD_COUNTER_SECRET": "s"}
    before = len(WorkerRegistry(redis).names())
    with ExitStack() as stack:
        running = [stack.enter_context(started("worker", "--allow", one, folder=folder, env=env)) for one in allowed]
        eventually(lambda: len(WorkerRegistry(redis).names()) == before + len(allowed))
        yield running


def _job(folder: Path) -> None:
    (folder / "job.py").write_text(_JOB)
    (folder / "text.txt").write_text("\n".join(_LINES) + "\n")


def _refusals(redis: Redis) -> list[str]:
    return [fields[b"worker"].decode() for _, fields in redis.xrange(REFUSED)]


def test_a_worker_that_may_not_load_a_job_leaves_it_to_one_that_may(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis
) -> None:
    _job(folder)
    env = {"REDIS_URL": fresh_server.url, "WORD_COUNTER_SECRET": "s"}
    args = ["--job", "job.py", "--job-id", "j", "--chunk-size", "1", "--output", "results.json", "--max-attempts", "1"]
    with _workers(folder, fresh_server, redis, "somewhere/else") as (refusing,):
        # Given a job that waits, as the only worker may not load it
        with started("master", "text.txt", *args, folder=folder, env=env) as master:
            eventually(lambda: _refusals(redis))
            master.send(signal.SIGSTOP)  # so that it waits for as long as a worker takes to start here
            # When one comes that may, and the other one has something else to do meanwhile
            with _workers(folder, fresh_server, redis, str(folder / "job.py")):
                master.send(signal.SIGCONT)
                other = word_counter("master", "text.txt", "--output", "-", folder=folder, env=env)
                ended = master.wait()
        name = f"-{refusing.pid}"
    # Then the job is exact, and no attempt was lost to the refusal, which came once
    assert ended.code == 0, ended.err
    counted = dict(Counter(word for line in _LINES for word in line.split()))
    assert json.loads((folder / "results.json").read_text()) == counted
    assert json.loads(other.out) == counted
    assert [worker.endswith(f"{name}-1") for worker in _refusals(redis)] == [True]
    assert redis.llen(JobKeys("j").failures) == 0
    receipt = json.loads((folder / "results.receipt.json").read_text())
    assert len(receipt["workers"]) == 1
    assert not next(iter(receipt["workers"])).endswith(name)


def test_a_job_that_no_live_worker_may_load_fails_and_names_each_with_what_to_do(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis
) -> None:
    _job(folder)
    env = {"REDIS_URL": fresh_server.url, "WORD_COUNTER_SECRET": "s"}
    args = ["--job", "job.py", "--chunk-size", "1", "--output", "results.json"]
    with _workers(folder, fresh_server, redis, "here", "there") as workers:
        ended = word_counter("master", "text.txt", *args, folder=folder, env=env)
        pids = [worker.pid for worker in workers]
        assert not any(worker.ended for worker in workers)

    assert ended.code == 1
    assert "no live worker may do this job" in ended.err
    assert f"--allow {folder / 'job.py'}" in ended.err
    assert all(f"-{pid}" in ended.err for pid in pids)
    assert len(_refusals(redis)) == len(pids)
    assert not (folder / "results.json").exists()
