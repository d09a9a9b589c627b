"""Connections: what cannot be reached or will not do is told of in one line, without a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from word_counter.connection import Redis, connect, translated_errors
from word_counter.embedded import EmbeddedServer
from word_counter.errors import StoreUnavailableError, UsageError


def test_a_server_that_answers_will_do(server: EmbeddedServer) -> None:
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


def test_a_wrong_password_is_told_of(fresh_server: EmbeddedServer) -> None:
    connection = connect(fresh_server.url)
    connection.config_set("requirepass", "right")
    connection.close()

    with pytest.raises(StoreUnavailableError, match=r"password|NOAUTH|WRONGPASS") as caught:
        connect(f"{fresh_server.url}?password=hunter2")
    assert "hunter2" not in str(caught.value)

    with pytest.raises(StoreUnavailableError):
        connect(fresh_server.url)


def test_a_refusal_of_the_server_is_translated_and_a_mistake_of_ours_is_not(connection: Redis) -> None:
    with pytest.raises(StoreUnavailableError, match="refused: command not allowed"), translated_errors("redis://h"):
        connection.eval("return redis.error_reply('OOM command not allowed')", 0)

    with pytest.raises(Exception, match="no such thing") as caught, translated_errors():
        connection.eval("return redis.error_reply('ERR no such thing')", 0)
    assert not isinstance(caught.value, StoreUnavailableError)
