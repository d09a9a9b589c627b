"""Summary of a run: its totals and the largest values."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from word_counter.cli.display.set_aside import first_reason
from word_counter.cli.terminal.text import duration, printable, rate, size
from word_counter.observer import Outcome
from word_counter.settings.plurals import count

#: The totals and the largest values are side by side from so many columns on.
_WIDE = 60
_LONGEST_KEY = 40


def summary(outcome: Outcome, width: int) -> RenderableType:
    """Return the summary for a console of so many columns."""
    tables: list[Table] = [_totals(outcome)]
    if outcome.largest:
        tables.append(_largest(outcome))
    shown: list[RenderableType] = []
    if width >= _WIDE:
        body = Table.grid(padding=(0, 4, 0, 0))
        body.add_row(*tables)
        shown += ["", body]
    else:
        for table in tables:
            shown += ["", table]
    where = "standard output" if outcome.output == "-" else printable(outcome.output)
    shown += ["", Text.assemble(("results: ", "bold"), where, overflow="fold")]
    if outcome.repeated:
        (name, other), *more = outcome.repeated
        also = f"{name} holds what {other} does, and both were counted"
        what = f"{name} was named more than once, and counted as often" if name == other else also
        what += f"; and {count(len(more), 'more such file')}" if more else ""
        shown.append(Text.assemble(("same bytes: ", "bold"), printable(what), overflow="fold"))
    if outcome.quarantine:
        shown.append(Text.assemble(("set aside: ", "bold yellow"), printable(outcome.quarantine), overflow="fold"))
        if first := first_reason(outcome.quarantine):
            shown.append(Text.assemble(("the first: ", "bold yellow"), printable(first), overflow="fold"))
    return Group(*shown)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)


def _totals(outcome: Outcome) -> Table:
    table = _table()
    table.add_column("totals")
    table.add_column(justify="right", overflow="fold")
    totals = [
        ("files", f"{outcome.files:,}"),
        ("size", size(outcome.bytes)),
        ("lines", f"{outcome.lines:,}"),
        ("chunks", f"{outcome.chunks:,}"),
        ("keys", f"{outcome.keys:,}"),
        ("time", duration(outcome.seconds)),
        ("speed", rate(outcome.bytes / max(outcome.seconds, 1e-9))),
        ("retries", f"{outcome.retries:,}"),
        *(
            (name, f"{n:,}")
            for name, n in (
                ("repeated files", len(outcome.repeated)),
                ("reused chunks", outcome.reused_chunks),
                ("skipped chunks", outcome.skipped_chunks),
                ("bad records", outcome.bad_records),
            )
            if n
        ),
        *((name, f"{n:,}") for name, n in sorted(outcome.counters.items())),
    ]
    for name, value in totals:
        table.add_row(Text(printable(name)), Text(value))
    return table


def _largest(outcome: Outcome) -> Table:
    table = _table()
    table.add_column("largest values", max_width=_LONGEST_KEY, style="cyan")
    table.add_column(justify="right", no_wrap=True, overflow="ellipsis")
    for key, value in outcome.largest:
        # the text is kept from wrapping, not the column: where there is no room, keys are shortened and not values
        table.add_row(Text(printable(key), no_wrap=True, overflow="ellipsis"), Text(f"{value:,}"))
    return table
