"""Passwords and secrets are shown nowhere: not in output, logs, process lists or errors, nor stored in Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from tests.processes import eventually, started, word_counter
from word_counter.cli.main import main
from word_counter.local_cluster.embedded_redis import EmbeddedRedis

PASSWORD = "hunter2-the-password"
SECRET = "hunter3-the-secret"


@pytest.fixture
def url(fresh_server: EmbeddedRedis) -> str:
    """The URL of a server that wants a password."""
    redis.Redis(unix_socket_path=str(fresh_server.socket_path)).config_set("requirepass", PASSWORD)
    return f"unix://:{PASSWORD}@{fresh_server.socket_path}"


def assert_clean(text: str) -> None:
    assert "hunter" not in text, text


def process_lists() -> dict[int, str]:
    """Return the command line of every process."""
    found = {}
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
    return found


def everything_in(connection: Any) -> Iterator[str]:
    """Yield all that a server holds, as text."""
    for key in connection.scan_iter():
        read = {
            b"string": connection.get,
            b"hash": connection.hgetall,
            b"set": connection.smembers,
            b"list": lambda name: connection.lrange(name, 0, -1),
            b"zset": lambda name: connection.zrange(name, 0, -1),
            b"stream": connection.xrange,
            b"none": lambda _: "",  # it went between two looks
        }[connection.type(key)]
        yield repr(key) + repr(read(key))


def test_secrets_show_in_no_output_process_list_or_key(url: str, folder: Path, slow_job: Path, text: Path) -> None:
    # Given a master and a worker of two processes that have a password and a secret, in the middle of a job
    env = {"REDIS_URL": url, "WORD_COUNTER_SECRET": SECRET}
    connection = redis.Redis.from_url(url)
    args = ["master", text.name, "--job", slow_job.name, "--job-id", "slow", "--chunk-size", "100", "-v"]
    with started("worker", "--processes", "2", "--allow", str(slow_job), "-v", folder=folder, env=env) as worker:
        with started(*args, "--progress", "log", folder=folder, env=env) as master:
            eventually(lambda: list((folder / "pids").iterdir()))
            # When it is looked at from all sides
            commands = [
                "jobs",
                "status slow --json",
                "inspect slow --json",
                "workers --json",
                "doctor --json",
                "status slow",
            ]
            looks = [word_counter(*command.split(), folder=folder, env=env) for command in commands]
            lists = process_lists()
            kept = list(everything_in(connection))
            (folder / "hurry").touch()
            ended = master.wait()
        connection.hset("rq:job:evil", "data", "junk")
        (queue,) = connection.smembers("rq:queues")
        connection.rpush(queue, "evil")
        eventually(lambda: "refused" in worker.err)
    # Then it worked, and neither is anywhere
    assert ended.code == 0
    assert all(look.code == 0 for look in looks[:4])
    for output in (ended.err, ended.out, worker.err, *(look.out + look.err for look in looks), *kept):
        assert_clean(output)
    mine = os.getpid()
    for pid, line in lists.items():
        if pid != mine:
            assert_clean(line)


def test_a_run_with_workers_of_its_own_shows_neither(url: str, folder: Path, slow_job: Path, text: Path) -> None:
    env = {"REDIS_URL": url, "WORD_COUNTER_SECRET": SECRET}
    args = [
        "run",
        text.name,
        "--job",
        slow_job.name,
        "--workers",
        "2",
        "--chunk-size",
        "100",
        "-v",
        "--progress",
        "log",
    ]
    with started(*args, folder=folder, env=env) as run:
        eventually(lambda: list((folder / "pids").iterdir()))
        lists = process_lists()
        (folder / "hurry").touch()
        ended = run.wait()
    assert ended.code == 0
    assert_clean(ended.err + ended.out)
    for pid, line in lists.items():
        if pid != os.getpid():
            assert_clean(line)
    assert any("word_counter worker" in line for line in lists.values()) or not lists


@pytest.mark.parametrize(
    "given",
    [
        "unix://:hunter2@/no/such/socket",
        "redis://:hunter2@localhost:1/0",
        "redis://localhost:1/0?password=hunter2",
        "redis://user:hun/ter2-hunter@localhost:1/0",
        "redis://:hunter2@localhost:port/0",
        "http://:hunter2@localhost",
        "redis://:hunter2@[::1/0",
        "rediss://:hunter2@localhost:1/0?ssl_ca_certs=/no/such/file",
        "redis://:hunter2@localhost:1/0?no_such_option=1",
    ],
)
def test_errors_show_no_password(folder: Path, text: Path, given: str) -> None:
    env = {"REDIS_URL": given, "WORD_COUNTER_SECRET": SECRET}
    worker = word_counter("worker", folder=folder, env=env)  # as a process, for its log
    assert worker.code in {2, 3}
    assert "Traceback" not in worker.err
    assert_clean(worker.err + worker.out)
    for args in (["run", str(text), "--workers", "1", "--output", str(folder / "results.json")], ["doctor"]):
        ended = CliRunner().invoke(main, args, env=env)
        assert ended.exit_code in {1, 2, 3}
        assert "Traceback" not in ended.stderr
        assert_clean(ended.stderr + ended.stdout)


def test_a_wrong_password_is_not_repeated(url: str, folder: Path, text: Path) -> None:
    wrong = url.replace(PASSWORD, "hunter4")
    for args in (["run", text.name, "--workers", "1"], ["worker"], ["doctor"]):
        ended = word_counter(*args, folder=folder, env={"REDIS_URL": wrong})
        assert ended.code == 3
        assert_clean(ended.err + ended.out)
