"""Local workers: the worker processes that one run starts for itself, and that end with it.

``run()`` in a program starts them by command, in a fresh interpreter, so that they inherit nothing of the master's
(threads, connections, a locked lock). ``word-counter run`` has none of these yet when it starts them early, and forks
them (:mod:`word_counter.local_cluster.prefork`). Their standard input is a pipe. When it closes, they know that the
master is gone, however it ended.
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

#: How long the workers may take to end when they are told to stop, in seconds.
_STOP_SECONDS = 5.0
#: The signals that stop a process.
_STOPS = (signal.SIGTERM, signal.SIGINT)
#: How often it is checked whether the workers have ended, in seconds.
_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class LocalPermissions:
    """What local workers may do: the secret, and what they may load, read, and keep run files below."""

    secret: str = field(repr=False)
    allow: Sequence[str]
    input_root: Sequence[str]
    shuffle_root: Sequence[str] = ()


def worker_command(processes: int) -> list[str]:
    """Return the arguments of the command that runs local workers."""
    return ["worker", "--processes", str(processes), "--until-eof"]


def _import_path(chosen: str) -> list[str]:
    """Return the import path for the workers: this process's own, with the folders of its script and its start last.

    The workers must not import a redis.py that lies beside a script or in the current folder. What ``PYTHONPATH``
    chooses keeps its place. So does the folder of this package: the workers must not run another version of it.
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
        start_new_session=True,  # a terminal's Ctrl-C is for the master, which stops the workers
        text=True,
        errors="replace",
    )


class _Fork:
    """A fork of this process, with those parts of :class:`subprocess.Popen` that are used here."""

    def __init__(self, work: Callable[[], None]) -> None:
        theirs, ours = os.pipe()
        printed, print_to = os.pipe()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # until the fork has set its own handlers
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ours)
            os.close(printed)
            _run_fork(work, theirs, print_to, mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(theirs)
        os.close(print_to)
        self.stdin = open(ours, "w")  # noqa: SIM115 (LocalWorkers closes the descriptor)
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


def _run_fork(work: Callable[[], None], stdin: int, stdout: int, mask: set[int | signal.Signals]) -> NoReturn:
    """Do in a fork what the process that :func:`_spawn` starts does."""
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
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else code
    except BaseException:  # noqa: BLE001 (the process ends here, whatever the error)
        traceback.print_exc()
    finally:
        os._exit(code)


class LocalWorkers:
    """Worker processes of one run. They start at once, and wait for the settings that :meth:`serve` sends."""

    def __init__(self, processes: int, work: Callable[[], None] | None = None) -> None:
        """Start them: as a fork of this process that calls ``work``, or by default as a new process."""
        self.processes = processes
        self._process = _spawn(processes) if work is None else _Fork(work)
        self._listener: threading.Thread | None = None

    def serve(
        self, url: str, permissions: LocalPermissions, settings: config.Settings, heard: Callable[[str], None]
    ) -> None:
        """Have them serve a Redis. They take logging and waiting times from ``settings``.

        ``heard`` gets each line that they, or user code, print.
        """
        self._listener = threading.Thread(target=self._listen, args=(heard,), daemon=True)
        self._listener.start()
        variables = {
            "WORD_COUNTER_REDIS": url,
            "WORD_COUNTER_SECRET": permissions.secret,
            "WORD_COUNTER_ALLOW": json.dumps(permissions.allow),
            "WORD_COUNTER_INPUT_ROOT": json.dumps(permissions.input_root),
            "WORD_COUNTER_SHUFFLE_ROOT": json.dumps(permissions.shuffle_root),
            # These are as in the master, whether a flag, a job or the environment set them there.
            "WORD_COUNTER_LOG_FORMAT": settings.log_format,
            "WORD_COUNTER_VERBOSE": str(settings.verbose),
            "WORD_COUNTER_REDIS_PATIENCE": str(settings.redis_patience),
            **{f"WORD_COUNTER_{name.upper()}": str(getattr(settings, name)) for name in config.OF_CACHE},
        }
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # they have ended already, which the master notices later
                self._process.stdin.write(json.dumps(variables) + "\n")
                self._process.stdin.flush()

    def _listen(self, heard: Callable[[str], None]) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as printed:
                for line in printed:
                    heard(line.rstrip("\n"))

    @property
    def ended(self) -> int | None:
        """The exit code when the workers have ended, None while they run."""
        return self._process.poll()

    def stop(self) -> None:
        """Stop the processes at once: the results of what they still run are not needed any more."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        deadline = time.monotonic() + _STOP_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)  # wait() with a timeout checks less and less often, which adds up to 0.1 s
        self._process.kill()
        self._process.wait()
        if self._listener is not None:
            self._listener.join(1.0)
        elif self._process.stdout is not None:
            self._process.stdout.close()


def await_settings(descriptor: int) -> bool:
    """Wait for what :meth:`LocalWorkers.serve` sends, and adopt it; False when the pipe closes instead."""
    variables = bytearray()
    while not variables.endswith(b"\n"):
        read = os.read(descriptor, 65_536)
        if not read:
            return False
        variables += read
    config.adopt(json.loads(variables))
    return True
