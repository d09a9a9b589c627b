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
from word_counter.compute.last_words import LastWords, tell_last_words
from word_counter.job.snapshot import CRASHED, HUNG
from word_counter.worker import task_runner as runner
from word_counter.worker.permissions import Permissions

#: How soon renewing a lease is tried again after it was refused, in seconds.
_RECHECK_SECONDS = 0.5
#: The signals that stop a process.
_STOPS = (signal.SIGTERM, signal.SIGINT)
#: Forking is fast and shares what is imported; where it is not safe (macOS), children start afresh.
_START_METHOD = "fork" if sys.platform == "linux" else "spawn"


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """What each child of a worker is given when it starts."""

    url: str
    burst: bool
    patience_seconds: float
    permissions: Permissions
    owner: str = ""  #: the name of the worker


class ChildStarter:
    """Starts the children of one worker. They end with this process, however it ends."""

    def __init__(self, child_settings: ChildSettings) -> None:
        self._child_settings = child_settings
        self._context: Any = multiprocessing.get_context(_START_METHOD)
        # Nothing is ever sent through this pipe. The children see it close when the parent is gone.
        self._alive, self._parents_end = self._context.Pipe(duplex=False)

    def start(self, name: str) -> ChildProcess:
        """Start a child."""
        ours, theirs = self._context.Pipe(duplex=False)
        rq_name = f"{name}-{token_hex(2)}"  # in a container another one may have had the same host and process id
        last_words = LastWords(self._context)
        args = (name, rq_name, theirs, self._alive, self._parents_end, last_words.theirs, self._child_settings)
        process = self._context.Process(target=_serve, args=args, name=name)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # until the child has set its own handlers
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        last_words.started()
        return ChildProcess(process, ours, last_words, name, rq_name)

    def close(self) -> None:
        """Close the pipe by which the children know that their parent is alive."""
        self._alive.close()
        self._parents_end.close()


class ChildProcess:
    """A child process, and the task that it last reported."""

    def __init__(self, process: Any, pipe: Connection, last_words: LastWords, name: str, rq_name: str) -> None:
        self.process = process
        self.last_words = last_words
        self.pipe = pipe
        self.name = name
        self.rq_name = rq_name  #: its name in RQ's list of workers
        self.started = time.monotonic()
        self.report: runner.Report | None = None
        self.refused = 0  #: how often in a row the renewal of its lease was refused
        self.hung = False  #: killed because its task took too long
        self._told = 0.0
        self._renewed = 0.0

    def read_reports(self) -> None:
        """Read what it has reported since."""
        with contextlib.suppress(EOFError, OSError):
            while self.pipe.poll():
                report = json.loads(self.pipe.recv_bytes())
                self.report = None if report is None else runner.Report(**report)
                self._told = self._renewed = time.monotonic()
                self.refused = 0

    def kill_if_hung(self, now: float) -> None:
        """Kill it when its task has taken longer than it may. Before that it is asked where its code is."""
        if self.report is None or now - self._told <= self.report.task_timeout:
            self.last_words.withdraw()
        elif not self.hung and not self.last_words.asked:
            self.last_words.ask(self.process.pid)
        elif not self.hung and self.last_words.have_come():
            self.hung = True
            self.process.kill()

    def wants_renewal(self, now: float) -> bool:
        """Whether it is time to renew the lease of its batch. The caller then renews it."""
        if self.report is None:
            return False
        wait = self.report.lease_seconds / 3
        if now - self._renewed < (min(wait, _RECHECK_SECONDS) if self.refused else wait):
            return False
        self._renewed = now
        return True

    @property
    def took_a_batch(self) -> bool:
        """Whether it has ever taken a batch from the queue."""
        return self._told > 0

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.exitcode is not None

    def how_it_failed(self) -> tuple[str, str]:
        """Return the kind of failure that its end is, as the scheduler knows it, and what happened."""
        frames = self.last_words.frames().splitlines()[::-1]
        where = "\n".join(["", "Stack (most recent call last):", *frames]) if frames else ""
        if self.hung and self.report is not None:
            limit = f"{self.report.task_timeout:g} s (--task-timeout)"
            return HUNG, f"the task took longer than {limit}; {self.name} was killed{where}"
        return CRASHED, f"the worker process {self.name} {how_ended(self.process.exitcode)}{where}"

    def close(self) -> None:
        """Close its pipes and collect its exit status."""
        self.pipe.close()
        self.last_words.close()
        self.process.join()


def _serve(
    name: str,
    rq_name: str,
    pipe: Connection,
    alive: Connection,
    parents_end: Connection,
    last_words: Connection,
    child_settings: ChildSettings,
) -> None:
    """Run a child: serve the queue, and end with the parent."""
    signal.set_wakeup_fd(-1)
    # The child has no task yet, so it may end at once. Its parent's TERM handler, which it inherited, would not end it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    tell_last_words(last_words)
    parents_end.close()  # a copy of the parent's end would keep the pipe open
    threading.Thread(target=end_with_parent, args=(alive,), daemon=True).start()
    runner.serve(
        child_settings.url,
        name,
        rq_name,
        child_settings.owner,
        pipe,
        child_settings.permissions,
        burst=child_settings.burst,
        patience_seconds=child_settings.patience_seconds,
    )
