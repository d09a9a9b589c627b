"""Ctrl-C, early, late, twice and thrice: one line about the job, exit code 130, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import Running, environment, eventually, is_alive, started, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import connect

#: Sends INT in the very moment in which a module is imported.
_WHILE_IMPORTING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from word_counter.__main__ import main
sys.argv = ["word-counter", "run", "text.txt"]
main()
"""


def assert_interrupted(code: int, err: str, said: str) -> None:
    assert code == 130, err
    assert err.splitlines()[-1].startswith("interrupted"), err
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "module", ["click", "word_counter.cli.commands.run", "word_counter.engines.run_job", "word_counter.jobs.word_count"]
)
def test_while_it_starts_up(folder: Path, text: Path, module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WHILE_IMPORTING.format(module=module)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert_interrupted(ended.returncode, ended.stderr, "nothing was")
    assert text.exists()
    assert not (folder / "output").exists()


def press(running: Running, times: int) -> None:
    for _ in range(times):
        running.press_ctrl_c()
        time.sleep(0.05)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("private", [True, False])
def test_in_the_middle_of_a_job(
    folder: Path, slow_job: Path, text: Path, server: EmbeddedRedis, job_id: str, times: int, *, private: bool
) -> None:
    args = ["run", text.name, "--job", slow_job.name, "--chunk-size", "20", "--workers", "2", "--job-id", job_id]
    env = {"TMPDIR": str(folder)} | ({} if private else {"REDIS_URL": server.url})
    with started(*args, folder=folder, env=env) as running:
        pids = eventually(lambda: [int(path.name) for path in (folder / "pids").iterdir()])
        press(running, times)
        ended = running.wait()

    said = f"job {job_id} is cancelled: its private server ends with it"
    if not private:
        said = f"job {job_id} is kept in Redis; go on with it: word-counter resume {job_id}"
    assert_interrupted(ended.code, ended.err, said)
    eventually(lambda: not any(map(is_alive, pids)))
    eventually(lambda: not list(folder.glob("word-counter-*")))  # the private server's, which its guard removes
    if not private:
        resumed = word_counter("resume", job_id, "--workers", "2", folder=folder, env=env)
        assert resumed.code == 0, resumed.err


def test_while_it_stands_by(folder: Path, slow_job: Path, text: Path, fresh_server: EmbeddedRedis, job_id: str) -> None:
    args = ["master", text.name, "--job", slow_job.name, "--job-id", job_id, "--redis", fresh_server.url]
    connection = connect(fresh_server.url)
    with started(*args, folder=folder) as first:
        eventually(lambda: connection.hget(f"wc:{{{job_id}}}:job", "master"))
        with started(*args, "--standby", folder=folder) as second:
            eventually(lambda: "standing by" in second.err)
            second.press_ctrl_c()
            ended = second.wait()
        assert not first.ended
    connection.close()

    assert_interrupted(ended.code, ended.err, f"job {job_id} is kept in Redis")


def test_once_more_when_letting_go_takes_too_long(
    folder: Path, slow_job: Path, text: Path, fresh_server: EmbeddedRedis
) -> None:
    connection = connect(fresh_server.url)
    args = ["run", text.name, "--job", slow_job.name, "--workers", "1", "--redis", fresh_server.url]
    with started(*args, folder=folder) as running:
        pids = eventually(lambda: [int(path.name) for path in (folder / "pids").iterdir()])
        connection.client_pause(20_000)
        running.press_ctrl_c()
        time.sleep(2)
        assert not running.ended  # it waits for Redis
        running.send(signal.SIGINT)
        ended = running.wait(5)
    connection.close()

    assert_interrupted(ended.code, ended.err, "left at once: a job in a Redis of yours is kept")
    eventually(lambda: not any(map(is_alive, pids)))
