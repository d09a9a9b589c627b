"""Options: those that every job in mrjob's API has, those that it declares, and which of a command line tasks see."""

from __future__ import annotations

import os
import sys
import time
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

#: What mrjob before 0.7 has jobs give for "the command line of this process".
FROM_SYS_ARGV = "_READ_ARGS_FROM_SYS_ARGV"
#: Options of mrjob's own runners that change nothing here, and whether they take a value.
_IGNORED = {
    "bootstrap-mrjob": False,
    "no-bootstrap-mrjob": False,
    "check-input-paths": False,
    "no-check-input-paths": False,
    "cleanup": True,
    "cleanup-on-failure": True,
    "deprecated": False,
    "hadoop-version": True,
    "label": True,
    "local-tmp-dir": True,
    "owner": True,
    "py-files": True,
    "python-bin": True,
    "read-logs": False,
    "no-read-logs": False,
    "setup": True,
    "sh-bin": True,
    "sort-bin": True,
    "step-output-dir": True,
    "task-python-bin": True,
}


class ArgumentsError(ValueError):
    """A command line is not one that a job takes."""


class _KeyValue(Action):
    """Takes ``KEY=VALUE`` into a dict."""

    def __call__(self, parser: ArgumentParser, found: Namespace, values: Any, option: str | None = None) -> None:
        key, equals, value = values.partition("=")
        if not equals:
            parser.error(f"{option} argument {values!r} is not of the form KEY=VALUE")
        setattr(found, self.dest, {**(getattr(found, self.dest) or {}), key: value})


class _Parts(Action):
    """Adds what stands between commas to a list."""

    def __call__(self, _: ArgumentParser, found: Namespace, values: Any, option: str | None = None) -> None:  # noqa: ARG002
        parts = [part.strip() for part in values.split(",") if part]
        setattr(found, self.dest, [*(getattr(found, self.dest) or []), *parts])


class Options:
    """What of a job is about its command line.

    Attributes:
        arg_parser: what takes it.
        options: what it took.
    """

    options: Namespace

    def __init__(self, args: Iterable[str] | None = None) -> None:
        if hasattr(time, "tzset"):
            time.tzset()  # a task may have been given another time zone
        self._passed: set[str] = set()
        self._file_options: set[str] = set()
        self.arg_parser = ArgumentParser(usage="%(prog)s [options] [input files]", add_help=False)
        own = args is None or args == FROM_SYS_ARGV
        if not own:
            self.arg_parser.error = _raise_arguments_error  # type: ignore[method-assign]
        self.configure_args()
        self._given = sys.argv[1:] if own else list(args or ())
        self.load_args(self._given)

    def configure_args(self) -> None:
        """Declare the options; redefine it to add some, and call this one first."""
        _add_own_options(self.arg_parser)

    def load_args(self, args: list[str]) -> None:
        """Read a command line into :attr:`options`."""
        self.options = self.arg_parser.parse_intermixed_args(args)
        if self.options.help:
            self.arg_parser.print_help()
            sys.exit(0)

    def add_passthru_arg(self, *args: Any, **kwargs: Any) -> None:
        """Declare an option that tasks are told too; takes what argparse's ``add_argument`` takes."""
        self._passed.add(self.arg_parser.add_argument(*args, **kwargs).dest)

    def add_file_arg(self, *args: Any, **kwargs: Any) -> None:
        """Declare an option that is the path of a file, which is sent to the tasks; they are told where it is there.

        Raises:
            ArgumentTypeError: it is not text, or does something else than to store or append that.
        """
        if kwargs.get("type") not in {None, str} or kwargs.get("action") not in {None, "store", "append"}:
            message = "an option of add_file_arg is text that is stored or appended"
            raise ArgumentTypeError(message)
        option = self.arg_parser.add_argument(*args, **kwargs)
        self._passed.add(option.dest)
        self._file_options.add(option.dest)

    def pass_arg_through(self, opt_str: str) -> None:
        """Let tasks be told of an option that all jobs have."""
        known = {action.dest for action in self._actions if opt_str in {*action.option_strings, action.dest}}
        if not known:
            message = f"unknown option {opt_str}"
            raise ValueError(message)
        self._passed |= known

    def is_task(self) -> bool:
        """Return whether this is one mapper, combiner or reducer of a running job, rather than the job."""
        return bool(self.options.run_mapper or self.options.run_combiner or self.options.run_reducer)

    @property
    def _actions(self) -> list[Action]:
        return self.arg_parser._actions  # noqa: SLF001 (argparse has no other way to it)

    def task_args(self, sent: Callable[[str], str] = os.path.abspath) -> list[str]:
        """Return what of the command line tasks are told too; ``sent`` says where they find a file of a path."""
        found: list[str] = []
        passed, files = self._passed, self._file_options

        class Recorder(Action):
            def __call__(self, _parser: object, _found: object, values: Any, option: str | None = None) -> None:
                if self.dest not in passed:
                    return
                texts = [values] if isinstance(values, str) else list(values or ())
                if self.dest in files:
                    texts = list(map(sent, texts))
                # One value may begin with a dash, which only the = tells from an option.
                if len(texts) == 1 and option:
                    found.append(f"{option}={texts[0]}")
                else:
                    found.extend([option, *texts] if option else texts)

        parser = ArgumentParser(add_help=False)
        for action in self._actions:
            nargs = 1 if action.nargs is None else action.nargs
            parser.add_argument(*action.option_strings, dest=action.dest, nargs=nargs, action=Recorder)
        parser.parse_known_args(self._given)
        return found


