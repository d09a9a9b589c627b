"""Observer: is told what happens to a running job. Also its progress and its outcome."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from word_counter.job.model import JobState
from word_counter.job.snapshot import Failure

log = logging.getLogger(__name__)


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

    When there are bad chunks or records, ``quarantine`` is the file that lists them.
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
    reused_chunks: int = 0  #: chunks whose map results are from earlier runs
    #: Files with the same bytes as an earlier one, each with that one. Each of them was counted.
    repeated: list[tuple[str, str]] = field(default_factory=list)
    skipped_chunks: int = 0
    bad_records: int = 0
    quarantine: str = ""
    receipt: str = ""  #: the path of the receipt; "" when the results went to standard output
    output_format: str = "json"
    counters: dict[str, int] = field(default_factory=dict)
    largest: list[tuple[str, float]] = field(default_factory=list)

    @property
    def results(self) -> dict[str, Any]:
        """The results, read back from the output; ValueError unless they are JSON, JSON lines or mr-out."""
        if self.output == "-":
            message = "the results went to standard output"
            raise ValueError(message)
        from word_counter.outputs.read_back import read_results

        return read_results(self.output, self.output_format)


class Observer:
    """Is told what happens to a job. Every method does nothing; override those of interest.

    A method that raises an Exception does not end the job. The first time it is reported as a warning: to ``warned``
    where that is overridden, else to the log. KeyboardInterrupt and SystemExit are passed on.
    """

    def started(self, job_id: str, hint: str) -> None:
        """A job of this id has started; ``hint`` says how to look into its private Redis, if it has one."""

    def progressed(self, progress: Progress) -> None:
        """Something has changed, or a second has passed."""

    def failed(self, failure: Failure) -> None:
        """An attempt failed. What becomes of its task is reported next."""

    def retried(self, failure: Failure, after_seconds: float) -> None:
        """A task failed and will be tried again."""

    def revoked(self, batch: str, reason: str) -> None:
        """A batch was revoked: its worker is gone, the queue lost it, or another attempt was faster."""

    def warned(self, message: str) -> None:
        """Something needs a person's attention, though the job goes on."""

    def printed(self, line: str) -> None:
        """A worker of this run printed a line: its own log, or what user code prints."""


class GuardedObserver(Observer):
    """Calls another observer, and reports what it raises instead of passing it on; once for each of its methods."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._reported: set[str] = set()
        for event in _EVENTS:
            setattr(self, event, partial(self._call, event))

    @classmethod
    def of(cls, observer: Observer | None) -> Observer:
        """Return a guarded observer; of one that is guarded already, itself."""
        return observer if isinstance(observer, cls) else cls(observer or Observer())

    def _call(self, event: str, *args: Any) -> None:
        try:
            getattr(self._observer, event)(*args)
        except Exception as error:  # noqa: BLE001 (whatever it is, the job matters more)
            if event not in self._reported:
                self._reported.add(event)
                self._report(event, error)

    def _report(self, event: str, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        method = f"{type(self._observer).__qualname__}.{event}"
        message = f"the observer's method {method}() raised {text}{_place(error)}; the job goes on"
        if event != "warned" and getattr(type(self._observer), "warned", Observer.warned) is not Observer.warned:
            with contextlib.suppress(Exception):
                self._observer.warned(message)
                return
        log.warning(message)


_EVENTS = [name for name in vars(Observer) if not name.startswith("_")]


def _place(error: Exception) -> str:
    """Return where in the observer it was raised; nothing when its method could not even be called."""
    frame = error.__traceback__ and error.__traceback__.tb_next
    return f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame else ""
