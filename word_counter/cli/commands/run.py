"""The commands ``run``, ``master`` and ``resume``."""

from __future__ import annotations

import contextlib
import gc
import io
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import click

from word_counter.cli.commands.job_options import (
    app_option,
    chosen_job,
    file_option,
    format_option,
    job_option,
    map_command_option,
    mrjob_option,
    on_command_line,
    param_option,
    reduce_command_option,
)
from word_counter.cli.commands.redis_options import redis_option
from word_counter.cli.display.choose_display import make_display
from word_counter.cli.display.display import Display
from word_counter.cli.terminal.logging_setup import leave_logging_to_the_display
from word_counter.errors import JobFailedError, UsageError, WordCounterError
from word_counter.loading.user_code import user_traceback
from word_counter.local_cluster.local_workers import worker_command
from word_counter.local_cluster.prefork import Prefork
from word_counter.observer import Outcome
from word_counter.settings import config

#: The settings that are about the master, not the job.
_OF_RESUME = frozenset({"workers", "redis", "progress", "log_format", "redis_patience", "verbose"})
#: The exit code when records or chunks are in quarantine: the results are complete except for these.
_QUARANTINED = 4

_REDIS = click.option(
    "--redis",
    metavar="URL",
    help="Where Redis is; else REDIS_URL, or REDIS_HOST and its like. [default: a private server]",
)
_PROGRESS = click.option(
    "--progress",
    metavar="auto|bar|log|none",
    help="How progress is shown on standard error; auto: bars on a terminal, lines elsewhere. [default: auto]",
)
_WORKERS = click.option(
    "--workers",
    metavar="N",
    help="Worker processes that this run starts, 1024 at most; 0: others do the work. [default: one a core]",
)
_PATIENCE = click.option(
    "--redis-patience", metavar="S", help="Seconds to wait for a Redis that is away or refuses. [default: 120]"
)
_LOG_FORMAT = click.option(
    "--log-format",
    metavar="text|json",
    help="text: progress and messages for people; json: one event a line, for machines. [default: text]",
)
_QUIET = click.option("-q", "--quiet", is_flag=True, default=partial(config.choice, "quiet"), help="Show errors only.")
_VERBOSE = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    default=None,
    help="Show the whole reason of each retry, and each task that this run's own workers run.",
)


def _patterns(name: str, about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        name, metavar="GLOB", multiple=True, callback=lambda _ctx, _param, value: value or None, help=about
    )


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that ``run`` and ``master`` share to a command. Settings has their defaults and checks."""
    options: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
        click.argument("inputs", nargs=-1, metavar="[INPUT...]"),
        job_option,
        mrjob_option,
        map_command_option,
        reduce_command_option,
        app_option,
        param_option,
        file_option,
        click.option(
            "--chunk-size",
            metavar="LINES",
            help="Lines in a chunk, which never passes 8 MiB and one line. [default: as suits the input]",
        ),
        _patterns(
            "--include",
            "Read only files that match, of directories, globs and archives. A pattern without / is for the name, one "
            "with / for the path below the directory. May be repeated. [default: all files]",
        ),
        _patterns("--exclude", "Leave out files that match. May be repeated. [default: no file]"),
        format_option,
        click.option(
            "--transport",
            metavar="auto|inline",
            help="inline: send chunks through Redis, for workers that do not have the files; packed files and standard "
            "input always go that way. [default: auto]",
        ),
        click.option(
            "--shuffle",
            metavar="auto|redis|DIR|URL",
            help="Where mapped pairs wait to be reduced: in Redis, or, when they do not fit there, in files in a "
            "folder that all workers see or behind a URL such as s3://BUCKET/FOLDER. auto: in Redis, but in files in "
            "TMPDIR once a private server takes an eighth of this machine's memory. [default: auto]",
        ),
        click.option("--partitions", metavar="N", help="Reduce tasks, 4096 at most. [default: 8]"),
        _REDIS,
        click.option(
            "--output",
            metavar="PATH|URL|-",
            help="Where the results go: a file, a URL such as s3://... or postgresql://HOST/DATABASE?table=NAME, or -: "
            "standard output. [default: output/results.json]",
        ),
        click.option(
            "--output-format",
            metavar="FORMAT",
            help="json, jsonl, csv, tsv, parquet, sqlite, or mr-out: one file mr-out-N for each partition, with sorted "
            "lines of key and value, in the folder --output. [default: by the ending of --output, else json]",
        ),
        click.option(
            "--sort",
            metavar="key|value|-value",
            help="The order of the results; -value: the largest values first. [default: key; with --top -value]",
        ),
        click.option("--top", metavar="N", help="Write only the first N results in that order. [default: all]"),
        _PROGRESS,
        _LOG_FORMAT,
        click.option("--job-id", metavar="NAME", help="The job's name: letters, digits, - and _. [default: made up]"),
        click.option(
            "--timeout", metavar="S", help="Fail the job when it takes longer, in seconds. [default: no limit]"
        ),
        click.option("--max-attempts", metavar="N", help="How many times a task is tried. [default: 4]"),
        click.option(
            "--retry-errors",
            is_flag=True,
            default=None,
            help="Retry also what your code raises. Without it, the same exception at the same line ends the job the "
            "second time.",
        ),
        click.option("--task-timeout", metavar="S", help="Kill a task that takes longer, in seconds. [default: 600]"),
        click.option(
            "--lease-seconds", metavar="S", help="Seconds until a worker that is gone is noticed. [default: 10]"
        ),
        click.option(
            "--on-bad-chunk",
            metavar="fail|skip",
            help="When a chunk failed in all attempts: fail the job, or set the chunk aside. [default: fail]",
        ),
        click.option(
            "--max-bad-records", metavar="N", help="Set aside up to N records on which map raises. [default: 0]"
        ),
        _PATIENCE,
        click.option(
            "--resume",
            is_flag=True,
            default=None,
            help="Go on with job --job-id if it is unfinished; leave it if it is done; else make it.",
        ),
        click.option(
            "--standby",
            is_flag=True,
            default=None,
            help="Wait while job --job-id has a master, and take over when that is gone.",
        ),
        click.option(
            "--incremental",
            is_flag=True,
            default=None,
            help="Map only what is new or changed since earlier runs of the same job.",
        ),
        _QUIET,
        _VERBOSE,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_options
@_WORKERS
@click.option(
    "--engine",
    metavar="redis|inline",
    help="What runs the tasks; inline: this process alone, to try a job. [default: redis]",
)
def run(**given: Any) -> None:
    """Run a job over files, directories and globs, by default those that the job names, and write its results."""
    _run(given)


@click.command()
@_options
def master(**given: Any) -> None:
    """Run a job with no workers of its own: `run --workers 0`."""
    _run({**given, "workers": 0, "engine": "redis"})


@click.command()
@click.argument("job", metavar="JOB")
@_WORKERS
@redis_option
@_PATIENCE
@_PROGRESS
@_LOG_FORMAT
@_QUIET
@_VERBOSE
def resume(job: str, **given: Any) -> None:
    """Go on with JOB, whose master is gone, from what is committed."""
    from word_counter.master.master import Master

    settings = _settings_in(given)
    chosen = config.load(settings, only=_OF_RESUME)
    if not chosen.redis:
        message = (
            f"no Redis is named, and so there is nowhere to look for job {job}: give --redis URL or set REDIS_URL. "
            "A job of a private server ended with it"
        )
        raise UsageError(message)
    # Other workers may serve this Redis: workers are started only if they are asked for, or if there are none.
    _show_run(given, chosen, settings, lambda display: Master.resume(job, observer=display, **settings))


def _settings_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings among the options of a command, without those that were not given."""
    return {name: value for name, value in given.items() if name in config.SETTING_NAMES and value is not None}


