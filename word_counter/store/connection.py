"""Connections to Redis, and its errors translated into those of this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from word_counter.errors import StoreForbiddenError, StoreUnavailableError, UsageError
from word_counter.settings.redis_url import without_password

#: A connection. redis-py types each answer as a union over its sync, async, bytes and text clients, which is of no use
#: to callers.
Redis = Any
RedisError = redis.RedisError
ResponseError = redis.ResponseError
#: How long an answer may take before the connection counts as lost, in seconds. Longer than any blocking read.
_ANSWER_SECONDS = 10.0
#: The oldest server whose commands this package can use.
OLDEST_SERVER = (7, 0)


def connect(url: str, *, checked: bool = True) -> Redis:
    """Return a connection. Unless ``checked`` is False, the server has answered and is new enough.

    Raises:
        UsageError: the URL is not one of Redis.
        StoreUnavailableError: there is no server, it refuses us, or it is too old.
    """
    try:
        connection: Redis = redis.Redis.from_url(
            url,
            # File names need not be UTF-8: text holds their other bytes as lone surrogates. Written as backslash
            # escapes they can be read, and inside a JSON text such an escape gives the byte back.
            encoding_errors="backslashreplace",
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=5.0,
            health_check_interval=0,
            retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
        )
        pool = connection.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # only this raises for options that redis-py does not know
    except (ValueError, TypeError) as error:
        # The error's text is not shown: it may quote a part of the password.
        message = f"not a Redis URL (redis://, rediss:// or unix://, and options it knows): {without_password(url)}"
        raise UsageError(message) from error
    if not checked:
        return connection
    with translated_errors(url):
        version = str(connection.info("server")["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        message = f"Redis at {without_password(url)} is version {version}; word_counter needs 7.0 or newer"
        raise StoreUnavailableError(message)
    return connection


@contextmanager
def translated_errors(url: str = "") -> Iterator[None]:
    """Turn the errors of redis-py into those of this package.

    Raises:
        UsageError: there is no such database, or a key of ours holds a value of another type.
        StoreForbiddenError: the Redis user has no permission for it.
        StoreUnavailableError: the server cannot be reached, or refuses.
    """
    try:
        yield
    except redis.AuthenticationError as error:
        message = f"Redis{_at(url)} refused the password: {error}"
        raise StoreUnavailableError(message) from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        message = f"cannot reach Redis{_at(url)}: {error}"
        raise StoreUnavailableError(message) from error
    except redis.exceptions.NoPermissionError as error:
        message = f"Redis{_at(url)} does not allow it: {error}; docs/redis-acl.conf lists what is needed"
        raise StoreForbiddenError(message) from error
    except redis.ResponseError as error:
        said = " ".join(str(error).split())
        if "WRONGTYPE" in said:
            message = (
                f"Redis{_at(url)} has something else at a key that word_counter uses: {said}; remove what is not "
                "word_counter's among the keys wc:* and rq:*, or use another database (redis://HOST:PORT/1)"
            )
            raise UsageError(message) from error
        if "DB index" in said:
            message = f"Redis{_at(url)} has no such database: {said}; leave the number away, or give a smaller one"
            raise UsageError(message) from error
        message = f"Redis{_at(url)} refused: {said}"
        raise StoreUnavailableError(message) from error


def _at(url: str) -> str:
    return f" at {without_password(url)}" if url else ""
