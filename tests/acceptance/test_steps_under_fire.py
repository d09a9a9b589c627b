"""Workers and masters that are killed in the middle of any step of a job."""

from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.processes import eventually, started, word_counter
from word_counter.errors import JobNotFoundError
from word_counter.inspection.job_catalog import JobCatalog
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import connect

_JOB = """
import time
from word_counter import Job, Mapper, Step, Sum


class Letters(Mapper):
    def map(self, line):
        time.sleep(0.02)
        for letter in line:
            yield letter, 1


class ByCount(Mapper):
    def map_pair(self, key, value):
        time.sleep(0.02)
        yield f"{value} times", 1


class ByLength(Mapper):
    def map_pair(self, key, value):
        time.sleep(0.05)
        yield len(key), value


class Slow(Job):
    steps = [Step(Letters, Sum), Step(ByCount, Sum), Step(ByLength, Sum)]
    settings = {"chunk_size": 5, "partitions": 8}
"""


def _expected(text: str) -> dict[str, int]:
    times = Counter(f"{n} times" for n in Counter(text.replace("\n", "")).values())
    lengths: Counter[str] = Counter()
    for key, n in times.items():
        lengths[str(len(key))] += n
    return dict(lengths)


@pytest.mark.parametrize("phase", [0, 1, 2])
def test_a_job_whose_worker_and_master_die_in_any_step_is_exact(
    folder: Path, fresh_server: EmbeddedRedis, job_id: str, phase: int
) -> None:
    text = "".join(chr(0x3000 + n * n % 1_000) + ("\n" if n % 9 == 8 else "") for n in range(1_500))
    (folder / "in.txt").write_text(text, encoding="utf-8")
    (folder / "slow.py").write_text(_JOB)
    env = {"WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_LEASE_SECONDS": "1"}
    args = ["in.txt", "--job", "slow.py", "--job-id", job_id, "--output", "results.json"]
    connection = connect(fresh_server.url)

    def in_the_middle() -> bool:
        with suppress(JobNotFoundError):
            job = JobCatalog(connection).job(job_id)
            return job.phase == phase and job.running > 0
        return False

    with ExitStack() as stack:
        workers = [stack.enter_context(started("worker", folder=folder, env=env)) for _ in range(2)]
        master = stack.enter_context(started("master", *args, folder=folder, env=env))
        eventually(in_the_middle)
        workers[0].send(signal.SIGKILL)
        master.send(signal.SIGKILL)
        master.wait()
        ended = word_counter("resume", job_id, folder=folder, env=env)

    assert ended.code == 0, ended.err
    assert json.loads((folder / "results.json").read_text()) == _expected(text)
    assert JobCatalog(connection).job(job_id).phases == 3
    connection.close()
