"""The crew: the worker processes that one run starts for itself, and that end with it.

A program's own run starts them by command, in a fresh interpreter, so that nothing of the master's (threads,
connections, half a lock) is theirs. A command has none of that yet when it sends them ahead, and forks them off itself
(:mod:`word_counter.local_cluster.prefork`). Their standard input is a pipe whose closing tells them that
the master is gone, whichever way.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from word_counter.loading.job_import import current_folder
from word_counter.settings import config

#: How long a crew may take to finish its tasks when it is told to stop, in seconds.
_STOP_SECONDS = 5.0
#: What tells a process to stop.
_STOPS = (signal.SIGTERM, signal.SIGINT)
#: How often it is looked whether it has, in seconds.
_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class LocalPermissions:
    """What a crew may do: check with this secret, load these jobs, read below these roots, and shuffle below these."""

    secret: str = field(repr=False)
    allow: Sequence[str]
    input_root: Sequence[str]
    shuffle_root: Sequence[str] = ()


def worker_command(processes: int) -> list[str]:
    """Return the arguments of the command that is a crew."""
    return ["worker", "--processes", str(processes), "--until-eof"]


def _import_path(chosen: str) -> list[str]:
    """Return where this process imports from, but last what is there only because of how it was started.

    A redis.py beside a script, or in the current folder, must not become the crew's. What ``PYTHONPATH`` chooses keeps
    its place, and so does the folder of this very package: the crew must not run another version of it.
    """
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    here = current_folder()
    last = set(here)
    if script:  # Python looks beside the file that a link leads to
        last |= {os.path.dirname(os.path.abspath(script)), os.path.dirname(os.path.realpath(script))}
    last -= {os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))}
    last -= {os.path.abspath(path) for path in chosen.split(os.pathsep)} if chosen else set()
    # Where there is no current folder, nothing is below it, and Python could not even start.
    paths = [found for path in sys.path for found in ([path] if os.path.isabs(path) or (path and here) else here)]
    return sorted(dict.fromkeys(paths), key=last.__contains__)


def _spawn(processes: int) -> subprocess.Popen[str]:
    environment = config.environment()
    environment["PYTHONPATH"] = os.pathsep.join(_import_path(environment.get("PYTHONPATH", "")))
    environment["PYTHONUNBUFFERED"] = "1"
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "word_counter", *worker_command(processes)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a terminal's Ctrl-C is for the master, which stops the crew
        text=True,
        errors="replace",
    )


class _Fork:
    """A fork of this process, with as much of :class:`subprocess.Popen` as a crew needs."""

    def __init__(self, live: Callable[[], None]) -> None:
        theirs, ours = os.pipe()
        printed, print_to = os.pipe()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # until the fork minds them in a way of its own
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ours)
            os.close(printed)
            _become(live, theirs, print_to, mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(theirs)
        os.close(print_to)
        self.stdin = open(ours, "w")  # noqa: SIM115 (a descriptor, which Crew closes)
        self.stdout = open(printed, errors="replace")  # noqa: SIM115
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code


def _become(live: Callable[[], None], stdin: int, stdout: int, mask: set[int | signal.Signals]) -> NoReturn:
    """Be what :func:`_spawn` starts, in a fork."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for descriptor, number in ((stdin, 0), (stdout, 1), (stdout, 2)):
            os.dup2(descriptor, number)
        os.close(stdin)
        os.close(stdout)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(write_through=True)
        sys.path[:] = _import_path(config.environment().get("PYTHONPATH", ""))
        live()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else code
    except BaseException:  # noqa: BLE001 (its process ends here, whatever it is)
        traceback.print_exc()
    finally:
        os._exit(code)


class LocalWorkers:
    """Worker processes of one run. They come up by themselves, and wait to be told what they are for."""

    def __init__(self, processes: int, live: Callable[[], None] | None = None) -> None:
        """Start them: a fork of this process that calls ``live``, or by default a process of its own."""
        self.processes = processes
        self._process = _spawn(processes) if live is None else _Fork(live)
        self._listener: threading.Thread | None = None

    def serve(
        self, url: str, permissions: LocalPermissions, settings: config.Settings, heard: Callable[[str], None]
    ) -> None:
        """Let them serve a Redis, and log and wait as ``settings`` say.

        ``heard`` gets each line that they, or user code, print.
        """
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()
        orders = {
            "WORD_COUNTER_REDIS": url,
            "WORD_COUNTER_SECRET": permissions.secret,
            "WORD_COUNTER_ALLOW": json.dumps(permissions.allow),
            "WORD_COUNTER_INPUT_ROOT": json.dumps(permissions.input_root),
            "WORD_COUNTER_SHUFFLE_ROOT": json.dumps(permissions.shuffle_root),
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
