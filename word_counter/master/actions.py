"""The actions that the scheduler decides on, and the policy that it follows. Plain values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from word_counter.job.model import Stage
from word_counter.job.snapshot import Failure, Suspicion, TaskAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The limits that the scheduler applies, and what the master knows besides the snapshot. Durations in seconds."""

    max_attempts: int = 4
    retry_errors: bool = False  #: whether a task is retried even if user code raises the same error at the same line
    skip: bool = False  #: whether a bad chunk goes into quarantine instead of failing the job
    timeout: float = 0.0
    workers: int = 1  #: how many tasks can run at a time
    medians: dict[Stage, float] = field(default_factory=dict)  #: how long a task takes
    memory: float = 0.0  #: the share of Redis memory in use, 0 to 1
    full_for: float = 0.0  #: how long memory has been above FULL_MEMORY, with nothing committed
    full_patience: float = 120.0  #: for how long it may be so
    refused_for: float = 0.0  #: how long every live worker has left the job to others
    refused_patience: float = 5.0  #: for how long it may be so


class Why(enum.StrEnum):
    """Why a batch is given up."""

    EXPIRED = "its worker was not heard of for the length of a lease"
    LOST = "the queue lost it"
    BEATEN = "another attempt was first"


@dataclass(frozen=True, slots=True)
class Revoke:
    """Give up a batch."""

    batch: str
    why: Why


@dataclass(frozen=True, slots=True)
class Retry:
    """Retry a failed task after so many seconds. The next attempt is given ``suspicion``."""

    failure: Failure
    after_seconds: float
    suspicion: Suspicion | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop a failed attempt: another attempt at the task is still running or queued."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Skip:
    """Put the chunk of a task that failed for good into quarantine."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Queue:
    """Queue tasks that have waited long enough, or a second attempt beside a slow one."""

    tasks: tuple[TaskAttempt, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Split more of the input, and queue so many new batches of so many chunks each."""

    batches: int
    chunks_each: int


@dataclass(frozen=True, slots=True)
class StartReduce:
    """Every chunk is committed: go on to the reduce tasks."""


@dataclass(frozen=True, slots=True)
class NextPhase:
    """Every partition of a phase is reduced: the next phase maps their results."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Every partition of the last phase is reduced: merge them."""


@dataclass(frozen=True, slots=True)
class Fail:
    """End the job without results, for this reason; ``failure`` is that of the task that failed for good."""

    reason: str
    failure: Failure | None = None


Action = Revoke | Retry | Forget | Skip | Queue | Split | StartReduce | NextPhase | Merge | Fail
