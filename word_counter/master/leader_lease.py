"""Leader lease: which master is in charge of a job, and until when.

A master that acquires the lease gets an epoch, its fencing token. It must renew the lease before it runs out. When
it sleeps for longer, another master may acquire the lease with the next epoch; Redis then refuses all that the first
one sends.
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

#: The lease lasts as long as that of a task, but at least this long, in seconds: a master may look up only once a
#: second.
_LEAST_SECONDS = 3.0


class LostLeaseError(JobFailedError):
    """Another master is in charge of the job: this one can change nothing any more."""


class LeaderLease:
    """One master's lease of one job, which runs out after ``lease_seconds`` unless it is renewed."""

    def __init__(self, store: JobStore, lease_seconds: float) -> None:
        self._store = store
        self.seconds = max(lease_seconds, _LEAST_SECONDS)
        self.master = f"{socket.gethostname()}-{os.getpid()}-{token_hex(2)}"
        self.epoch = 0
        self._renewed = 0.0

    def acquire(self) -> int:
        """Try to get the lease.

        Returns:
            The epoch; 0 when another master holds the lease; -1 when the job has ended or is gone.
        """
        epoch = self._store.take(self.master, self.seconds)
        if epoch > 0:
            self.epoch = epoch
            self._renewed = 0.0  # so that the next renewal is sent at once, and records this master's memory
        return epoch

    def renew(self, *, now: bool = False) -> None:
        """Renew the lease when a third of its time has passed, or ``now``.

        Raises:
            LostLeaseError: another master holds it.
            JobGoneError: the job is not in Redis any more.
        """
        if not now and time.monotonic() - self._renewed < self.seconds / 3:
            return
        held = self._store.hold(self.epoch, self.seconds, memory_of(os.getpid()))
        if held < 0:
            raise JobGoneError(self._store.job_id)
        if not held:
            message = f"another master has taken over job {self._store.job_id}; this one changes nothing any more"
            raise LostLeaseError(message)
        self._renewed = time.monotonic()

    def renewing(self, items: Iterable[T]) -> Iterator[T]:
        """Pass items on, and renew the lease while they are worked through."""
        for number, item in enumerate(items):
            if not number % 1000:
                self.renew()
            yield item

    def release(self) -> None:
        """Give the lease up, so that another master can acquire it at once."""
        if self.epoch:
            self._store.hold(self.epoch, 0.0)
