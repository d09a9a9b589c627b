"""The fleet: a number of workers of one process each, replaced when they die."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.chaos.commands import Command, children_of, word_counter
from tests.chaos.guard import Guard

#: How long after its end a worker is replaced, in seconds: as quick as a container's restart.
_REPLACED_AFTER_SECONDS = 0.3
#: How many workers may end by themselves before the storm is given up: something is amiss that no fault did.
_MOST_STRAYS = 50


class FleetWorker:
    """A worker: a parent that keeps leases, and a child that runs tasks."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.stopped = False  #: whether a fault keeps some of it from running just now
        self.doomed = False  #: whether a fault has ended it
        self.ended_at: float | None = None
        self.abandoned = False  #: whether another has taken its place, though some of it may still be there

    @property
    def name(self) -> str:
        """What the storm calls it."""
        return self.command.name

    @property
    def children(self) -> list[int]:
        """The process ids of its children."""
        return children_of(self.command.pid)

    def runs(self, worker: str) -> bool:
        """Whether an attempt's worker is one of its children: those are named HOST-PID-NUMBER."""
        return worker.rpartition("-")[0].endswith(f"-{self.command.pid}")


class Fleet:
    """Starts the workers and replaces those that ended. ``strays`` counts how workers ended that no fault had ended."""

    def __init__(
        self, size: int, folder: Path, env: Mapping[str, str], guard: Guard, say: Callable[[str], None]
    ) -> None:
        self.workers: list[FleetWorker] = []
        self.strays: Counter[int] = Counter()
        self._size = size
        self._folder = folder
        self._env = env
        self._guard = guard
        self._say = say
        self._started = 0

    @property
    def targets(self) -> list[FleetWorker]:
        """The workers that run unharmed."""
        return [worker for worker in self.workers if not (worker.stopped or worker.doomed or worker.ended_at)]

    def keep_up(self, now: float) -> None:
        """Replace workers that ended, and start those that are missing."""
        for worker in list(self.workers):
            if worker.command.code is None:
                continue
            if worker.ended_at is None:
                worker.ended_at = now
                if not worker.doomed:
                    self.strays[worker.command.code] += 1
                    text = f"{worker.name} ended by itself with code {worker.command.code}: {last_line(worker)}"
                    self._say(text)
                    if self.strays.total() > _MOST_STRAYS:
                        raise RuntimeError(text)
            if now - worker.ended_at >= _REPLACED_AFTER_SECONDS:
                if worker.abandoned and not worker.stopped:
                    worker.command.end()
                    self.workers.remove(worker)
                worker.abandoned = True
        while sum(not worker.abandoned for worker in self.workers) < self._size:
            self._start()

    def _start(self) -> None:
        self._started += 1
        args = ["worker", "--processes", "1", "-v"]
        self.workers.append(
            FleetWorker(word_counter(f"worker-{self._started}", args, self._folder, self._env, self._guard))
        )

    def dump(self) -> None:
        """Let every process of the fleet print where it is, which ends it."""
        for worker in self.workers:
            worker.doomed = True
            worker.command.send_group(signal.SIGCONT)
            worker.command.send_group(signal.SIGABRT)

    def end(self) -> None:
        """End them all."""
        for worker in self.workers:
            worker.command.end()


def last_line(worker: FleetWorker) -> str:
    """Return the last line that a worker printed."""
    return (worker.command.err.strip().splitlines() or ["it printed nothing"])[-1]
