"""The command ``python -m benchmarks``, which is ``make bench``."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from benchmarks import contest, contestants, machine, plot, report, stopwatch
from benchmarks.series import SERIES, Wish
from word_counter.settings.cpu_count import available_cores

_HERE = Path(__file__).parent
_PAGE, _PICTURE = _HERE / "README.md", _HERE / "results.svg"


def _names(what: str, known: list[str]) -> Any:
    """Return a callback that takes a comma-separated list of known names."""

    def read(_ctx: click.Context, _param: click.Parameter, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                message = f"there is no {what} {name!r}; there are {', '.join(known)}"
                raise click.BadParameter(message)
        return names

    return read


@click.command(context_settings={"show_default": True})
@click.option(
    "--series",
    default=",".join(SERIES),
    metavar="NAMES",
    callback=_names("series", list(SERIES)),
    help="What to measure, separated by commas.",
)
@click.option(
    "--only",
    default="",
    metavar="NAMES",
    callback=_names("contestant", contestants.names()),
    help="The contestants, separated by commas.  [default: all]",
)
@click.option("--size", default=100.0, type=click.FloatRange(0.01), metavar="MB", help="The size of a corpus.")
@click.option("--repeat", default=5, type=click.IntRange(1), metavar="N", help="Rounds.")
@click.option("--workers", default=available_cores(), type=click.IntRange(1), metavar="N", help="Workers of each.")
@click.option("--large", is_flag=True, help="Follow sizes up to 4,000 MB rather than 250.")
@click.option("--patience", default=1800.0, metavar="S", help="Stop a contestant that takes longer for one round.")
@click.option(
    "--out",
    default=_HERE / "out",
    type=click.Path(file_okay=False, path_type=Path),
    show_default="benchmarks/out",
    help="Where tables, plot and all times go.",
)
@click.option("--keep", is_flag=True, help="Put table and plot into benchmarks/README.md too.")
def main(**given: Any) -> None:
    """Measure word_counter beside its peers. BENCH_CORPUS=FILE measures on that text rather than on made words."""
    if busy := machine.load():
        _say(f"warning: {busy}")
    stopwatch.adopt_orphans()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends in good order: what runs is stopped
    own_text = os.environ.get("BENCH_CORPUS", "")
    if own_text and not os.path.isfile(own_text):
        message = f"BENCH_CORPUS is no file: {own_text}"
        raise click.UsageError(message)
    wish = Wish(given["size"], own_text, given["workers"], given["large"], frozenset(given["only"]))
    began = time.strftime("%Y-%m-%d %H:%M")
    whole: dict[str, Any] = {"date": began, "rounds": given["repeat"], "facts": machine.facts(), "contests": []}
    given["out"].mkdir(parents=True, exist_ok=True)
    stem = given["out"] / time.strftime("%Y%m%d-%H%M%S")
    for name in given["series"]:
        for one in SERIES[name](wish):
            if not one.entries:
                continue
            _say(one.title)
            rows = contest.run(one, given["repeat"], given["patience"], _say)
            whole["contests"].append(contest.as_json(one, rows))
            # After each of them: a long run may be broken off.
            stem.with_suffix(".json").write_text(json.dumps(whole, indent=1))
    text = report.markdown(whole)
    stem.with_suffix(".md").write_text(text)
    picture = stem.with_suffix(".svg")
    if why := plot.draw(whole["contests"], picture):
        _say(why)
    if given["keep"]:
        _keep(text, picture)
    click.echo(text)
    verdicts = [row["verdict"] for one in whole["contests"] for row in one["rows"]]
    sys.exit(any(verdict and not verdict.startswith("skipped") for verdict in verdicts))


def _keep(text: str, picture: Path) -> None:
    """Replace the last report by this one, with its picture if there is one."""
    if picture.exists():
        _PICTURE.write_bytes(picture.read_bytes())
        text = f"![The same as a picture]({_PICTURE.name})\n\n{text}"
    _PAGE.write_text(report.placed(_PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
