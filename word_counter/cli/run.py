"""The commands ``run`` and ``master``."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import click

from word_counter.cli.display import make_display

_SETTINGS = ("chunk_size", "partitions", "workers", "engine", "redis", "output", "progress", "job_id", "timeout")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what ``run`` and ``master`` share. Defaults and checks are those of Settings."""
    options = [
        click.argument("inputs", nargs=-1, required=True, metavar="INPUT..."),
        click.option(
            "--job", "job", metavar="M:C|FILE.py", help="The job: pkg.module:Class or a file. [default: the word count]"
        ),
        click.option("--chunk-size", metavar="LINES", help="Lines a chunk. [default: 50000]"),
        click.option("--partitions", metavar="N", help="Reduce tasks. [default: 8]"),
        click.option(
            "--redis",
            metavar="URL",
            help="Where Redis is; else REDIS_URL, or REDIS_HOST and its like; else a private server is started.",
        ),
        click.option(
            "--output",
            metavar="PATH|-",
            help="Where the results go; - is standard output. [default: output/results.json]",
        ),
        click.option(
            "--progress", metavar="auto|bar|log|none", help="How progress is shown on standard error. [default: auto]"
        ),
        click.option("--job-id", metavar="NAME", help="The job's name. [default: made up]"),
        click.option("--timeout", metavar="S", help="Fail the job when it takes longer, in seconds."),
        click.option("-q", "--quiet", is_flag=True, help="Show errors only."),
        click.option("-v", "--verbose", is_flag=True, help="Show retries with their whole reasons."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_options
@click.option(
    "--workers", metavar="N", help="Worker processes of this run's own; 0: others do the work. [default: one a core]"
)
@click.option(
    "--engine",
    metavar="redis|inline",
    help="What runs the tasks; inline: this process, for trying a job out. [default: redis]",
)
def run(**given: Any) -> None:
    """Run a job over files, directories and globs, and write its results."""
    _run(given)


@click.command()
@_options
def master(**given: Any) -> None:
    """Run a job with no workers of its own: `run --workers 0`."""
    _run({**given, "workers": 0, "engine": "redis"})


def _run(given: dict[str, Any]) -> None:
    from word_counter import engines
    from word_counter.config import load
    from word_counter.reference import make_job
    from word_counter.word_count import WordCount

    job = WordCount() if given["job"] is None else make_job(given["job"])
    settings = {name: given[name] for name in _SETTINGS if given.get(name) is not None}
    chosen = load(settings, job.settings)
    to_stdout = chosen.output == "-"
    if to_stdout:
        _write_utf8()
    display = make_display(chosen.progress, verbose=given["verbose"], quiet=given["quiet"], to_stdout=to_stdout)
    try:
        with display:
            outcome = engines.run(given["inputs"], job, observer=display, **settings)
    except KeyboardInterrupt:
        what = f"job {display.job_id} was cancelled" if display.job_id else "no job was started"
        raise KeyboardInterrupt(what) from None
    display.summarise(outcome)


def _write_utf8() -> None:
    """See to it that results on standard output are UTF-8, as JSON must be, whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
