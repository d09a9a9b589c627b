"""Connections: a Redis that cannot be reached, or refuses, gives an error of one line without a password."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from word_counter.cli.main import main
from word_counter.errors import StoreUnavailableError, UsageError
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect, translated_errors


def test_a_server_that_answers_will_do(server: EmbeddedRedis) -> None:
    connection = connect(server.url)
    assert connection.ping()
    connection.close()


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        connect(f"unix://{tmp_path}/none.sock?password=hunter2")

    assert "none.sock" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["nonsense", "http://:hunter2@host", "redis://:hunter2/x@host", "redis://:hunter2@host:port"]
)
def test_what_is_no_redis_url_is_a_usage_error_that_shows_no_password(url: str) -> None:
    with pytest.raises((UsageError, StoreUnavailableError)) as caught:
        connect(url)

    assert "hunter2" not in str(caught.value)


def test_a_wrong_password_is_told_of(fresh_server: EmbeddedRedis) -> None:
    connection = connect(fresh_server.url)
    connection.config_set("requirepass", "right")
    connection.close()

    with pytest.raises(StoreUnavailableError, match=r"password|NOAUTH|WRONGPASS") as caught:
        connect(f"{fresh_server.url}?password=hunter2")
    assert "hunter2" not in str(caught.value)

    with pytest.raises(StoreUnavailableError):
        connect(fresh_server.url)


@pytest.mark.parametrize("said", ["OOM command not allowed", "ERR unknown command 'EVALSHA'"])
def test_a_refusal_of_the_server_is_translated(connection: Redis, said: str) -> None:
    with pytest.raises(StoreUnavailableError, match=r"refused: .*command"), translated_errors("redis://h"):
        connection.eval(f'return redis.error_reply("{said}")', 0)


def test_a_database_that_is_not_there_is_a_usage_error(server: EmbeddedRedis) -> None:
    with pytest.raises(UsageError, match="no such database") as caught:
        connect(f"{server.url}?db=99")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["wc:jobs", "wc:workers", "wc:{theirs}:job", "rq:queues"])
def test_a_key_of_somebody_else_where_one_of_ours_should_be_is_a_usage_error_of_one_line(
    fresh_server: EmbeddedRedis, folder: Path, key: str
) -> None:
    (folder / "text.txt").write_text("a b\n")
    connection = connect(fresh_server.url)
    connection.set(key, "somebody else's")
    output = str(folder / "results.json")
    run = [
        "run",
        str(folder / "text.txt"),
        "--workers",
        "0",
        "--timeout",
        "30",
        "--output",
        output,
        "--progress",
        "none",
    ]
    commands = {
        "wc:jobs": [["jobs"], run],
        "wc:workers": [["workers"], run, ["worker"]],
        "wc:{theirs}:job": [[name, "theirs"] for name in ("status", "inspect", "resume", "cancel", "purge")],
        "rq:queues": [run],
    }[key]

    for command in commands:
        ended = CliRunner().invoke(main, [*command, "--redis", fresh_server.url])

        assert ended.exit_code == 2, (command, ended.output)
        (error,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
        assert "something else at a key that word_counter uses" in error
        assert "Traceback" not in ended.output
