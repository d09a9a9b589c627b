"""The mode ``bar``: progress bars at the bottom of the terminal while the job runs, and all messages above them."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TYPE_CHECKING

from word_counter.cli.display.display import Display, phase_of
from word_counter.cli.display.progress_rate import (
    ProgressRate,
    chunks_left,
    chunks_noun,
    chunks_text,
    done_share,
    partitions_text,
)
from word_counter.cli.terminal.text import clock, rate
from word_counter.job.model import JobState
from word_counter.observer import Progress
from word_counter.settings.plurals import count, plural

if TYPE_CHECKING:
    from rich.console import Console

    from word_counter.cli.display.progress_bars import ProgressBars

#: A job that ends sooner than this, in seconds, gets no bars, as they would only flicker.
_BARS_AFTER_SECONDS = 0.6


class BarDisplay(Display):
    """Shows bars while the job runs. They go when it is done, and stay when it fails, to show how far it came."""

    needs = (*Display.needs, "rich.progress")

    def __init__(self, *, verbose: bool = False, to_stdout: bool = False, console: Console | None = None) -> None:
        super().__init__(verbose=verbose)
        self._given_console = console
        self._to_stdout = to_stdout
        self._rate = ProgressRate()
        self._bars: ProgressBars | None = None
        self._over = False

    def console(self) -> Console:
        """Return the console that the bars are on."""
        if self._given_console is None:
            self._given_console = super().console()
        return self._given_console

    def say(self, text: str, colour: str = "") -> None:
        """Show a text, above the bars if there are any."""
        if self._bars is None and self._given_console is None:
            super().say(text, colour)
            return
        from rich.text import Text

        with contextlib.suppress(OSError):
            self.console().print(Text(text, style=colour), soft_wrap=True)

    def progressed(self, progress: Progress) -> None:
        """Move the bars."""
        super().progressed(progress)
        self._rate.see(progress)
        if self._bars is None:
            if self._over or progress.seconds < _BARS_AFTER_SECONDS or not self.ready:
                return
            from word_counter.cli.display.progress_bars import ProgressBars

            self._bars = ProgressBars(self.console(), redirect_stdout=not self._to_stdout)
            self._bars.start()
        reduced = 100 * progress.partitions_reduced // max(1, progress.partitions)
        self._bars.show(
            (done_share(progress), chunks_text(progress), chunks_noun(progress)),
            (reduced, partitions_text(progress), plural(progress.partitions, "partition")),
            self._figures(progress),
            f"{progress.phase + 1}/{progress.phases}" if progress.phases > 1 else "",
        )
        if self._to_stdout and phase_of(progress) == "writing":
            self._end(stay=False)  # the results may go to the same terminal

    def _figures(self, progress: Progress) -> list[str]:
        """Return the figures, the most important first, as those that do not fit are left out."""
        figures = []
        if progress.state is JobState.MAPPING and chunks_left(progress) and not progress.phase:
            figures.append(rate(self._rate.speed))
            figures.append(f"ETA {clock(self._rate.left)}" if self._rate.left is not None else "ETA -:--")
        elif progress.state is JobState.MAPPING or phase_of(progress) != "writing":
            figures.append(rate(progress.bytes_mapped / max(progress.seconds, 1e-9)))
        else:
            figures.append("writing the results")
        retries = count(progress.retries, "retry", "retries")
        workers = count(progress.workers, "worker")
        figures += [retries, workers] if progress.retries else [workers, retries]
        figures += [count(progress.lines, "line"), clock(progress.seconds)]
        return figures

    def _end(self, *, stay: bool) -> None:
        self._over = True
        if self._bars is not None:
            with contextlib.suppress(OSError):
                self._bars.end(stay=stay)
            self._bars = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bars, or leave them if the run failed."""
        self._end(stay=error is not None)
        super().__exit__(kind, error, trace)
