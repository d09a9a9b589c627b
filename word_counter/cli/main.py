"""The command ``word-counter``: its subcommands, and how every error becomes one line and an exit code.

Exit codes: 0 done, 1 the job failed, 2 usage or bad input, 3 Redis unreachable, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

import click

from word_counter import __version__
from word_counter.cli.run import master, run
from word_counter.cli.worker import worker
from word_counter.errors import WordCounterError

_INTERRUPTED = 130


class _Group(click.Group):
    """Turns errors into their exit codes; a traceback of ours would be a defect, so those pass through."""

    def invoke(self, ctx: click.Context) -> Any:
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return super().invoke(ctx)
        except WordCounterError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            ctx.exit(_INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output is gone
            ctx.exit(1)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="word-counter")
def main() -> None:
    """MapReduce on Redis: count words, or run your own Mapper and Reducer, and trust the number."""


for command in (run, master, worker):
    main.add_command(command)
