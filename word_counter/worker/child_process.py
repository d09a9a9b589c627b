"""A worker's child process, as its parent sees it: what it works on, whether it hangs, and how it ended."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import signal
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from secrets import token_hex
from typing import Any

from word_counter.compute.isolated_process import end_with_parent, how_ended
from word_counter.job.snapshot import CRASHED, HUNG
from word_counter.worker import task_runner as runner
from word_counter.worker.permissions import Permissions

#: How soon a lease that was not renewed is looked at again, in seconds.
_RECHECK_SECONDS = 0.5
#: What tells a process to stop.
_STOPS = (signal.SIGTERM, signal.SIGINT)
#: Forking is fast and shares what is imported; where it is not safe (macOS), children start afresh.
_START_METHOD = "fork" if sys.platform == "linux" else "spawn"


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """What all children of a worker are told at birth."""

    url: str
    burst: bool
    patience_seconds: float
    permissions: Permissions


class ChildStarter:
    """Starts the children of one worker, who all end when the process of this one does, whichever way."""

    def __init__(self, child_settings: ChildSettings) -> None:
        self._child_settings = child_settings
        self._context: Any = multiprocessing.get_context(_START_METHOD)
        # Nothing is ever sent through it: children see it close when the parent is gone.
        self._life, self._end_of_life = self._context.Pipe(duplex=False)

    def start(self, name: str) -> ChildProcess:
        """Start a child."""
        ours, theirs = self._context.Pipe(duplex=False)
        rq_name = f"{name}-{token_hex(2)}"  # in a container another one may have had the same host and process id
        args = (name, rq_name, theirs, self._life, self._end_of_life, self._child_settings)
        process = self._context.Process(target=_live, args=args, name=name)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # until the child minds them in a way of its own
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return ChildProcess(process, ours, name, rq_name)

    def close(self) -> None:
        """Let go of the pipe by which children know that their parent lives."""
        self._life.close()
        self._end_of_life.close()


class ChildProcess:
    """A child process, and what it last said it works on."""

    def __init__(self, process: Any, pipe: Connection, name: str, rq_name: str) -> None:
        self.process = process
        self.pipe = pipe
        self.name = name
        self.rq_name = rq_name  #: as RQ lists it
        self.born = time.monotonic()
        self.report: runner.Report | None = None
        self.refused = 0  #: how often in a row its lease was not renewed
        self.hung = False  #: killed because its task took too long
        self._told = 0.0
        self._renewed = 0.0

    def hear(self) -> None:
        """Take note of what it has said."""
        with contextlib.suppress(EOFError, OSError):
            while self.pipe.poll():
                said = json.loads(self.pipe.recv_bytes())
                self.report = None if said is None else runner.Report(**said)
                self._told = self._renewed = time.monotonic()
                self.refused = 0

    def kill_if_hung(self, now: float) -> None:
        """Kill it when its task has taken longer than it may."""
        if self.report is not None and not self.hung and now - self._told > self.report.task_timeout:
            self.hung = True
            self.process.kill()

    def wants_renewal(self, now: float) -> bool:
        """Whether it is time to renew the lease of its batch; the caller then does."""
        if self.report is None:
            return False
        wait = self.report.lease_seconds / 3
        if now - self._renewed < (min(wait, _RECHECK_SECONDS) if self.refused else wait):
            return False
        self._renewed = now
        return True

    @property
    def took_a_batch(self) -> bool:
        """Whether it has ever got as far as that."""
        return self._told > 0

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.exitcode is not None

    def obituary(self) -> tuple[str, str]:
        """Return the kind of its end, as the schedule knows it, and what happened."""
        code = self.process.exitcode
        if self.hung and self.report is not None:
            limit = f"{self.report.task_timeout:g} s (--task-timeout)"
            return HUNG, f"the task took longer than {limit}; {self.name} was killed"
        return CRASHED, f"the worker process {self.name} {how_ended(code)}"

    def bury(self) -> None:
        """Let go of what is left of it."""
        self.pipe.close()
        self.process.join()


def _live(
    name: str, rq_name: str, pipe: Connection, life: Connection, end_of_life: Connection, child_settings: ChildSettings
) -> None:
    """Be a child: end with the parent, and serve."""
    signal.set_wakeup_fd(-1)
    # It has taken nothing yet, and what its parent does at a TERM would leave it running for good.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    end_of_life.close()  # a copy of the parent's end would keep the pipe open
    threading.Thread(target=end_with_parent, args=(life,), daemon=True).start()
    runner.serve(
        child_settings.url,
        name,
        rq_name,
        pipe,
        child_settings.permissions,
        burst=child_settings.burst,
        patience_seconds=child_settings.patience_seconds,
    )
