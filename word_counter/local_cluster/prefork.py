"""The vanguard: what a command sends ahead while it is still looking for its job: a private server, and workers.

To start them takes as long as to import what a master needs. The server comes up meanwhile; the workers are then forked
off this process, which has imported what they need, and before it has loaded any code of the user's. The run that
follows takes both over, and what it does not take is stopped.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

from word_counter.errors import StoreUnavailableError
from word_counter.local_cluster.embedded_redis import EmbeddedServer
from word_counter.local_cluster.local_workers import Crew


class Vanguard:
    """What was sent ahead and not taken over yet."""

    _server: ClassVar[EmbeddedServer | None] = None
    _crew: ClassVar[Crew | None] = None

    @classmethod
    @contextlib.contextmanager
    def sent(cls, processes: int, prepare: Callable[[], Callable[[], None]]) -> Iterator[None]:
        """Start a server and so many processes; stop afterwards what nobody took.

        ``prepare`` imports what master and workers need, and returns what a process that becomes a worker calls.
        """
        try:
            with contextlib.suppress(
                StoreUnavailableError
            ):  # the run will say so, after all that is wrong with the job
                cls._server = _started()
            cls._crew = Crew(processes, _fork_of(prepare(), cls._server))
            yield
        finally:
            crew, server, cls._crew, cls._server = cls._crew, cls._server, None, None
            if crew is not None:
                crew.stop()
            if server is not None:
                server.stop()

    @classmethod
    def server(cls) -> EmbeddedServer:
        """Return the server that was sent ahead, else a new one; either may still be coming up.

        Raises:
            StoreUnavailableError: there is no server program to start.
        """
        server, cls._server = cls._server, None
        return server or _started()

    @classmethod
    def crew(cls, processes: int) -> Crew:
        """Return the processes that were sent ahead, if there are as many, else new ones."""
        crew, cls._crew = cls._crew, None
        if crew is not None and crew.processes != processes:
            crew.stop()
            crew = None
        return crew or Crew(processes)


def _started() -> EmbeddedServer:
    server = EmbeddedServer()
    server.start()
    return server


def _fork_of(live: Callable[[], None], server: EmbeddedServer | None) -> Callable[[], None] | None:
    """Return what a fork of this process does, or None where a fork is not safe: on macOS, and beside other threads."""
    if sys.platform != "linux" or threading.active_count() > 1 or None in {sys.stdin, sys.stdout, sys.stderr}:
        return None

    def be_a_worker() -> None:
        if server is not None:
            server.disown()
        live()

    return be_a_worker
