"""Displays of a run on standard error, one for each mode, except ``bar``.

``bar`` is in :mod:`word_counter.cli.display.bar_display`. rich is imported late, in a thread, as a run of a small file
ends before it is needed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

import click

from word_counter.cli.display.progress_rate import ProgressRate, chunks_noun, chunks_text, done_share, partitions_text
from word_counter.cli.terminal.text import clock, first_line, printable, rate, size
from word_counter.job.model import JobState
from word_counter.job.snapshot import Failure
from word_counter.observer import Observer, Outcome, Progress
from word_counter.settings.plurals import count, plural

if TYPE_CHECKING:
    from rich.console import Console

#: The shortest and the longest time between two lines of the log display, in seconds; and that time as a share of the
#: time that the job has run.
_LOG_SECONDS = (3.0, 60.0)
_LOG_SHARE = 0.05
#: A retry of what may end the run at once is told only when it has gone on for so long, in seconds.
_HELD_BACK_SECONDS = 1.0
#: How many counters are told of when there are no results.
_TOLD_COUNTERS = 10
#: How many of the last lines of workers a quiet display keeps, to show them should the run fail.
_KEPT_LINES = 20


class Display(Observer):
    """The mode ``none``: the job's id, warnings and retries, what workers print, and the summary; no progress."""

    #: The modules of rich that it will need, for the summary.
    needs: ClassVar[Sequence[str]] = ("rich.console", "rich.table")

    def __init__(self, *, verbose: bool = False) -> None:
        self.job_id = ""
        self._verbose = verbose
        self._gone = False
        self._held_back: list[str] = []
        self._held_back_at = 0.0
        self._importing = threading.Thread(target=_import_all, args=(self.needs,), daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display; ``error`` is what ended the run, if anything did."""
        if error is None:
            self._show_held_back()

    def say(self, text: str, colour: str = "") -> None:
        """Show a text that is safe to show. The job goes on even if nobody reads standard error any more."""
        if self._gone:
            return
        try:
            click.secho(text, err=True, fg=colour or None)
        except OSError:
            self._gone = True

    def started(self, job_id: str, hint: str) -> None:
        """Show the job's id, and how to look into a private server."""
        if not self.job_id:
            self._importing.start()
        self.job_id = job_id
        self.say(f"job {printable(job_id)}")
        if hint:
            self.say(f"look in: {hint}")

    @property
    def ready(self) -> bool:
        """Whether rich is imported, so that using it causes no delay."""
        return not self._importing.is_alive()

    def retried(self, failure: Failure, after_seconds: float) -> None:
        """Show a retry, in one line or with its full reason."""
        why = failure.message.strip() if self._verbose else first_line(failure.message)
        text = f"retry of {failure.task} in {after_seconds:.1f} s: {printable(why, lines=self._verbose)}"
        if self._verbose or failure.origin is None or failure.origin.transient:
            self.say(text, "yellow")
            return
        # A mistake in the code raises again at once, and its error then ends the run and says all.
        self._held_back_at = self._held_back_at if self._held_back else time.monotonic()
        self._held_back.append(text)

    def progressed(self, progress: Progress) -> None:  # noqa: ARG002 (an observer's)
        """Show retries that were held back, when the run has gone on after them."""
        if self._held_back and time.monotonic() - self._held_back_at > _HELD_BACK_SECONDS:
            self._show_held_back()

    def _show_held_back(self) -> None:
        for text in self._held_back:
            self.say(text, "yellow")
        self._held_back.clear()

    def revoked(self, batch: str, reason: str) -> None:
        """Show, if verbose, that a batch was revoked. Retries that follow from it are shown anyway."""
        if self._verbose:
            self.say(f"took {batch} back: {printable(first_line(reason))}", "yellow")

    def warned(self, message: str) -> None:
        """Show a warning."""
        self.say(f"warning: {printable(message)}", "yellow")

    def printed(self, line: str) -> None:
        """Show a line that a worker or user code printed."""
        self.say(printable(line.expandtabs()))

    def summarise(self, outcome: Outcome) -> None:
        """Show the summary of the job."""
        from word_counter.cli.display.summary import summary

        screen = self.console()
        with contextlib.suppress(OSError):
            screen.print(summary(outcome, screen.width))
        if why := why_empty(outcome):
            self.warned(why)

    def console(self) -> Console:
        """Return a console on standard error."""
        from word_counter.cli.terminal.stderr_console import StderrConsole

        return StderrConsole()


class QuietDisplay(Display):
    """Shows nothing unless the run fails. Then it shows the last lines of its workers, which may say why."""

    def __init__(self) -> None:
        super().__init__()
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last lines if the run failed."""
        if isinstance(error, Exception):
            for line in self._last:
                super().say(line)

    def say(self, text: str, colour: str = "") -> None:
        """Show nothing."""

    def printed(self, line: str) -> None:
        """Keep the line."""
        self._last.append(printable(line.expandtabs()))

    def summarise(self, outcome: Outcome) -> None:
        """Show nothing but that something was set aside or that there are no results, and what may be the reason."""
        for why in filter(None, (why_set_aside(outcome), why_empty(outcome))):
            super().say(f"warning: {printable(why)}", "yellow")


class LogDisplay(Display):
    """The mode ``log``: a line at the start, every few seconds, and whenever the job enters another state."""

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(verbose=verbose)
        self._rate = ProgressRate()
        self._phase = 0, ""
        self._last_seconds = 0.0

    def progressed(self, progress: Progress) -> None:
        """Say how far the job is, when it is time to."""
        super().progressed(progress)
        self._rate.see(progress)
        phase = phase_of(progress)
        shortest, longest = _LOG_SECONDS
        pause = min(longest, max(shortest, progress.seconds * _LOG_SHARE))
        if (progress.phase, phase) != self._phase or progress.seconds - self._last_seconds >= pause:
            self._phase = progress.phase, phase
            self._last_seconds = progress.seconds
            self.say(f"{clock(progress.seconds):>5} {self._line(progress)}")

    def _line(self, progress: Progress) -> str:
        if progress.state.ended:
            return str(progress.state)
        if progress.state is JobState.MAPPING and not progress.bytes_mapped:
            parts = [f"map {size(progress.bytes)} in {count(progress.files, 'file')}"]
        elif progress.state is JobState.MAPPING:
            parts = [f"map {done_share(progress)}%, {chunks_text(progress)} {chunks_noun(progress)}"]
            if self._rate.speed and not progress.phase:
                parts.append(rate(self._rate.speed))
            if self._rate.left is not None:
                parts.append(f"ETA {clock(self._rate.left)}")
        elif phase_of(progress) == "writing":
            parts = ["write the results"]
        else:
            parts = [f"reduce {partitions_text(progress)} {plural(progress.partitions, 'partition')}"]
        if progress.phases > 1 and phase_of(progress) != "writing":
            parts[0] = f"phase {progress.phase + 1}/{progress.phases}: {parts[0]}"
        if progress.workers:
            parts.append(count(progress.workers, "worker"))
        if progress.retries:
            parts.append(count(progress.retries, "retry", "retries"))
        return ", ".join(parts)


def why_empty(outcome: Outcome) -> str:
    """Return what a job counted that has no results, as that may be the reason; "" when there are some."""
    if outcome.keys or not outcome.counters:
        return ""
    most = sorted(outcome.counters.items(), key=lambda counter: (-counter[1], counter[0]))
    told = [f"{name}: {n:,}" for name, n in most[:_TOLD_COUNTERS]]
    return f"the results are empty; counted were {'; '.join(told)}{'; and more' if most[_TOLD_COUNTERS:] else ''}"


def why_set_aside(outcome: Outcome) -> str:
    """Return how much a job set aside, and the first reason for it; "" when it counted everything."""
    if not outcome.quarantine:
        return ""
    told = [(outcome.bad_records, "bad record"), (outcome.skipped_chunks, "chunk")]
    what = " and ".join(count(n, noun) for n, noun in told if n)
    from word_counter.cli.display.set_aside import first_reason  # here, as few runs set anything aside

    first = first_reason(outcome.quarantine)
    return f"{what} set aside in {outcome.quarantine}, and not counted" + (f"; the first: {first}" if first else "")


def phase_of(progress: Progress) -> str:
    """Return the state of a job, or "writing" when only the results have to be written."""
    reduced = progress.partitions_reduced == progress.partitions and progress.phase + 1 == progress.phases
    return "writing" if reduced and progress.state is JobState.REDUCING else progress.state.value


def _import_all(names: Sequence[str]) -> None:
    """Import the modules that a display needs, while the job waits for its workers to start."""
    for name in names:
        import_module(name)
