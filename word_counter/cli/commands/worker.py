"""The command ``worker``."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial

import click

from word_counter.cli.terminal.logging_setup import configure_logging
from word_counter.local_cluster.local_workers import await_settings
from word_counter.settings import config

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--processes",
    type=click.IntRange(1, config.MOST_WORKERS),
    default=partial(config.choice, "processes"),
    metavar="N",
    help="Tasks run at a time. [default: 1]",
)
@click.option("--redis", metavar="URL", help="Where Redis is; else REDIS_URL, or REDIS_HOST and its like.")
@click.option(
    "--allow",
    metavar="PKG|PATH",
    multiple=True,
    help="Load jobs from this module, file or directory too. May be repeated. [default: the shipped jobs]",
)
@click.option(
    "--input-root",
    metavar="PATH|URL",
    multiple=True,
    help="Read input only from this file, directory or URL. May be repeated. "
    "[default: whatever a master with the same secret names]",
)
@click.option(
    "--shuffle-root",
    metavar="PATH|URL",
    multiple=True,
    help="Write and read files of --shuffle below this folder or URL. May be repeated. [default: nowhere]",
)
@click.option("--log-format", metavar="text|json", help="Log lines for people or for machines. [default: text]")
@click.option("--burst", is_flag=True, default=partial(config.choice, "burst"), help="End when the queue is empty.")
@click.option("-v", "--verbose", is_flag=True, default=None, help="Log each task.")
@click.option("--until-eof", is_flag=True, hidden=True, help="Read settings from standard input; stop when it closes.")
def worker(  # noqa: PLR0913, PLR0917 (one for each option)
    processes: int,
    redis: str | None,
    allow: tuple[str, ...],
    input_root: tuple[str, ...],
    shuffle_root: tuple[str, ...],
    log_format: str | None,
    burst: bool,  # noqa: FBT001 (click passes options by name)
    verbose: bool | None,  # noqa: FBT001
    until_eof: bool,  # noqa: FBT001
) -> None:
    """Serve tasks of any job until stopped.

    It takes tasks only from masters that have the same secret: WORD_COUNTER_SECRET, else that of this user on this
    machine. The first TERM or INT lets the running tasks finish, a second one kills.
    """
    from word_counter.worker.worker import Worker

    if until_eof and not await_settings(0):
        return
    shown = config.load({"log_format": log_format, "verbose": verbose}, only={"log_format", "verbose"})
    if shown.log_format == "json":
        from word_counter.cli.display.json_events import want_events  # with all that shows a run to people

        want_events(click.get_current_context())
    configure_logging(shown.log_format, verbose=shown.verbose, quiet=until_eof)
    if not until_eof:  # otherwise the run that started it has shown these warnings
        for warning in config.unknown_variables():
            log.warning("%s", warning, extra={"action": "warning"})
    Worker(
        redis,
        processes,
        burst=burst and not until_eof,  # WORD_COUNTER_BURST does not apply to a run's own workers
        parent=0 if until_eof else None,
        allow=allow or None,
        input_root=input_root or None,
        shuffle_root=shuffle_root or None,
    ).run()
    if until_eof:
        sys.stderr.flush()
        os._exit(0)  # the run waits for it, and Python's own clean-up would take longer than all the rest
