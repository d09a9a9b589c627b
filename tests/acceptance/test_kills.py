"""Processes that are killed or interrupted in the middle of a job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.oracle import count_words, results_bytes
from tests.processes import PATIENCE_SECONDS, Running, environment, eventually, is_alive, started, word_counter
from word_counter.job.model import Stage
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.receipts.verify import verify
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys
from word_counter.worker.worker import _SAME_SECONDS


@pytest.fixture
def keys(job_id: str) -> JobKeys:
    return JobKeys(job_id)


def _pids(folder: Path) -> set[int]:
    return {int(path.name) for path in (folder / "pids").iterdir()}


def _working(redis: Redis, keys: JobKeys, worker: Running) -> bool:
    """Return whether a worker has committed something and is in the middle of another task."""
    mine = f"-{worker.pid}-"
    running = [json.loads(attempt)["worker"] for attempt in redis.hvals(keys.running)]
    committed = [json.loads(receipt)["worker"] for receipt in redis.hvals(keys.receipts(Stage.MAP))]
    return any(mine in name for name in running) and any(mine in name for name in committed)


def test_a_job_whose_worker_is_killed_is_exact(
    folder: Path, slow_job: Path, text: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str, keys: JobKeys
) -> None:
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_LEASE_SECONDS": "1"}
    with ExitStack() as stack:
        workers = [stack.enter_context(started("worker", folder=folder, env=env)) for _ in range(3)]
        args = ["--job", str(slow_job), "--chunk-size", "5", "--job-id", job_id, "--output", "results.json"]
        master = stack.enter_context(started("master", str(text), *args, folder=folder, env=env))
        eventually(lambda: all(_working(redis, keys, worker) for worker in workers))

        workers[1].send(signal.SIGKILL)
        (folder / "hurry").touch()
        ended = master.wait()

    assert ended.code == 0, ended.err
    assert (folder / "results.json").read_bytes() == results_bytes(count_words(text.read_bytes()))


def test_a_job_whose_worker_loses_a_process_is_exact(
    folder: Path, slow_job: Path, text: Path, fresh_server: EmbeddedRedis, job_id: str
) -> None:
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url}
    env["PYTHONWARNINGS"] = "error:This process:DeprecationWarning"  # is multi-threaded, says Python 3.12 of a fork
    with ExitStack() as stack:
        worker = stack.enter_context(started("worker", "--processes", "3", folder=folder, env=env))
        args = ["--job", str(slow_job), "--chunk-size", "5", "--job-id", job_id, "--output", "results.json"]
        master = stack.enter_context(started("master", str(text), *args, folder=folder, env=env))
        eventually(lambda: len(_pids(folder) - {worker.pid}) == 3)

        os.kill((_pids(folder) - {worker.pid}).pop(), signal.SIGKILL)
        eventually(lambda: len(_pids(folder) - {worker.pid}) == 4)  # another process takes the place of the dead one
        (folder / "hurry").touch()
        ended = master.wait()

        assert ended.code == 0, ended.err
        assert (folder / "results.json").read_bytes() == results_bytes(count_words(text.read_bytes()))
        assert worker.process.poll() is None
        assert json.loads((folder / "results.receipt.json").read_text())["attempts"]["deaths"] >= 1
        assert verify(str(folder / "results.json")).holds


def test_a_killed_master_takes_its_workers_and_its_server_with_it(folder: Path, slow_job: Path, text: Path) -> None:
    args = ["--job", str(slow_job), "--chunk-size", "5", "--workers", "2", "--output", "results.json"]
    with started("run", str(text), *args, folder=folder, env={"TMPDIR": str(folder)}) as master:
        eventually(lambda: len(_pids(folder)) == 3)
        assert list(folder.glob("word-counter-*/redis.sock"))

        master.send(signal.SIGKILL)

        eventually(lambda: not any(is_alive(pid) for pid in _pids(folder)), 15)
        eventually(lambda: not list(folder.glob("word-counter-*")), 15)
    assert not (folder / "results.json").exists()


def test_ctrl_c_ends_the_run_and_says_what_becomes_of_the_job(folder: Path, slow_job: Path, text: Path) -> None:
    args = ["--job", str(slow_job), "--chunk-size", "5", "--workers", "2", "--output", "results.json"]
    with started("run", str(text), *args, folder=folder, env={"TMPDIR": str(folder)}) as master:
        eventually(lambda: len(_pids(folder)) == 3)

        master.press_ctrl_c()
        ended = master.wait()

    assert ended.code == 130
    assert "cancelled" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert not any(is_alive(pid) for pid in _pids(folder))
    assert not list(folder.glob("word-counter-*"))
    assert not (folder / "results.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_job_in_a_redis_of_others_outlives_its_master(
    folder: Path,
    slow_job: Path,
    text: Path,
    fresh_server: EmbeddedRedis,
    redis: Redis,
    job_id: str,
    keys: JobKeys,
    number: signal.Signals,
) -> None:
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_JOB_ID": job_id}
    env |= {"WORD_COUNTER_LEASE_SECONDS": "1"}
    args = ["master", str(text), "--job", str(slow_job), "--chunk-size", "5", "--output", "results.json"]
    with started("worker", "--processes", "2", folder=folder, env=env) as worker:
        with started(*args, folder=folder, env=env) as master:
            eventually(lambda: _working(redis, keys, worker))
            master.send(number)
            first = master.wait()
        (folder / "hurry").touch()
        resumed = word_counter(*args, folder=folder, env=env | {"WORD_COUNTER_STANDBY": "1"})

    assert first.code == (-9 if number is signal.SIGKILL else 130)
    assert number is signal.SIGKILL or "resume" in first.err
    assert "Traceback" not in first.err
    assert resumed.code == 0, resumed.err
    assert (folder / "results.json").read_bytes() == results_bytes(count_words(text.read_bytes()))


_SLEEPER = """
import time
from pathlib import Path

