"""Retries while Redis cannot be reached or refuses for a time (``--redis-patience``).

Every operation of the store may be sent twice. So during an outage the caller is told once, the operation is tried
again with growing pauses, and the caller is told when the outage is over. After ``--redis-patience`` seconds it fails.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

import redis

from word_counter.errors import StoreUnavailableError

T = TypeVar("T")

#: How refusals begin that pass by themselves: the memory is full, the disk cannot be written, the server loads its
#: data, is a replica just now, or waits for its cluster.
#: The text stands alone, or after redis-py's words about the place in a pipeline.
_PASSING = re.compile(r"(?:^|caused error: )(?:OOM|MISCONF|NOREPLICAS|BUSY|UNBLOCKED|READONLY|LOADING)\b")
_PASSING_CLASSES = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
    redis.exceptions.TryAgainError,
)
#: What is said of a server that refuses to be written to. It may pass: in a failover a server is one for a moment.
READ_ONLY = "is a replica, which can be read only: give the URL of its primary"
#: The first pause and the longest, in seconds.
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


def passes(error: Exception) -> bool:
    """Return whether an error of redis-py may pass by itself."""
    if isinstance(error, redis.AuthenticationError | redis.exceptions.AuthorizationError):
        return False
    if isinstance(error, _PASSING_CLASSES):
        return True
    return isinstance(error, redis.ResponseError) and _PASSING.search(str(error)) is not None


class RedisRetry:
    """Retries calls for up to so many seconds of an outage. ``say`` gets a line when one begins and when it ends."""

    def __init__(self, seconds: float, say: Callable[[str], None]) -> None:
        self.seconds = seconds
        self._say = say

    def call(self, operation: Callable[[], T]) -> T:
        """Return what ``operation`` returns, calling it again as long as Redis is away.

        Raises:
            StoreUnavailableError: Redis was away for longer.
        """
        began: float | None = None
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = operation()
            except redis.RedisError as error:
                if not passes(error):
                    raise
                now = time.monotonic()
                if began is None:
                    began = now
                    if self.seconds:
                        self._say(f"Redis is away ({_one_line(error)}); waiting for it up to {self.seconds:g} s")
                if now - began + pause > self.seconds:
                    waited = f"was away for {self.seconds:g} s (--redis-patience)" if self.seconds else "is away"
                    message = f"Redis {waited}: {_one_line(error)}"
                    raise StoreUnavailableError(message) from error
                # Jitter, so that not all workers come back at once.
                time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)
                continue
            if began is not None:
                self._say(f"Redis is back after {time.monotonic() - began:.1f} s")
            return answer


def _one_line(error: Exception) -> str:
    if "READONLY" in str(error) or isinstance(error, redis.exceptions.ReadOnlyError):
        return f"it {READ_ONLY}"
    return " ".join(str(error).split()) or type(error).__name__
