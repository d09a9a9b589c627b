"""Prefork: ``word-counter run`` starts a private server and workers early, while it still looks for its job.

Starting them takes as long as importing what a master needs, so both happen at the same time. The server starts while
the imports run. The workers are then forked from this process, which has imported what they need, and has loaded no
code of the user's yet. The run that follows takes both over. What it does not take over is stopped.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

from word_counter.errors import StoreUnavailableError, UsageError
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.local_cluster.local_workers import LocalWorkers


class Prefork:
    """The server and the workers that were started early and not taken over yet."""

    _server: ClassVar[EmbeddedRedis | None] = None
    _local_workers: ClassVar[LocalWorkers | None] = None

    @classmethod
    @contextlib.contextmanager
    def started(cls, processes: int, prepare: Callable[[], Callable[[], None]]) -> Iterator[None]:
        """Start a server and so many processes. On leaving, stop what was not taken over.

        ``prepare`` imports what master and workers need, and returns the function that a forked worker calls.
        """
        try:
            # The run will say so, after all that is wrong with the job.
            with contextlib.suppress(StoreUnavailableError, UsageError):
                cls._server = _started()
            cls._local_workers = LocalWorkers(processes, _fork_of(prepare(), cls._server))
            yield
        finally:
            local_workers, server, cls._local_workers, cls._server = cls._local_workers, cls._server, None, None
            if local_workers is not None:
                local_workers.stop()
            if server is not None:
                server.stop()

    @classmethod
    def server(cls) -> EmbeddedRedis:
        """Return the server that was started early, else a new one. Either may not answer yet.

        Raises:
            StoreUnavailableError: there is no server program to start.
        """
        server, cls._server = cls._server, None
        return server or _started()

    @classmethod
    def local_workers(cls, processes: int) -> LocalWorkers:
        """Return the processes that were started early, if there are as many, else new ones."""
        local_workers, cls._local_workers = cls._local_workers, None
        if local_workers is not None and local_workers.processes != processes:
            local_workers.stop()
            local_workers = None
        return local_workers or LocalWorkers(processes)


def _started() -> EmbeddedRedis:
    server = EmbeddedRedis()
    server.start()
    return server


def _fork_of(work: Callable[[], None], server: EmbeddedRedis | None) -> Callable[[], None] | None:
    """Return what a fork of this process does; None where a fork is not safe: on macOS, and beside other threads."""
    if sys.platform != "linux" or threading.active_count() > 1 or None in {sys.stdin, sys.stdout, sys.stderr}:
        return None

    def run_worker() -> None:
        if server is not None:
            server.disown()
        work()

    return run_worker
