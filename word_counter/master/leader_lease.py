"""The charge of a job: which master is in charge of it, and for how long unless it holds on.

A master takes charge and gets an epoch, its fencing token. It must hold on before the time is up; when it was
asleep for longer, another may take charge with the next epoch, and all that the first does then is refused.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator
from secrets import token_hex
from typing import TypeVar

from word_counter.errors import JobFailedError, JobGoneError
from word_counter.settings.memory import memory_of
from word_counter.store.job_store import JobStore

T = TypeVar("T")

#: A charge lasts as long as a lease, and no less than this, in seconds: a master looks up once a second only.
_LEAST_HOLD_SECONDS = 3.0


class LostLeaseError(JobFailedError):
    """Another master is in charge of the job: this one has nothing to say any more."""


class LeaderLease:
    """One master's charge of one job, which lasts for ``lease_seconds`` unless it holds on."""

    def __init__(self, store: JobStore, lease_seconds: float) -> None:
        self._store = store
        self.seconds = max(lease_seconds, _LEAST_HOLD_SECONDS)
        self.master = f"{socket.gethostname()}-{os.getpid()}-{token_hex(2)}"
        self.epoch = 0
        self._held = 0.0

    def take(self) -> int:
        """Take charge; return the epoch, 0 when another master is in charge, -1 when there is nothing to do."""
        epoch = self._store.take(self.master, self.seconds)
        if epoch > 0:
            self.epoch = epoch
            self._held = 0.0  # the next hold tells of this master, too
        return epoch

    def hold(self, *, now: bool = False) -> None:
        """Hold on, if it is time, or ``now``.

        Raises:
            LostChargeError: another master is in charge.
            JobGoneError: the job is not in Redis any more.
        """
        if not now and time.monotonic() - self._held < self.seconds / 3:
            return
        held = self._store.hold(self.epoch, self.seconds, memory_of(os.getpid()))
        if held < 0:
            raise JobGoneError(self._store.job_id)
        if not held:
            message = f"another master has taken over job {self._store.job_id}; this one changes nothing any more"
            raise LostLeaseError(message)
        self._held = time.monotonic()

    def holding(self, items: Iterable[T]) -> Iterator[T]:
        """Pass items on, and hold on while they are worked through."""
        for number, item in enumerate(items):
            if not number % 1000:
                self.hold()
            yield item

    def release(self) -> None:
        """Let the job go, so that another master can take it at once."""
        if self.epoch:
            self._store.hold(self.epoch, 0.0)
