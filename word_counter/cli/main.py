"""The command ``word-counter``: its subcommands, and how every error becomes one line and an exit code.

Exit codes: 0 done, 1 the job failed, 2 usage or bad input, 3 Redis unreachable, 4 done except for what is in
quarantine.jsonl, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any

import click

from word_counter.cli.terminal.interrupts import INTERRUPTED, Interrupts
from word_counter.cli.terminal.text import printable
from word_counter.errors import NotNeededError, UsageError, WordCounterError

#: The commands in the order in which they are needed, each with its module in cli/commands/. Only the module of the
#: called command is imported: importing all takes longer than counting a small file.
_COMMANDS = {
    "run": "run",
    "check": "check",
    "resume": "run",
    "worker": "worker",
    "master": "run",
    "jobs": "jobs",
    "status": "status",
    "inspect": "inspect",
    "replay": "replay",
    "verify": "verify",
    "workers": "status",
    "cancel": "jobs",
    "purge": "jobs",
    "doctor": "doctor",
}
#: What an interrupt leaves behind, when the error does not say more.
_LEFT = {"run": "nothing was written", "master": "nothing was written", "resume": "the job is as it was"}
#: The errors of a write to standard output when the disk is full or the output is closed.
_REFUSED_OUTPUT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


class _Group(click.Group):
    """Turns the errors of this package into exit codes. Other errors are defects, and are shown with a traceback."""

    _called = ""  #: the command that is called, from before its module is imported

    def invoke(self, ctx: click.Context) -> Any:
        with Interrupts().handled():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            answer = super().invoke(ctx)
            if sys.stdout is not None:  # None: it was closed when the command began
                sys.stdout.flush()  # so that an error of the output is raised here
        except WordCounterError as error:
            _say(ctx, str(error), "" if isinstance(error, NotNeededError) else "Error: ")
            _discard_unwritable_output()
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as interrupt:
            if self._called == "worker":
                ctx.exit(0)  # stopped before it served: as one that served and had nothing to do
            left = str(interrupt) or _LEFT.get(ctx.invoked_subcommand or "", "")
            if ctx.invoked_subcommand is None:  # its module is still being imported
                left = "nothing was started"
            _say(ctx, f"interrupted{': ' if left else ''}{left}", "")
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _discard_unwritable_output()
            ctx.exit(1)
        except OSError as error:
            if (what := _told(error)) is None:
                raise
            _say(ctx, what, "Error: ")
            _discard_unwritable_output()
            ctx.exit(UsageError.exit_code)
        return answer

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command; None when there is none of this name."""
        self._called = cmd_name
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"word_counter.cli.commands.{module}"), cmd_name)
        return _documented(command)


def _told(error: OSError) -> str | None:
    """Return what went wrong with what a command was given by whoever started it; None: it is something else."""
    if error.filename is None and error.errno in _REFUSED_OUTPUT:
        return f"cannot write to standard output: {error.strerror}"
    if error.filename is None and error.errno == errno.ENOENT and not _current_folder():
        return "the current folder was removed: change to one that is there"
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return f"{error.strerror}: raise the limit (ulimit -n), or ask for fewer --workers or --processes"
    if error.filename is None and error.errno == errno.EAGAIN:  # of a fork
        return f"{error.strerror}: raise the limit (ulimit -u), or ask for fewer --workers or --processes"
    return None


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _documented(command: click.Command) -> click.Command:
    if command.help is None and command.callback is not None:
        from word_counter.cli.terminal.docstrings import docstring

        command.help = docstring(command.callback)
    return command


def _discard_unwritable_output() -> None:
    """Discard what standard output does not take, so that Python does not try to write it again at exit."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(ctx: click.Context, message: str, prefix: str) -> None:
    """Show how a command ended, in words or as an event."""
    from word_counter.cli.display.json_events import report_error, wants_events

    if wants_events(ctx):
        report_error(ctx, message)
    else:
        click.echo(f"{prefix}{printable(message, lines=True)}", err=True)


def _show_version(ctx: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001 (click's)
    """Show the version and exit. It is looked up only when it is asked for."""
    if value and not ctx.resilient_parsing:
        from word_counter import __version__

        click.echo(f"word-counter, version {__version__}")
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """MapReduce on Redis: count words, or run your own Mapper and Reducer, and trust the number."""


_documented(main)
