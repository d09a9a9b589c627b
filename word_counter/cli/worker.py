"""The command ``worker``."""

from __future__ import annotations

import click

from word_counter.cli.logs import configure_logging


@click.command()
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="Tasks run at a time.")
@click.option("--redis", metavar="URL", help="Where Redis is; else REDIS_URL, or REDIS_HOST and its like.")
@click.option("--burst", is_flag=True, help="End when the queue is empty.")
@click.option("-v", "--verbose", is_flag=True, help="Log each task.")
@click.option("--until-eof", is_flag=True, hidden=True, help="Stop at once when standard input closes.")
def worker(processes: int, redis: str | None, burst: bool, verbose: bool, until_eof: bool) -> None:  # noqa: FBT001
    """Serve tasks of any job until stopped.

    The first TERM or INT lets the running tasks finish, a second one kills.
    """
    from word_counter.worker import Worker

    configure_logging(verbose=verbose, quiet=until_eof)
    Worker(redis, processes, burst=burst, parent=0 if until_eof else None).run()
