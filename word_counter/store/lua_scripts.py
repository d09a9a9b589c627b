"""Runs the store's Lua scripts: sends them by their SHA-1, and retries while Redis is away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError

from word_counter.errors import JobFailedError
from word_counter.store.connection import Redis
from word_counter.store.retry import RedisRetry, passes

T = TypeVar("T")
#: Asks Redis once only.
NO_RETRY = RedisRetry(0.0, lambda _: None)


@cache
def _script(name: str) -> tuple[str, str]:
    """Return a script's text and its SHA-1, which is its name on the server."""
    text = resources.files("word_counter.store").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class LuaScripts:
    """Runs scripts and other operations over one connection, and retries them during an outage."""

    def __init__(self, connection: Redis, retry: RedisRetry = NO_RETRY) -> None:
        self.connection = connection
        self._retry = retry

    def call(self, operation: Callable[[], T]) -> T:
        """Return what an operation on the connection returns. It may be called several times."""
        return self._retry.call(lambda: self._reached(operation))

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script and return its answer."""
        text, sha = _script(name)

        def once() -> Any:
            try:
                return self.connection.evalsha(sha, len(keys), *keys, *args)
            except NoScriptError:
                return self.connection.eval(text, len(keys), *keys, *args)

        try:
            return self.call(once)
        except ResponseError as error:
            if passes(error) or "user_script" not in str(error):
                raise
            message = (
                f"what Redis holds below {keys[0]} is not what word_counter wrote there ({error}); "
                "purge the job, or delete that key, and run it again"
            )
            raise JobFailedError(message) from error

    def _reached(self, operation: Callable[[], T]) -> T:
        try:
            return operation()
        except ReadOnlyError:
            # This server has become a replica. After a new connection another server may answer at this address.
            self.connection.connection_pool.disconnect()
            raise
