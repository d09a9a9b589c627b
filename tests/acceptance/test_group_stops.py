"""TERM to all processes of a command at once, as systemd and timeout(1) send it: a good end, and nothing left."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.processes import eventually, is_alive, started
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import WORKER_PREFIX


def _terminate(group: int, times: int) -> None:
    for _ in range(times):
        os.killpg(group, signal.SIGTERM)


@pytest.mark.parametrize("pause", [0.0, 0.1, 1.5])  # in the middle of starting, just after it, and long after
@pytest.mark.parametrize("times", [1, 2])
def test_an_idle_worker_stops_without_a_word(
    folder: Path, fresh_server: EmbeddedRedis, pause: float, times: int
) -> None:
    with started("worker", "--processes", "2", "--redis", fresh_server.url, folder=folder) as worker:
        eventually(lambda: "serves the queue" in worker.err)
        time.sleep(pause)
        _terminate(worker.pid, times)
        ended = worker.wait()

    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    connection = connect(fresh_server.url)
    assert not list(connection.scan_iter(f"{WORKER_PREFIX}*"))
    assert not list(connection.scan_iter("rq:worker:*"))
    connection.close()


def test_a_busy_worker_finishes_its_task_first(
    folder: Path, slow_job: Path, text: Path, redis: Redis, fresh_server: EmbeddedRedis, job_id: str
) -> None:
    env = {"REDIS_URL": fresh_server.url}
    args = ["master", text.name, "--job", slow_job.name, "--job-id", job_id, "--chunk-size", "50"]
    with (
        started("worker", "--allow", str(folder), folder=folder, env=env) as worker,
        started(*args, folder=folder, env=env),
    ):
        running = f"wc:{{{job_id}}}:running"
        eventually(lambda: redis.hlen(running))
        _terminate(worker.pid, 2)
        ended = worker.wait()

        assert ended.code == 0, ended.err
        assert "Traceback" not in ended.err
        assert not redis.hlen(running)
        assert not redis.llen(f"wc:{{{job_id}}}:failures")
        assert redis.hlen(f"wc:{{{job_id}}}:receipts:map")


def test_a_run_and_its_private_server_end_together(folder: Path, slow_job: Path, text: Path) -> None:
    args = ["run", text.name, "--job", slow_job.name, "--workers", "2", "--chunk-size", "20"]
    with started(*args, folder=folder, env={"TMPDIR": str(folder)}) as running:
        pids = eventually(lambda: [int(path.name) for path in (folder / "pids").iterdir()])
        for pid in (*pids, running.pid):  # workers are in a session of their own: this reaches them too
            os.kill(pid, signal.SIGTERM)
        ended = running.wait()

    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1].startswith("interrupted: ")
    eventually(lambda: not any(map(is_alive, pids)))
    eventually(lambda: not list(folder.glob("word-counter-*")))
