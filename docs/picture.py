"""Draw docs/run.svg, the picture of a run in the README: `make picture`.

A real job runs over a text made for it, with the bars that a terminal would get. What they show when half of the
input is mapped, and all that the display prints, go into the picture, by rich's own SVG export.
"""

from __future__ import annotations

import html
import io
import os
import random
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from word_counter import Outcome, run
from word_counter.cli.display.bar_display import BarDisplay
from word_counter.cli.display.progress_rate import done_share
from word_counter.observer import Progress

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "input" / "input.txt"
COLUMNS = 76
HALF = 50
FILES, LINES_A_FILE = 8, 150_000
COMMAND = "word-counter run books/"


class PictureDisplay(BarDisplay):
    """The display of a terminal, whose bars are looked at once, in the middle of the run."""

    def __init__(self, picture: Console) -> None:
        super().__init__(console=Console(file=io.StringIO(), force_terminal=True, width=COLUMNS))
        self._picture = picture
        self._taken = False

    def say(self, text: str, colour: str = "") -> None:
        """Show a text, in the picture too."""
        super().say(text, colour)
        self._picture.print(Text(text, style=colour), soft_wrap=True)

    def progressed(self, progress: Progress) -> None:
        """Move the bars, and take their picture at half-time."""
        super().progressed(progress)
        if self._bars is not None and not self._taken and done_share(progress) >= HALF:
            self._taken = True
            self._picture.print(*self._bars.get_renderables(), sep="\n")

    def summarise(self, outcome: Outcome) -> None:
        """Show what the job came to, with the results' path as it is seen from the folder of the run."""
        from word_counter.cli.display.summary import summary

        self._picture.print(summary(replace(outcome, output=os.path.relpath(outcome.output)), COLUMNS))


def write_books(folder: Path) -> None:
    """Write files of lines that are made of the sample's words."""
    chance = random.Random(1)
    words = SAMPLE.read_text(encoding="utf-8").split()
    folder.mkdir()
    for number in range(1, FILES + 1):
        lines = (" ".join(chance.choices(words, k=10)) for _ in range(LINES_A_FILE))
        (folder / f"book-{number}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def plain(svg: str) -> str:
    """Return the picture without fonts from elsewhere, and with blanks as places: not all viewers keep them."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)

    def shifted(found: re.Match[str]) -> str:
        blanks = found["blanks"].count("&#160;")
        width = float(found["width"])
        column = width / (blanks + len(html.unescape(found["text"])))
        x, width = float(found["x"]) + blanks * column, width - blanks * column
        return f'x="{x:g}" {found["y"]} textLength="{width:g}"{found["rest"]}{found["text"]}<'

    text = r'x="(?P<x>[\d.]+)" (?P<y>y="[\d.]+") textLength="(?P<width>[\d.]+)"(?P<rest>[^>]*>)'
    return re.sub(text + r"(?P<blanks>(?:&#160;)+)(?P<text>[^<]+)<", shifted, svg)


def main() -> None:
    """Run the job and write the picture."""
    picture = Console(record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor", width=COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_books(Path("books"))
        picture.print(Text.assemble(("$ ", "bold green"), (COMMAND, "bold")))
        with PictureDisplay(picture) as display:
            outcome = run("books", observer=display)
        display.summarise(outcome)
        os.chdir(HERE)
    svg = picture.export_svg(title="word-counter", unique_id="run")
    (HERE / "run.svg").write_text(plain(svg), encoding="utf-8")


if __name__ == "__main__":
    main()
