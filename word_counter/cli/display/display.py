"""What a person sees of a run, all of it on standard error: one display a mode, and the choice among them.

``bar`` is in :mod:`word_counter.cli.display.bar_display`. rich is imported late, and beside the
work: a run of a small file ends before it would be needed.
"""

from __future__ import annotations

import contextlib
import threading
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

#: How often the log display tells how far the job is, in seconds: the more seldom the longer it has run.
_LOG_SECONDS = (3.0, 60.0)
_LOG_SHARE = 0.05
#: How many of the last lines of workers a quiet display keeps, to show them should the run fail.
_KEPT_LINES = 20


class Display(Observer):
    """The mode ``none``: the job's id, what needs attention, what workers print, and the summary; no progress."""

    #: What of rich it will want: the summary's part.
    needs: ClassVar[Sequence[str]] = ("rich.console", "rich.table")

    def __init__(self, *, verbose: bool = False) -> None:
        self.job_id = ""
        self._verbose = verbose
        self._gone = False
        self._importing = threading.Thread(target=_import_all, args=(self.needs,), daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display; ``error`` is what ended the run, if anything did."""

    def say(self, text: str, colour: str = "") -> None:
        """Show a text of our own making. A reader that is gone does not end the job."""
        if self._gone:
            return
        try:
            click.secho(text, err=True, fg=colour or None)
        except OSError:
            self._gone = True

    def started(self, job_id: str, hint: str) -> None:
        """Name the job, and say how to look into a private server."""
        if not self.job_id:
            self._importing.start()
        self.job_id = job_id
        self.say(f"job {printable(job_id)}")
        if hint:
            self.say(f"look in: {hint}")

    @property
    def ready(self) -> bool:
        """Whether rich is imported, so that using it delays nothing."""
        return not self._importing.is_alive()

    def retried(self, failure: Failure, after_seconds: float) -> None:
        """Say in one line, or with its whole reason, that a task is tried again."""
        why = failure.message.strip() if self._verbose else first_line(failure.message)
        self.say(f"retry of {failure.task} in {after_seconds:.1f} s: {printable(why, lines=self._verbose)}", "yellow")

    def revoked(self, batch: str, reason: str) -> None:
        """Say, when asked for much, that a batch was taken back; what follows from it is told anyway."""
        if self._verbose:
            self.say(f"took {batch} back: {printable(first_line(reason))}", "yellow")

    def warned(self, message: str) -> None:
        """Show a warning."""
        self.say(f"warning: {printable(message)}", "yellow")

    def printed(self, line: str) -> None:
        """Pass on what a worker or user code printed."""
        self.say(printable(line.expandtabs()))

    def summarise(self, outcome: Outcome) -> None:
        """Show what the job came to."""
        from word_counter.cli.display.summary import summary

        screen = self.console()
        with contextlib.suppress(OSError):
            screen.print(summary(outcome, screen.width))

    def console(self) -> Console:
        """Return a console on standard error."""
        from word_counter.cli.terminal.stderr_console import StderrConsole

        return StderrConsole()


class QuietDisplay(Display):
    """Shows nothing, unless the run fails: then the last that its workers printed, which may say why."""

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
        """Show nothing."""


class LogDisplay(Display):
    """The mode ``log``: a line at the start, every few seconds, and whenever the job enters another phase."""

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(verbose=verbose)
        self._pace = ProgressRate()
        self._phase = 0, ""
        self._last_seconds = 0.0

    def progressed(self, progress: Progress) -> None:
        """Say how far the job is, when it is time to."""
        self._pace.see(progress)
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
            if self._pace.speed and not progress.phase:
                parts.append(rate(self._pace.speed))
            if self._pace.left is not None:
                parts.append(f"ETA {clock(self._pace.left)}")
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


def phase_of(progress: Progress) -> str:
    """Return the phase a job is in: its state, and within that whether it only has the results to write."""
    reduced = progress.partitions_reduced == progress.partitions and progress.phase + 1 == progress.phases
    return "writing" if reduced and progress.state is JobState.REDUCING else progress.state.value


def _import_all(names: Sequence[str]) -> None:
    """Import what a display needs, while the job waits for its workers to start."""
    for name in names:
        import_module(name)
