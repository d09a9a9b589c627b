"""Progress bars: one for mapping, one for reducing, and a line of figures below."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

#: The nouns are shown from so many columns on.
_WIDE = 60
_FRAMES_A_SECOND = 5


class ProgressBars(Progress):
    """rich's Progress, with columns that suit the width of the terminal, and the figures below."""

    def __init__(self, console: Console, *, redirect_stdout: bool) -> None:
        """Make them.

        Args:
            console: where they go.
            redirect_stdout: whether standard output is shown above the bars meanwhile.
        """
        self.figures: list[str] = []
        self._screen = console  # Progress knows it only when it is made
        super().__init__(
            console=console, expand=True, redirect_stdout=redirect_stdout, refresh_per_second=_FRAMES_A_SECOND
        )
        self._mapped = self.add_task("map", total=100, amount="", percent=0, noun="chunks")
        self._reduced = self.add_task("reduce", total=100, amount="", percent=0, noun="partitions")

    def show(
        self, mapped: tuple[int, str, str], reduced: tuple[int, str, str], figures: list[str], phase: str = ""
    ) -> None:
        """Set the percentage, amount and noun of each bar, and the figures; ``phase``: which, if there are several."""
        self.figures = figures
        for task, name, (percent, amount, noun) in ((self._mapped, "map", mapped), (self._reduced, "reduce", reduced)):
            title = f"{name} {phase}".rstrip()
            self.update(task, description=title, completed=percent, percent=percent, amount=amount, noun=noun)

    def end(self, *, stay: bool) -> None:
        """Stop updating; remove the bars unless they are to ``stay``."""
        self.live.transient = not stay
        self.stop()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bars and the figures, for the width that the terminal has now."""
        width = self._screen.width
        wide = width >= _WIDE
        self.columns = (
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[percent]:>3}%", justify="right", markup=False),
            TextColumn(
                "{task.fields[amount]} {task.fields[noun]}" if wide else "{task.fields[amount]}",
                justify="left" if wide else "right",
                markup=False,
            ),
        )
        yield self.make_tasks_table(self.tasks)
        yield fitting(self.figures, width, ", " if self._screen.options.ascii_only else " · ")


def fitting(figures: Iterable[str], width: int, separator: str) -> Text:
    """Return as many figures, from the first on, as fit into one line."""
    line = ""
    for figure in figures:
        longer = f"{line}{separator}{figure}" if line else figure
        if len(longer) > width:
            break
        line = longer
    return Text(line, no_wrap=True, overflow="crop")
