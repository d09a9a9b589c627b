"""Commands: programs that run as process groups of their own, under guard, and that signals can be sent to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.chaos.guard import Guard
from tests.processes import environment

#: How long a killed process may take to be gone, in seconds.
_GONE_SECONDS = 10.0


class Command:
    """A program that runs. What it prints goes to ``NAME.out`` and ``NAME.err`` in ``folder``."""

    def __init__(self, name: str, args: Sequence[str], folder: Path, env: Mapping[str, str], guard: Guard) -> None:
        self.name = name
        self._guard = guard
        self._out = folder / f"{name}.out"
        self._err = folder / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                args, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        guard.add(self.pid)

    @property
    def pid(self) -> int:
        """The process's id, which is that of its group, too."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def out(self) -> str:
        """What it has printed to standard output so far."""
        return self._out.read_text(encoding="utf-8", errors="replace")

    @property
    def err(self) -> str:
        """What it has printed to standard error so far."""
        return self._err.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and all its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self, seconds: float) -> None:
        """Return when it has ended, or when so many seconds are over."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def end(self) -> None:
        """Kill it with all its children, whatever state it is in."""
        self.send_group(signal.SIGKILL)
        self._process.wait(_GONE_SECONDS)
        self._guard.drop(self.pid)


def word_counter(name: str, args: Sequence[str], folder: Path, env: Mapping[str, str], guard: Guard) -> Command:
    """Start ``word-counter ARGS``. ABRT makes it print where it is, for whoever looks into a hang."""
    command = [sys.executable, "-m", "word_counter", *args]
    return Command(name, command, folder, environment(PYTHONFAULTHANDLER="1", **env), guard)


def children_of(parent: int) -> list[int]:
    """Return the process ids of a process's children."""
    if not Path("/proc").is_dir():
        listed = subprocess.run(["ps", "-ax", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [(int(pid), int(ppid)) for pid, ppid in (line.split() for line in listed.splitlines())]
        return [pid for pid, ppid in pairs if ppid == parent]
    listed_there = list(Path(f"/proc/{parent}/task").glob("*/children"))
    if listed_there:
        with contextlib.suppress(OSError):
            return sorted(int(pid) for path in listed_there for pid in path.read_text().split())
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # the name, in parentheses, may hold anything; after it come the state and the parent
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return sorted(found)


def kill(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a process that is no child of ours; False when it is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
