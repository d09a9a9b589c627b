"""The stopwatch: measures a command from its start until its results are on disk, and ends all of its processes.

On Linux the stopwatch inherits the processes that a command leaves behind, such as Spark's virtual machine. So their
processor time is counted too. Those that do not end by themselves are killed before the next command starts.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: How long what a command left behind may take to end by itself, in seconds.
_GRACE_SECONDS = 10.0
#: How often the stopwatch looks whether a process has ended, in seconds. Times do not depend on it.
_LOOK_SECONDS = 0.01
_PR_SET_CHILD_SUBREAPER = 36


class CommandError(Exception):
    """A command failed or took too long; says how."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a command took."""

    seconds: float  #: from its start until its results were on disk
    cpu_seconds: float  #: of all its processes together, until their end
    printed: str
    complained: str


def adopt_orphans() -> None:
    """Become the parent of what commands leave behind, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def timed(command: Sequence[str], environment: Mapping[str, str], results: Path, patience_seconds: float) -> Timing:
    """Run a command that writes ``results``, in an empty folder of its own.

    Raises:
        CommandError: it failed, wrote no results or took longer than ``patience_seconds``.
    """
    results.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="wc-bench-", ignore_cleanup_errors=True) as folder:
        out, err = Path(folder, "stdout"), Path(folder, "stderr")
        with out.open("wb") as out_file, err.open("wb") as err_file:
            began, deadline = time.time_ns(), time.monotonic() + patience_seconds
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**environment, "TMPDIR": folder, "XDG_STATE_HOME": folder},
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                start_new_session=True,
            )
        ending = _Ending(process.pid, deadline)
        try:
            ending.wait()
        except BaseException:  # Ctrl-C, say: nothing of the command goes on
            ending.enforce()
            raise
        process.returncode = ending.code
        printed, complained = out.read_text(errors="replace"), err.read_text(errors="replace")
    if ending.late:
        message = f"took longer than {patience_seconds:g} s"
        raise CommandError(message)
    if ending.code != 0 or not results.exists():
        lines = (complained.strip() or printed.strip() or "nothing was printed").splitlines()
        message = "\n".join([f"exit code {ending.code}: {lines[-1].strip()}", *lines[-8:-1]])
        raise CommandError(message)
    # The change time: of all that is known of a file, this alone is moved by the rename which makes it be seen.
    seconds = (results.stat().st_ctime_ns - began) / 1e9
    return Timing(seconds, ending.cpu_seconds, printed, complained)


class _Ending:
    """Waits for a command and all it started, and adds up what they used."""

    def __init__(self, main: int, deadline: float) -> None:
        self._main = main
        self._deadline = deadline
        self.code: int | None = None
        self.late = False
        self.cpu_seconds = 0.0

    def wait(self) -> None:
        """Return when no process is left."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid:
                self._note(pid, status, used.ru_utime + used.ru_stime)
                continue
            if time.monotonic() > self._deadline:
                self.late = self.late or self.code is None
                self._kill()
            time.sleep(_LOOK_SECONDS)

    def enforce(self) -> None:
        """Kill the processes that are left, and those that they leave in turn."""
        self._deadline = 0.0
        self.wait()

    def _note(self, pid: int, status: int, cpu_seconds: float) -> None:
        self.cpu_seconds += cpu_seconds
        if pid == self._main:
            self.code = os.waitstatus_to_exitcode(status)
            self._deadline = min(self._deadline, time.monotonic() + _GRACE_SECONDS)

    def _kill(self) -> None:
        """Kill what is left: the command's group, and whatever else has become our child."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._main, signal.SIGKILL)
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def _children() -> list[int]:
    """Return the processes whose parent is this one, where the system tells."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(status.parent.name))
    return found
