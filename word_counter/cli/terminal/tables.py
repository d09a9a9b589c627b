"""Tables and JSON on standard output, for the commands that look into Redis."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.terminal.text import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

#: How wide a table may be when the output is not a terminal: nothing is cut for grep and the like.
_UNLIMITED = 10_000
_GAP = 2
_FOLDED_WIDTH = 28
_COLOURS = {
    "ok": "green",
    "done": "green",
    "committed": "green",
    "mapping": "cyan",
    "reducing": "cyan",
    "running": "cyan",
    "warn": "yellow",
    "waiting": "yellow",
    "none": "yellow",
    "skipped": "yellow",
    "cancelled": "yellow",
    "fail": "red",
    "failed": "red",
    "unreadable": "red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. It is left out when it is empty.

    Attributes:
        title: its heading.
        rank: where there is no room, the column of the highest rank is dropped first; those of rank 0 never are.
        right: whether it is justified to the right.
        folds: whether it may be folded to a reasonable width before columns are dropped.
        state: whether its cells are states, which have colours.
    """

    title: str
    rank: int = 0
    right: bool = False
    folds: bool = False
    state: bool = False


def show_json(content: Any) -> None:
    """Print JSON in one line. It is escaped to ASCII, so that it is safe for any terminal and encoding."""
    click.echo(json.dumps(content))


def stdout_console() -> Console:
    """Return a console on standard output, as wide as the terminal, or without a limit when it is not one."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, soft_wrap=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED
    return console


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], empty: str) -> None:
    """Print a table of rows, or ``empty`` when there are none. Cells may contain foreign text."""
    if not rows:
        click.echo(empty)
        return
    console = stdout_console()
    _print_trimmed(console, fitted(columns, rows, console.width))


def show_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one on each line. Empty values are left out."""
    from rich.table import Table

    grid = Table.grid(padding=(0, _GAP))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for name, value in fields:
        if value:
            grid.add_row(plain(name), plain(value, lines=True))
    _print_trimmed(stdout_console(), grid)


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """Return a table with the columns that fit. When even those of rank 0 do not fit, they are folded."""
    from rich.cells import cell_len
    from rich.table import Table

    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [
        _GAP + max(cell_len(column.title), *(cell_len(row[n]) for row in shown)) for n, column in enumerate(columns)
    ]
    widths = [min(_FOLDED_WIDTH, wide) if columns[n].folds else wide for n, wide in enumerate(widths)]
    kept = [n for n in range(len(columns)) if any(row[n] for row in shown)]
    while sum(widths[n] for n in kept) - _GAP > width:
        last = max(kept, key=lambda n: columns[n].rank)
        if not columns[last].rank:
            break
        kept.remove(last)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for n in kept:
        table.add_column(columns[n].title, justify="right" if columns[n].right else "left", overflow="fold")
    for row in shown:
        table.add_row(*(plain(row[n], colour=_COLOURS.get(row[n], "") if columns[n].state else "") for n in kept))
    return table


def plain(text: str, *, lines: bool = False, colour: str = "") -> RenderableType:
    """Return foreign text for rich, without markup and without control characters."""
    from rich.text import Text

    return Text(printable(text, lines=lines), style=colour)


def _print_trimmed(console: Console, what: RenderableType) -> None:
    """Print without the trailing blanks that rich adds, which are in the way when output is copied or piped."""
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), color=True)
