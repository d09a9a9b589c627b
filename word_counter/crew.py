"""The crew: the worker processes that one run starts for itself, and that end with it.

They are started by command, in a fresh interpreter, so that nothing of the master's (threads, connections, half
a lock) is theirs. Their standard input is a pipe whose closing tells them that the master is gone, whichever way.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from word_counter import config

#: How long a crew may take to finish its tasks when it is told to stop, in seconds.
_STOP_SECONDS = 5.0
#: How often it is looked whether it has, in seconds.
_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class CrewPermit:
    """What a crew may do: check with this secret, load these jobs, read below these roots, and shuffle below these."""

    secret: str = field(repr=False)
    allow: Sequence[str]
    input_root: Sequence[str]
    shuffle_root: Sequence[str] = ()


def _import_path(chosen: str) -> list[str]:
    """Return where this process imports from, but last what is there only because of how it was started.

    A redis.py beside a script, or in the current folder, must not become the crew's. What ``PYTHONPATH`` chooses keeps
    its place, and so does the folder of this very package: the crew must not run another version of it.
    """
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    last = {os.getcwd(), os.path.dirname(os.path.abspath(script))} if script else {os.getcwd()}
    last -= {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}
    last -= {os.path.abspath(path) for path in chosen.split(os.pathsep)} if chosen else set()
    return sorted(dict.fromkeys(path or os.getcwd() for path in sys.path), key=last.__contains__)


class Crew:
    """Worker processes of one run. They come up by themselves, and wait to be told what they are for."""

    _ahead: ClassVar[Crew | None] = None

    def __init__(self, processes: int) -> None:
        """Start them."""
        self.processes = processes
        environment = config.environment()
        environment["PYTHONPATH"] = os.pathsep.join(_import_path(environment.get("PYTHONPATH", "")))
        environment["PYTHONUNBUFFERED"] = "1"
        environment["WORD_COUNTER_BURST"] = ""  # which is about workers that are not a run's own
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "word_counter", "worker", "--processes", str(processes), "--until-eof"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a terminal's Ctrl-C is for the master, which stops the crew
            text=True,
            errors="replace",
        )
        self._listener: threading.Thread | None = None

    @classmethod
    @contextlib.contextmanager
    def sent_ahead(cls, processes: int) -> Iterator[None]:
        """Start the processes that a run will want, to come up while it prepares itself; stop them if it did not."""
        cls._ahead = cls(processes) if processes else None
        try:
            yield
        finally:
            crew, cls._ahead = cls._ahead, None
            if crew is not None:
                crew.stop()

    @classmethod
    def called(cls, processes: int) -> Crew:
        """Return the processes that were sent ahead, if there are as many, else new ones."""
        crew, cls._ahead = cls._ahead, None
        if crew is not None and crew.processes != processes:
            crew.stop()
            crew = None
        return crew or cls(processes)

    def serve(self, url: str, permit: CrewPermit, settings: config.Settings, heard: Callable[[str], None]) -> None:
        """Let them serve a Redis, and log and wait as ``settings`` say.

        ``heard`` gets each line that they, or user code, print.
        """
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()
        orders = {
            "WORD_COUNTER_REDIS": url,
            "WORD_COUNTER_SECRET": permit.secret,
            "WORD_COUNTER_ALLOW": json.dumps(permit.allow),
            "WORD_COUNTER_INPUT_ROOT": json.dumps(permit.input_root),
            "WORD_COUNTER_SHUFFLE_ROOT": json.dumps(permit.shuffle_root),
            # Whatever flag or job set these, and whatever the environment says of workers that are not a run's own.
            "WORD_COUNTER_LOG_FORMAT": settings.log_format,
            "WORD_COUNTER_VERBOSE": str(settings.verbose),
            "WORD_COUNTER_REDIS_PATIENCE": str(settings.redis_patience),
            **{f"WORD_COUNTER_{name.upper()}": str(getattr(settings, name)) for name in config.OF_CACHE},
        }
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # they ended already; it is seen that they did
                self._process.stdin.write(json.dumps(orders) + "\n")
                self._process.stdin.flush()

    def _listen(self, heard: Callable[[str], None]) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as printed:
                for line in printed:
                    heard(line.rstrip("\n"))

    @property
    def ended(self) -> int | None:
        """The exit code when the crew has ended, None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Stop the processes at once: what they still run is nobody's any more."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        deadline = time.monotonic() + _STOP_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)  # wait() with a timeout would look ever less often, and add a tenth of a second
        self._process.kill()
        self._process.wait()
        if self._listener is not None:
            self._listener.join(1.0)
        elif self._process.stdout is not None:
            self._process.stdout.close()


def await_orders(descriptor: int) -> bool:
    """Take what :meth:`Crew.serve` writes into this process's environment; False when its end comes instead."""
    orders = bytearray()
    while not orders.endswith(b"\n"):
        read = os.read(descriptor, 65_536)
        if not read:
            return False
        orders += read
    config.adopt(json.loads(orders))
    return True
