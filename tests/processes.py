"""Runs the real command as a real process, and finds out what tests need to know about processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parent.parent
#: Longer than anything here takes on a slow and busy machine, in seconds.
PATIENCE_SECONDS = 100.0

T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment, with which the command runs this tree's package, and ``more``."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, **more}


class Running:
    """A command that runs, as the leader of its own process group. What it prints goes to files in ``folder``."""

    def __init__(self, args: tuple[str, ...], folder: Path, env: Mapping[str, str]) -> None:
        self._out = folder / f"out-{id(self)}.txt"
        self._err = folder / f"err-{id(self)}.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "word_counter", *args],
                cwd=folder,
                env=environment(**env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def err(self) -> str:
        """What it has printed to standard error so far."""
        return self._err.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        self.process.send_signal(number)

    def press_ctrl_c(self) -> None:
        """Send INT to its whole group, as a terminal does."""
        os.killpg(self.pid, signal.SIGINT)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> Ended:
        """Wait for its end."""
        code = self.process.wait(seconds)
        return Ended(code, self._out.read_text(errors="replace"), self.err)


@contextlib.contextmanager
def started(*args: str, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start the command ``word-counter ARGS`` in ``folder``; whatever happens, it is gone afterwards."""
    running = Running(args, folder, env or {})
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.send(signal.SIGTERM)
            try:
                running.process.wait(10)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()


def word_counter(
    *args: str, folder: Path, env: Mapping[str, str] | None = None, seconds: float = PATIENCE_SECONDS
) -> Ended:
    """Run the command ``word-counter ARGS`` in ``folder`` to its end, which comes within ``seconds``."""
    with started(*args, folder=folder, env=env) as running:
        return running.wait(seconds)


def eventually(look: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Return what ``look`` returns as soon as that is true; fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"still not so after {seconds:g} seconds: {look}"
        time.sleep(0.02)
    return seen


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return not Path("/proc").is_dir()
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    """Be somebody whom file permissions bind: root is "nobody" for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
