"""The crew: the worker processes that one run starts for itself, and that end with it.

They are started by command, in a fresh interpreter, so that nothing of the master's (threads, connections, half
a lock) is theirs. Their standard input is a pipe whose closing tells them that the master is gone, whichever way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from word_counter import config

#: How long a crew may take to finish its tasks when it is told to stop, in seconds.
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CrewPermit:
    """What a crew may do: check with this secret, load these jobs, read below these roots."""

    secret: str = field(repr=False)
    allow: Sequence[str]
    input_root: Sequence[str]


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
    """Worker processes of one run."""

    def __init__(
        self,
        url: str,
        processes: int,
        permit: CrewPermit,
        settings: config.Settings,
        heard: Callable[[str], None],
    ) -> None:
        """Start them, to log and wait as ``settings`` say. ``heard`` gets each line that they, or user code, print."""
        environment = config.environment()
        environment["WORD_COUNTER_REDIS"] = url  # not an argument, which ps would show: a URL may hold a password
        environment["WORD_COUNTER_SECRET"] = permit.secret
        environment["WORD_COUNTER_ALLOW"] = json.dumps(permit.allow)
        environment["WORD_COUNTER_INPUT_ROOT"] = json.dumps(permit.input_root)
        environment["PYTHONPATH"] = os.pathsep.join(_import_path(environment.get("PYTHONPATH", "")))
        environment["PYTHONUNBUFFERED"] = "1"
        # Whatever flag or job set these, and whatever the environment says of workers that are not a run's own.
        environment["WORD_COUNTER_LOG_FORMAT"] = settings.log_format
        environment["WORD_COUNTER_VERBOSE"] = str(settings.verbose)
        environment["WORD_COUNTER_REDIS_PATIENCE"] = str(settings.redis_patience)
        environment["WORD_COUNTER_BURST"] = ""
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
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()

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
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(1.0)
