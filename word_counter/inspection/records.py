"""Records of a job, a worker and the memory of Redis, as plain values. Times are in milliseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field

from word_counter.errors import ForeignValueError, UnreadableRecordError
from word_counter.job.model import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job in its present state. It expires from Redis in ``expires_seconds``; None: it does not."""

    id: str
    name: str
    code: str
    state: JobState
    reason: str
    output: str
    output_format: str
    master: str  #: the master that holds the leader lease, or held it last
    mastered: bool  #: whether a master holds the leader lease now
    created: int
    ended: int | None
    now: int  #: when this was read
    files: int
    bytes: int
    bytes_mapped: int
    lines: int
    chunk_size: int
    chunks: int  #: grows while ``split_done`` is False
    chunks_mapped: int
    split_done: bool
    phase: int  #: the running phase, from 0
    phases: int  #: how many; chunks and partitions are those of all phases
    first_chunks: tuple[int, ...]  #: of the phases up to the running one
    partitions: int
    partitions_reduced: int
    running: int  #: running attempts
    waiting: int  #: tasks that wait for their next attempt
    failures: int  #: failed attempts
    retries: int
    skipped_chunks: int  #: in quarantine
    bad_records: int  #: in quarantine
    expires_seconds: int | None
    master_bytes: int  #: memory of the master, as it last reported; 0: not yet
    master_peak_bytes: int
    retention_seconds: int  #: how long it is kept after it has ended, by its spec
    counters: dict[str, int] = field(default_factory=dict)

    @property
    def abandoned(self) -> bool:
        """Whether it has not ended and no master is in charge of it."""
        return not self.mastered and not self.state.ended

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return max(0, (self.now if self.ended is None else self.ended) - self.created) / 1000


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A job whose record in Redis is not as this package writes it: somebody changed it."""

    id: str
    error: UnreadableRecordError | ForeignValueError  #: what is wrong with it


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """A worker that is alive. ``running`` names the batches its processes work on, as ``job/batch``."""

    name: str
    host: str
    pid: int
    processes: int
    running: tuple[str, ...]
    heard: int
    silent_seconds: float  #: since its last heartbeat
    bytes: tuple[int, ...]  #: memory of its parent process and of each child now
    peak_bytes: int  #: the most that one of them has had
    unreadable: str = ""  #: which of its facts are no numbers, and count as 0 here: somebody changed them


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisMemory:
    """The memory of Redis, in bytes. ``limit`` is 0 when it has none."""

    used: int
    peak: int
    limit: int
