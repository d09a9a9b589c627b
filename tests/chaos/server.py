"""A server that can be killed: on a TCP port of 127.0.0.1 that was free, every write in an append-only file."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.chaos.commands import Command
from tests.chaos.guard import Guard
from tests.processes import environment
from word_counter.local_cluster.embedded_redis import find_program

#: How long it may take to answer after a start, in seconds.
_START_SECONDS = 20.0
#: How long an answer to the storm's own questions may take, in seconds.
_ANSWER_SECONDS = 0.5


class Server:
    """A server in ``folder``; a context manager. ``client`` is the storm's own connection, past any proxy."""

    def __init__(self, folder: Path, guard: Guard) -> None:
        self._folder = folder / "redis"
        self._folder.mkdir()
        self._guard = guard
        self._starts = 0
        self._command: Command | None = None
        self.port = 0
        self.client: Any = None

    def __enter__(self) -> Self:
        for _ in range(5):  # somebody else may take the port that was free
            self.port = _free_port()
            self.client = redis.Redis(
                port=self.port,
                socket_timeout=_ANSWER_SECONDS,
                socket_connect_timeout=_ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
            self.start()
            if self._came_up():
                return self
            self.kill()
        message = f"the server did not start: {self._command.out if self._command else ''}"
        raise RuntimeError(message)

    def start(self) -> None:
        """Start it, with what its append-only file holds. Returns at once: it may still be loading."""
        options = {
            "--bind": "127.0.0.1",
            "--port": str(self.port),
            "--save": "",
            "--appendonly": "yes",
            "--appendfsync": "always",
            "--dir": str(self._folder),
            "--maxmemory-policy": "noeviction",
        }
        self._starts += 1
        command = [find_program(), *(text for option in options.items() for text in option)]
        self._command = Command(f"server-{self._starts}", command, self._folder, environment(), self._guard)

    def _came_up(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._command is not None and self._command.code is None:
            if self.answers():
                # whoever answers must be the server that was started here
                return bool(self.client.info("server")["process_id"] == self._command.pid)
            time.sleep(0.01)
        return False

    def answers(self) -> bool:
        """Whether it takes questions."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Stop it as a restart would: it ends in good order."""
        if self._command is not None:
            self._command.send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        if self._command is not None:
            self._command.end()

    def freeze(self) -> None:
        """Keep it from running; its connections stay."""
        if self._command is not None:
            self._command.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run again."""
        if self._command is not None:
            self._command.send(signal.SIGCONT)

    def forget(self) -> None:
        """Drop what it keeps on disk, while it does not run."""
        shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)

    def break_disk(self) -> None:
        """Let it believe that its disk is broken, so that it refuses to write (MISCONF)."""
        in_the_way = self._folder / "dump.rdb" / "not-empty"
        in_the_way.mkdir(parents=True, exist_ok=True)
        self.client.config_set("save", "3600 1000000")
        self.client.bgsave()

    def mend_disk(self) -> None:
        """Mend its disk."""
        shutil.rmtree(self._folder / "dump.rdb", ignore_errors=True)
        self.client.config_set("save", "")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(redis.RedisError):
            self.client.close()
        self.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