from word_counter import Job, Mapper, Sum

HERE = Path(__file__).parent


class Sleeps(Mapper):
    def map(self, line):
        (HERE / "begun").touch()
        time.sleep({seconds})
        (HERE / "over").touch()
        yield line, 1


class Sleeper(Job):
    mapper, reducer = Sleeps, Sum
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_finishes_its_task_first(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis, job_id: str, keys: JobKeys, number: signal.Signals
) -> None:
    (folder / "sleeper.py").write_text(_SLEEPER.format(seconds=1))
    (folder / "text.txt").write_text("a\n")
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_JOB_ID": job_id}
    with (
        started("master", "text.txt", "--job", "sleeper.py", folder=folder, env=env),
        started("worker", folder=folder, env=env) as worker,
    ):
        eventually((folder / "begun").exists)

        worker.send(number)
        ended = worker.wait()

        assert ended.code == 0, ended.err
        assert "Traceback" not in ended.err
        assert (folder / "over").exists()
        assert redis.hlen(keys.receipts(Stage.MAP)) == 1


def test_a_worker_that_is_told_twice_stops_at_once(folder: Path, fresh_server: EmbeddedRedis, job_id: str) -> None:
    (folder / "sleeper.py").write_text(_SLEEPER.format(seconds=300))
    (folder / "text.txt").write_text("a\n")
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_JOB_ID": job_id}
    with (
        started("master", "text.txt", "--job", "sleeper.py", folder=folder, env=env),
        started("worker", folder=folder, env=env) as worker,
    ):
        eventually((folder / "begun").exists)

        worker.send(signal.SIGTERM)
        eventually(lambda: "stops after" in worker.err)
        time.sleep(2 * _SAME_SECONDS)  # sooner it would be the same request, come by another way
        worker.send(signal.SIGTERM)
        worker.wait(60)

        assert not (folder / "over").exists()


_DIES_ONCE = """
import os
from pathlib import Path

from word_counter import Job, Mapper, Sum


class Mortal(Mapper):
    def map(self, line):
        try:
            (Path(__file__).parent / "deaths" / line).touch(exist_ok=False)
        except FileExistsError:
            yield line, 1
        else:
            os._exit(1)


class DiesOnce(Job):
    mapper, reducer = Mortal, Sum
"""


def test_processes_that_die_of_their_tasks_keep_no_other_task_waiting(folder: Path) -> None:
    (folder / "deaths").mkdir()
    (folder / "dies_once.py").write_text(_DIES_ONCE)
    (folder / "text.txt").write_text("".join(f"line{n}\n" for n in range(14)))

    args = ["--job", "dies_once.py", "--chunk-size", "1", "--workers", "2", "--output", "results.json"]
    ended = word_counter("run", "text.txt", *args, folder=folder, seconds=30)

    assert ended.code == 0, ended.err
    assert json.loads((folder / "results.json").read_text()) == {f"line{n}": 1 for n in range(14)}
    assert len(list((folder / "deaths").iterdir())) == 14


_DEAF = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "word_counter", *sys.argv[1:]])
"""


def test_processes_that_die_are_seen_where_whoever_started_the_command_ignores_such_news(folder: Path) -> None:
    (folder / "deaths").mkdir()
    (folder / "dies_once.py").write_text(_DIES_ONCE)
    (folder / "text.txt").write_text("a\nb\n")

    args = ["run", "text.txt", "--job", "dies_once.py", "--chunk-size", "1", "--workers", "2", "--output", "out.json"]
    ended = subprocess.run(
        [sys.executable, "-c", _DEAF, *args],
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads((folder / "out.json").read_text()) == {"a": 1, "b": 1}
