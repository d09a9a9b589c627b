"""Redis retry: errors that pass by themselves are retried for a limited time, and reported once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from word_counter.errors import StoreUnavailableError
from word_counter.store.retry import RedisRetry


def _failing(times: int, error: Exception) -> Callable[[], str]:
    left = [error] * times

    def operation() -> str:
        if left:
            raise left.pop()
        return "answer"

    return operation


def test_an_operation_that_works_is_called_once_in_silence() -> None:
    said: list[str] = []

    assert RedisRetry(10, said.append).call(_failing(0, redis.ConnectionError())) == "answer"
    assert said == []


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError("gone\naway"),
        redis.TimeoutError("too slow"),
        redis.exceptions.BusyLoadingError("loading"),
        redis.exceptions.OutOfMemoryError("command not allowed"),
        redis.exceptions.ReadOnlyError("a replica"),
        redis.ResponseError("MISCONF no disk"),
        redis.ResponseError("Command # 1 (SET a 1) of pipeline caused error: OOM command not allowed"),
    ],
)
def test_what_passes_by_itself_is_waited_for_and_told_of_once(error: Exception) -> None:
    said: list[str] = []

    assert RedisRetry(10, said.append).call(_failing(3, error)) == "answer"

    assert len(said) == 2
    assert said[0].startswith("Redis is away")
    assert said[1].startswith("Redis is back")
    assert "\n" not in "".join(said)


@pytest.mark.parametrize(
    "error",
    [
        redis.AuthenticationError("wrong password"),
        redis.exceptions.NoPermissionError("NOPERM"),
        redis.ResponseError("WRONGTYPE Operation against a key"),
        redis.DataError("cannot send that"),
        ValueError("a mistake of ours"),
    ],
)
def test_what_does_not_pass_is_raised_at_once(error: Exception) -> None:
    said: list[str] = []

    with pytest.raises(type(error)) as caught:
        RedisRetry(10, said.append).call(_failing(1, error))

    assert caught.value is error
    assert said == []


def test_it_ends_with_the_last_error_in_one_line() -> None:
    said: list[str] = []

    with pytest.raises(StoreUnavailableError, match=r"away for 0\.2 s.*gone away") as caught:
        RedisRetry(0.2, said.append).call(_failing(99, redis.ConnectionError("gone\n away")))

    assert "\n" not in str(caught.value)
    assert len(said) == 1


def test_none_at_all_asks_once() -> None:
    with pytest.raises(StoreUnavailableError):
        RedisRetry(0, lambda _: None).call(_failing(1, redis.ConnectionError("gone")))
