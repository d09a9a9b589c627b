"""Connections to Redis, and its errors translated into those of this package."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from word_counter.errors import (
    ForeignValueError,
    StoreForbiddenError,
    StoreUnavailableError,
    UnsupportedServerError,
    UsageError,
)
from word_counter.settings.redis_url import CLUSTER, GIVE_ONE, SENTINEL, asks_for_many, without_password
from word_counter.store.decoding import decoded
from word_counter.store.retry import READ_ONLY

#: A connection. redis-py types each answer as a union over its sync, async, bytes and text clients, which is of no use
#: to callers.
Redis = Any
RedisError = redis.RedisError
ResponseError = redis.ResponseError
#: How long an answer may take before the connection counts as lost, in seconds. Longer than any blocking read.
_ANSWER_SECONDS = 10.0
#: What a server may be besides standalone, as INFO names it: redis_mode, or server_mode of Valkey.
_MODES = {"cluster": CLUSTER, "sentinel": SENTINEL}
#: The oldest server whose commands this package can use.
OLDEST_SERVER = (7, 0)


def connect(url: str, *, checked: bool = True) -> Redis:
    """Return a connection. Unless ``checked`` is False, the server has answered and is new enough.

    Raises:
        UsageError: the URL is none.
        UnsupportedServerError: it names a cluster, a Sentinel, or several servers.
        StoreUnavailableError: there is no server, it refuses us, or it is too old.
    """
    if kind := asks_for_many(url):
        message = f"{without_password(url)} asks for {kind}, which word_counter does not support: {GIVE_ONE[kind]}"
        raise UnsupportedServerError(message)
    try:
        connection = _made(url)
    except (ValueError, TypeError) as error:
        # The error's text is not shown: it may quote a part of the password.
        message = f"not a Redis URL (redis://, rediss:// or unix://, and options it knows): {without_password(url)}"
        raise UsageError(message) from error
    if not checked:
        return connection
    with translated_errors(url):
        server = connection.info("server")
    version = str(server["redis_version"])
    if mode := _MODES.get(str(server.get("server_mode") or server.get("redis_mode"))):
        what = "a node of a Redis Cluster" if mode == CLUSTER else mode
        message = f"Redis at {without_password(url)} is {what}, which word_counter does not support: {GIVE_ONE[mode]}"
        raise UnsupportedServerError(message)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        message = f"Redis at {without_password(url)} is version {version}; word_counter needs 7.0 or newer"
        raise StoreUnavailableError(message)
    return connection


def _made(url: str) -> Redis:
    """Return a connection; ValueError or TypeError when the URL is none."""
    connection: Redis = redis.Redis.from_url(
        url,
        # File names need not be UTF-8, and text holds their odd bytes as lone surrogates: spelled out they read well,
        # and inside a JSON text they are an escape that gives back what it stands for.
        encoding_errors="backslashreplace",
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=5.0,
        health_check_interval=0,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
    )
    pool = connection.connection_pool
    path = urlsplit(url).path
    if url.startswith("unix://"):
        # redis-py takes it for UTF-8, which the path of a socket need not be.
        pool.connection_kwargs["path"] = os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    elif not re.fullmatch("/?[0-9]*/?", path):
        raise ValueError(path)  # redis-py would take another database than the one it names
    pool.connection_class(**pool.connection_kwargs)  # options that it does not know are told of here alone
    return connection


def hash_at(connection: Redis, key: str) -> dict[str, str] | None:
    """Return a hash as text, whose bytes that are not UTF-8 are replaced; None when something else has its key."""
    try:
        return decoded(connection.hgetall(key))
    except redis.ResponseError as error:
        if not _is_of_another_type(error):
            raise
        return None


def raise_other_types(answers: Iterable[Any]) -> None:
    """Raise the first error among the answers of a pipeline.

    Raises:
        ForeignValueError: a key has a value of another type than ours.
        redis.RedisError: Redis refused for another reason.
    """
    for answer in answers:
        if isinstance(answer, Exception):
            raise _foreign_value(answer) if _is_of_another_type(answer) else answer


def _is_of_another_type(error: Exception) -> bool:
    return "WRONGTYPE" in str(error)


def _foreign_value(error: Exception, url: str = "") -> ForeignValueError:
    said = " ".join(str(error).split())
    return ForeignValueError(
        f"Redis{_at(url)} has something else at a key that word_counter uses: {said}; remove what is not "
        "word_counter's among the keys wc:* and rq:*, or use another database (redis://HOST:PORT/1)"
    )


@contextmanager
def translated_errors(url: str = "") -> Iterator[None]:
    """Turn the errors of redis-py into those of this package.

    Raises:
        UsageError: there is no such database.
        ForeignValueError: a key of ours holds a value of another type.
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
    except redis.exceptions.ReadOnlyError as error:
        message = f"Redis{_at(url)} {READ_ONLY}"
        raise StoreUnavailableError(message) from error
    except redis.exceptions.NoPermissionError as error:
        message = f"Redis{_at(url)} does not allow it: {error}; docs/redis-acl.conf lists what is needed"
        raise StoreForbiddenError(message) from error
    except redis.ResponseError as error:
        said = " ".join(str(error).split())
        if _is_of_another_type(error):
            raise _foreign_value(error, url) from error
        if "DB index" in said:
            message = f"Redis{_at(url)} has no such database: {said}; leave the number away, or give a smaller one"
            raise UsageError(message) from error
        message = f"Redis{_at(url)} refused: {said}"
        raise StoreUnavailableError(message) from error


def _at(url: str) -> str:
    return f" at {without_password(url)}" if url else ""