def _add_own_options(parser: ArgumentParser) -> None:
    """Add to a parser what mrjob's own options are, as far as its runners inline and local have them."""
    add = parser.add_argument
    add("args", nargs="*", help="what to read; - or nothing: standard input")
    add("-h", "--help", action="store_true", help="show this and end")
    add("-q", "--quiet", action="store_true", default=None, help="show nothing but the results")
    add("-v", "--verbose", action="store_true", default=None, help="let loggers say more")
    add("-r", "--runner", help="inline: in this process; local: over Redis, with a worker a core [default: inline]")
    add("--num-cores", type=int, help="how many workers the runner local starts")
    add("-o", "--output-dir", help="write the results to a new file in this folder, rather than to the output")
    add("--cat-output", action="store_true", default=None, help="print the results even so")
    add("--no-cat-output", "--no-output", dest="cat_output", action="store_false", help="print no results")
    add("-D", "--jobconf", action=_KeyValue, metavar="KEY=VALUE", help="put this into the environment of tasks")
    add("--cmdenv", action=_KeyValue, metavar="KEY=VALUE", help="set an environment variable for tasks")
    add("--files", dest="upload_files", action=_Parts, help="send files to the folders of tasks: a,b or path#name")
    add("--dirs", dest="upload_dirs", action=_Parts, help="send folders")
    add("--archives", dest="upload_archives", action=_Parts, help="send tar and zip files, which are unpacked there")
    add("--libjars", action=_Parts, help="is refused: JAR files need Hadoop")
    add("-c", "--conf-path", dest="conf_paths", action="append", help="changes nothing: mrjob.conf is not read")
    add("--no-conf", dest="conf_paths", action="store_const", const=[], help="changes nothing")
    add("--mapper", dest="run_mapper", action="store_true", help="be the mapper of a step alone")
    add("--combiner", dest="run_combiner", action="store_true", help="be the combiner of a step alone")
    add("--reducer", dest="run_reducer", action="store_true", help="be the reducer of a step alone")
    add("--step-num", type=int, default=0, help="which step, from 0")
    for name, takes_value in _IGNORED.items():
        what = {} if takes_value else {"action": "store_const", "const": True}
        add(f"--{name}", help="changes nothing", **what)  # type: ignore[arg-type]


def ignored_options(options: Namespace) -> list[str]:
    """Return the options that were given and change nothing here."""
    given = [name for name in _IGNORED if getattr(options, name.replace("-", "_"), None)]
    return [*(f"--{name}" for name in given), *(["--conf-path"] if options.conf_paths else [])]


def _raise_arguments_error(message: str) -> NoReturn:
    raise ArgumentsError(message)
