"""Clusters, Sentinels and lists of servers: refused by their name, with what to give instead."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.processes import eventually
from word_counter.cli.main import main
from word_counter.errors import UnsupportedServerError
from word_counter.local_cluster.embedded_redis import find_program
from word_counter.settings.redis_url import asks_for_many
from word_counter.store.connection import connect

_KINDS = {"cluster": "a node of a Redis Cluster", "sentinel": "a Redis Sentinel"}


@pytest.fixture(scope="module", params=list(_KINDS))
def unsupported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL of a server of an unsupported kind, and what it is called."""
    folder = tmp_path_factory.mktemp("server")
    for _ in range(5):  # somebody else may take the port that was free
        port = _free_port()
        process = subprocess.Popen(_arguments(request.param, port, folder), cwd=folder, stdout=subprocess.DEVNULL)
        try:
            eventually(partial(_answers_or_ended, process, port))
            if process.poll() is None:
                yield f"redis://127.0.0.1:{port}/0", _KINDS[request.param]
                return
        finally:
            process.kill()
            process.wait()
    pytest.fail("no such server could be started")


def _arguments(kind: str, port: int, folder: Path) -> list[str]:
    if kind == "cluster":
        return [find_program(), "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", ""]
    config = folder / f"sentinel-{port}.conf"
    config.write_text(f"port {port}\nbind 127.0.0.1\n")
    return [find_program(), str(config), "--sentinel"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
        return 20_000 + free % 30_000  # the bus of a cluster is 10000 above


def _answers_or_ended(process: subprocess.Popen[bytes], port: int) -> bool:
    return process.poll() is not None or _listens(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_connection_names_its_kind(unsupported: tuple[str, str]) -> None:
    url, kind = unsupported

    with pytest.raises(
        UnsupportedServerError, match=f"is {kind}, which word_counter does not support: give the URL of"
    ):
        connect(url)


@pytest.mark.parametrize("args", [("jobs",), ("worker", "--burst"), ("run", __file__, "--workers", "0")])
def test_commands_refuse_it(unsupported: tuple[str, str], args: tuple[str, ...]) -> None:
    url, kind = unsupported

    result = CliRunner().invoke(main, [*args, "--redis", url])

    assert result.exit_code == 2
    assert kind in result.stderr


def test_doctor_fails_it(unsupported: tuple[str, str]) -> None:
    url, kind = unsupported

    result = CliRunner().invoke(main, ["doctor", "--redis", url])

    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("redis")]
    assert "fail" in line
    assert kind in line


def test_of_a_replica_the_doctor_names_the_primary_and_a_run_says_what_it_is(tmp_path: Path) -> None:
    primary = _free_port()
    url = f"unix://{tmp_path}/socket"
    replica = [find_program(), "--unixsocket", str(tmp_path / "socket"), "--port", "0", "--save", ""]
    with subprocess.Popen([*replica, "--replicaof", "127.0.0.1", str(primary)], stdout=subprocess.DEVNULL) as process:
        try:
            eventually((tmp_path / "socket").exists)

            doctor = CliRunner().invoke(main, ["doctor", "--redis", url])
            run = CliRunner().invoke(main, ["run", __file__, "--redis", url, "--redis-patience", "0"])
        finally:
            process.kill()

    assert doctor.exit_code == 1
    assert f"is a replica of redis://127.0.0.1:{primary}/0, which can be read only" in doctor.stdout
    assert run.exit_code == 3  # as it may pass: in a failover
    assert "is a replica, which can be read only: give the URL of its primary" in run.stderr


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis+sentinel://h:26379/mymaster", "a Redis Sentinel"),
        ("rediss-sentinel://user:a,b@h", "a Redis Sentinel"),
        ("redis://h:26379?service_name=mymaster", "a Redis Sentinel"),
        ("redis-cluster://h:7000", "a Redis Cluster"),
        ("redis://h/0?cluster=true", "a Redis Cluster"),
        ("redis://a:1,b:2/0", "several servers"),
        ("redis://:secret@a:1,b:2", "several servers"),
        ("redis://:sentinel,cluster@h:6379/0", ""),
        ("unix:///run/cluster,sentinel/redis.sock?db=1", ""),
        ("redis://[::1]:6379", ""),
    ],
)
def test_urls_tell_too(url: str, kind: str) -> None:
    assert asks_for_many(url) == kind
    if kind:
        with pytest.raises(UnsupportedServerError) as caught:
            connect(url)
        assert "secret" not in str(caught.value)
        assert "a,b" not in str(caught.value)
