"""Observer: how anybody follows a running job; and the outcome that it ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from word_counter.job.model import JobState
from word_counter.job.snapshot import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is. ``chunks`` grows while the input is still being split; bytes are of the input.

    Chunks and partitions are those of the running phase: one map and one reduce of the ``phases`` of the job.
    """

    state: JobState
    seconds: float
    files: int
    bytes: int
    bytes_mapped: int = 0
    phase: int = 0  #: from 0
    phases: int = 1
    lines: int = 0
    chunks: int = 0
    chunks_mapped: int = 0
    split_done: bool = False
    partitions: int = 0
    partitions_reduced: int = 0
    workers: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished job came to. ``largest`` has the ten largest numeric values with their keys, or ``top`` of them.

    When chunks were skipped or bad records set aside, ``quarantine`` is the file that names them.
    """

    job_id: str
    output: str
    files: int
    bytes: int
    lines: int
    chunks: int
    keys: int
    seconds: float
    retries: int = 0
    reused_chunks: int = 0  #: those that were known from earlier runs
    #: Files that hold the same bytes as one before them, with that one: each of them was counted.
    repeated: list[tuple[str, str]] = field(default_factory=list)
    skipped_chunks: int = 0
    bad_records: int = 0
    quarantine: str = ""
    receipt: str = ""  #: the file that says what went into the results, and what happened; none of standard output
    output_format: str = "json"
    counters: dict[str, int] = field(default_factory=dict)
    largest: list[tuple[str, float]] = field(default_factory=list)

    @property
    def results(self) -> dict[str, Any]:
        """The results, read back from where they went; ValueError unless they are JSON, JSON lines or mr-out there."""
        if self.output == "-":
            message = "the results went to standard output"
            raise ValueError(message)
        from word_counter.outputs.read_back import read_results

        return read_results(self.output, self.output_format)


class Observer:
    """Follows a job. Every method does nothing; override what is of interest. None of them may raise."""

    def started(self, job_id: str, hint: str) -> None:
        """A job of this id was made; ``hint`` says how to look into its Redis, if there is a private one."""

    def progressed(self, progress: Progress) -> None:
        """Something moved, or a second has passed."""

    def failed(self, failure: Failure) -> None:
        """An attempt failed; what becomes of its task follows."""

    def retried(self, failure: Failure, after_seconds: float) -> None:
        """A task failed and will be tried again."""

    def revoked(self, batch: str, reason: str) -> None:
        """A batch was taken from its worker, or from the queue that lost it."""

    def warned(self, message: str) -> None:
        """Something needs a person's attention, though the job goes on."""

    def printed(self, line: str) -> None:
        """A worker of this run printed a line: its own log, or what user code prints."""
