"""The command ``python -m tests.chaos``, which is ``make chaos``."""

from __future__ import annotations

import secrets
import sys
from typing import Any

import click

from tests.chaos import faults
from tests.chaos.measure import measure_deaths
from tests.chaos.report import latency_table
from tests.chaos.storm import Plan, Storm

#: How much is done when nothing says it, and at the most.
_JOBS = 20
_MOST_MINUTES = 240.0
_MOST_JOBS = 10_000
#: How long a lease lasts when nothing is set, in seconds.
_DEFAULT_LEASE_SECONDS = 10.0
_GROUPS = ", ".join(faults.groups())


@click.command(context_settings={"show_default": True})
@click.option("--jobs", type=click.IntRange(1, _MOST_JOBS), help="How many jobs.  [default: 20, or any with --minutes]")
@click.option("--minutes", type=click.FloatRange(0.1, _MOST_MINUTES), help="Start no more jobs after so many minutes.")
@click.option("--seed", help="What all randomness comes from.  [default: a new one]")
@click.option("--faults", default="all", help=f"Kinds or groups of them: all, {_GROUPS}.")
@click.option("--gap", default=1.5, help="Seconds from fault to fault, on average.")
@click.option("--lease", default=2.0, help="WORD_COUNTER_LEASE_SECONDS of the storm.")
@click.option("--defaults", is_flag=True, help="Leave the lease and all else at its default.")
@click.option("--workers", default=3, help="Workers, of one process each.")
@click.option("--at-once", default=3, help="Jobs at a time.")
@click.option("--hung", default=180.0, help="Seconds after which a job counts as hung.")
@click.option("--deaths", default=2, help="Rounds of measuring deaths at default settings before the storm.")
def main(**given: Any) -> None:
    """Run jobs under a seeded storm of faults and compare each result with an oracle; exit 0 if all are exact."""
    seed = given["seed"] or secrets.token_hex(3)
    kinds = faults.named(given["faults"].split(","))
    click.echo(f"seed {seed}")
    if given["deaths"]:
        found = measure_deaths(seed, ["kill-child", "kill-parent", "kill-worker"] * given["deaths"], click.echo)
        click.echo(f"with default settings, and an idle worker:\n{latency_table(found)}\n")
    plan = Plan(
        seed=seed,
        jobs=given["jobs"] or (_MOST_JOBS if given["minutes"] else _JOBS),
        seconds=60 * (given["minutes"] or _MOST_MINUTES),
        faults=tuple(kinds),
        gap_seconds=given["gap"],
        lease_seconds=_DEFAULT_LEASE_SECONDS if given["defaults"] else given["lease"],
        workers=given["workers"],
        at_once=given["at_once"],
        hung_seconds=given["hung"],
        defaults=given["defaults"],
    )
    report = Storm(plan, click.echo).run()
    click.echo(report.text())
    sys.exit(0 if report.all_exact else 1)


if __name__ == "__main__":
    main()
