"""Scripts: the Lua operations of the store, sent by their digest, with patience."""

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
#: Asks Redis once, for callers that have no patience.
NO_RETRY = RedisRetry(0.0, lambda _: None)


@cache
def _script(name: str) -> tuple[str, str]:
    """Return a script's text and its SHA-1, by which the server knows it."""
    text = resources.files("word_counter.store").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class LuaScripts:
    """A connection that runs the store's scripts and outlasts outages."""

    def __init__(self, connection: Redis, retry: RedisRetry = NO_RETRY) -> None:
        self.connection = connection
        self._retry = retry

    def call(self, operation: Callable[[], T]) -> T:
        """Return what an operation on the connection returns; it may be called several times."""
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
            # This server has become a replica: what answers at the same address next may be another one.
            self.connection.connection_pool.disconnect()
            raise
