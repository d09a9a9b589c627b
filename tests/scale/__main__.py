"""The command ``python -m tests.scale``, which is ``make scale``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.scale.cases import CASES, measure

_ROW = "{:<30} {:<10} {:>9} {:>9}  {}"


@click.command(context_settings={"show_default": True})
@click.option("--seed", default="1", help="What all text is made from.")
@click.option("--only", default="", help="Cases whose name has this in it.")
def main(seed: str, only: str) -> None:
    """Run the command over much input; exit 0 if all results are exact and no limit is broken."""
    good = True
    click.echo(_ROW.format("what", "figure", "measured", "limit", ""))
    for name in (name for name in CASES if only in name):
        with tempfile.TemporaryDirectory(prefix="wc-scale-") as folder:
            case, figures = CASES[name], measure(CASES[name], Path(folder), seed)
        good = good and figures.good
        for figure, value in figures.values.items():
            limit = f"{case.limits[figure]:.0f}" if figure in case.limits else "-"
            verdict = "FAIL" if figure in figures.broken else "pass" if figure in case.limits else ""
            click.echo(_ROW.format(name, figure, f"{value:.1f}", limit, verdict).rstrip())
        click.echo(_ROW.format(name, "counts", "", "exact", f"FAIL: {figures.wrong}" if figures.wrong else "pass"))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
