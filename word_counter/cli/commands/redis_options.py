"""Options that commands share which look into a Redis, and the connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.terminal.text import printable
from word_counter.errors import UsageError
from word_counter.settings import config

if TYPE_CHECKING:
    from word_counter.store.connection import Redis

Command = Callable[..., Any]

redis_option: Callable[[Command], Command] = click.option(
    "--redis", metavar="URL", help="Where Redis is; else REDIS_URL, or REDIS_HOST and its like."
)
json_option: Callable[[Command], Command] = click.option(
    "--json", "as_json", is_flag=True, default=partial(config.choice, "json"), help="Print JSON for programs."
)
job_argument: Callable[[Command], Command] = click.argument("job_id", metavar="JOB")


@contextmanager
def connected(url: str | None) -> Iterator[Redis]:
    """Connect to the Redis that an option or the environment names, and translate its errors meanwhile.

    Raises:
        UsageError: none is named.
        StoreUnavailableError: it cannot be reached.
    """
    from word_counter.store.connection import connect, translated_errors

    for warning in config.unknown_variables():
        click.echo(f"warning: {printable(warning)}", err=True)
    named = config.load({"redis": url}, only={"redis"}).redis
    if not named:
        message = (
            "no Redis is named: give --redis URL or set REDIS_URL. A run without one has a Redis of its own until it "
            "ends, and names its socket at the start: --redis unix://SOCKET looks into it"
        )
        raise UsageError(message)
    connection = connect(named)
    try:
        with translated_errors(named):
            yield connection
    finally:
        connection.close()
