"""Session: the Redis and the local workers of one run. The Redis is a private one when none is given."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from shlex import quote
from types import TracebackType
from typing import Self

from word_counter.errors import StoreUnavailableError
from word_counter.loading.job_reference import places
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.local_cluster.local_workers import LocalPermissions, LocalWorkers
from word_counter.local_cluster.prefork import Prefork
from word_counter.observer import Observer
from word_counter.queue.rq_bookkeeping import tidy
from word_counter.security.secret import find_secret, local_secret
from word_counter.settings.config import Settings
from word_counter.store.connection import Redis, connect, translated_errors


class Session:
    """A server, a connection to it, and local workers. A context manager that ends what it started."""

    def __init__(self, settings: Settings, observer: Observer, *, alone: bool = False) -> None:
        """Make it. ``alone``: only this process and its local workers need to know its secret."""
        self._settings = settings
        self._alone = alone
        self._observer = observer
        self._server: EmbeddedRedis | None = None
        self._local_workers: LocalWorkers | None = None
        self._connection: Redis | None = None
        self._server_id = ""
        self._secret = ""
        self._workers_secret = ""

    def __enter__(self) -> Self:
        if not self._settings.redis:
            self._server = Prefork.server()
        return self

    @property
    def private(self) -> bool:
        """Whether the server is this session's own, and ends with it."""
        return self._server is not None

    @property
    def hint(self) -> str:
        """How to look into a private server with redis-cli; empty when the server is somebody's."""
        return f'redis-cli -s {quote(str(self._server.socket_path))} keys "*"' if self._server is not None else ""

    @property
    def url(self) -> str:
        """The URL of the server in use."""
        return self._server.url if self._server is not None else self._settings.redis

    @property
    def connection(self) -> Redis:
        """The connection. It is made at first use, so that a private server can start meanwhile.

        Raises:
            StoreUnavailableError: the server cannot be reached.
        """
        if self._connection is None:
            if self._server is not None:
                self._server.wait()
            self._connection = connect(self.url)
            self._server_id = self._running_server()
        return self._connection

    @property
    def secret(self) -> str:
        """What this session signs with; UsageError when there is no secret and none can be stored."""
        if not self._secret:
            self._secret = find_secret(self._settings, alone=self._alone, warn=self._observer.warned)
        return self._secret

    @property
    def batch_secret(self) -> str:
        """What the session's batches are signed with: the secret of its local workers if it has any, else its own."""
        return self._workers_secret or self.secret

    def _running_server(self) -> str:
        return str(self.connection.info("server")["run_id"])

    def server_changed(self) -> bool:
        """Whether another server process answers than at the last call. Its data may be lost."""
        before, self._server_id = self._server_id, self._running_server()
        return before != self._server_id

    def server_version(self) -> str:
        """Return the name and version of the server, as in ``valkey 9.1.2``."""
        server = self.connection.info("server")
        name = str(server.get("server_name", "redis"))
        return f"{name} {server.get(f'{name}_version', server['redis_version'])}"

    def memory(self) -> tuple[int, int]:
        """Return how much memory the server uses and may use (its maxmemory, or all of its machine's), in bytes."""
        memory = self.connection.info("memory")
        return int(memory["used_memory"]), int(memory.get("maxmemory", 0)) or int(memory.get("total_system_memory", 0))

    def start_workers(
        self, processes: int, job_id: str, code: str, roots: Sequence[str], shuffle_roots: Sequence[str]
    ) -> None:
        """Start local workers for one job.

        They may read input below ``roots``, and keep run files below ``shuffle_roots``, and nowhere else.
        """
        if processes:
            self._workers_secret = local_secret(self.secret, job_id)
            allow = [*self._settings.allow, *places(code)]
            permissions = LocalPermissions(
                self._workers_secret, allow, self._settings.input_root or roots, shuffle_roots
            )
            self._local_workers = Prefork.local_workers(processes)
            self._local_workers.serve(self.url, permissions, self._settings, self._observer.printed)

    @property
    def workers_ended(self) -> int | None:
        """The exit code of the local workers when they have ended by themselves; None while they run."""
        return self._local_workers.ended if self._local_workers is not None else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._local_workers is not None:
            self._local_workers.stop()
        reachable = kind is None or not issubclass(kind, StoreUnavailableError)
        if self._connection is not None and not self.private and reachable:
            with contextlib.suppress(StoreUnavailableError), translated_errors():
                tidy(self._connection)
        if self._connection is not None:
            self._connection.close()
        if self._server is not None:
            self._server.stop()