def _run(given: dict[str, Any]) -> None:
    settings = _settings_in(given)
    wish = config.load(settings)  # the job's own settings may differ, and then other workers are started
    alone = wish.engine == "redis" and not wish.redis
    processes = wish.worker_count if alone else 0
    with Prefork.started(processes, partial(_prepare, processes)) if processes else contextlib.nullcontext():
        _run_job(given, settings)


def _prepare(processes: int) -> Callable[[], None]:
    """Import what a run and its workers need, and return the function that a forked worker calls."""
    import word_counter.cli.commands.worker
    import word_counter.engines.run_job
    import word_counter.worker.worker  # noqa: F401

    gc.freeze()  # the modules stay: forks need not search them for garbage, which would copy their memory
    commands = click.get_current_context().find_root().command
    return partial(commands, worker_command(processes))


def _run_job(given: dict[str, Any], settings: dict[str, Any]) -> None:
    from word_counter.engines.run_job import run as run_job

    job, given["inputs"] = chosen_job(given)
    job.param_values()  # so that errors in params come first
    if not given["inputs"] and job.inputs == ():
        raise click.MissingParameter(ctx=click.get_current_context(), param_type="argument", param_hint="'INPUT...'")
    chosen = config.load(settings, job.settings)
    inputs = given["inputs"] or None

    def start(display: Display) -> Outcome:
        try:
            return run_job(inputs, job, observer=display, **settings)
        except (WordCounterError, OSError):
            raise
        except Exception as error:
            # The inline engine raises the error of the user's code itself. At the terminal it is shown like the redis
            # engine shows it, without the frames of this package, unless a debugger should stop where it was raised.
            if chosen.engine != "inline" or not hasattr(error, "__notes__") or "pdb" in sys.modules:
                raise
            notes, error.__notes__ = error.__notes__, []  # at the head, and not once more at the end
            raise JobFailedError("\n".join([*notes, user_traceback(error)])) from error

    _show_run(given, chosen, settings, start)


def _show_run(
    given: dict[str, Any], chosen: config.Settings, settings: dict[str, Any], start: Callable[[Display], Outcome]
) -> None:
    """Show a run from its start to its end. Sets ``verbose`` in ``settings`` too."""
    quiet = given["quiet"] and not (given["verbose"] and not on_command_line("quiet"))
    settings["verbose"] = verbose = chosen.verbose and not quiet
    to_stdout = chosen.output == "-"
    _write_utf8()
    display: Display
    if chosen.log_format == "json":
        from word_counter.cli.display.json_events import JsonEventDisplay, want_events

        display = JsonEventDisplay(verbose=verbose, quiet=quiet)
        want_events(click.get_current_context(), display)
    else:
        leave_logging_to_the_display()
        display = make_display(chosen.progress, verbose=verbose, quiet=quiet, to_stdout=to_stdout)
    with display:
        for warning in config.unknown_variables():
            display.warned(warning)
        outcome = start(display)
    display.summarise(outcome)
    if outcome.quarantine:
        click.get_current_context().exit(_QUARANTINED)


def _write_utf8() -> None:
    """Write standard output as UTF-8, whatever the locale, as JSON must be UTF-8."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
