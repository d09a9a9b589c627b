"""Arguments: the options that every job in mrjob's API has, and which of a command line the tasks must see."""

from __future__ import annotations

import os
from argparse import Action, ArgumentParser
from collections.abc import Collection, Sequence
from typing import Any


def add_own_options(parser: ArgumentParser) -> list[Action]:
    """Add to a parser what mrjob's own options are, as far as they mean something here; return them."""
    parser.add_argument("args", nargs="*", help="what to read; - or nothing: standard input")
    add = parser.add_argument
    return [
        add("-h", "--help", action="store_true", help="show this and end"),
        add("-q", "--quiet", action="store_true", help="show nothing but the results"),
        add("-v", "--verbose", action="store_true", help="for mrjob's sake; changes nothing"),
        add(
            "-r", "--runner", help="inline: in this process; local: over Redis, with a worker a core [default: inline]"
        ),
        add("--num-cores", type=int, help="how many workers the runner local starts"),
        add("-o", "--output-dir", help="write the results to a new file in this folder, rather than to the output"),
        add("--cat-output", action="store_true", default=None, help="print the results even so"),
        add("--no-cat-output", "--no-output", dest="cat_output", action="store_false", help="print no results"),
        add("--no-conf", action="store_true", help="for mrjob's sake: no configuration is read anyway"),
        add("-D", "--jobconf", action="append", default=[], help="for mrjob's sake: configures Hadoop, and is ignored"),
        add("--mapper", dest="run_mapper", action="store_true", help="be the mapper of a step alone"),
        add("--combiner", dest="run_combiner", action="store_true", help="be the combiner of a step alone"),
        add("--reducer", dest="run_reducer", action="store_true", help="be the reducer of a step alone"),
        add("--step-num", type=int, default=0, help="which step, from 0"),
    ]


def passed_through(
    given: Sequence[str], options: Sequence[Action], passed: Collection[str], files: Collection[str]
) -> list[str]:
    """Return what of the arguments ``given`` tasks are told too.

    Args:
        given: a command line that the job's own parser takes.
        options: all options of that parser.
        passed: the names (``dest``) of those that tasks are told.
        files: the names of those that are paths: tasks may have another current directory.
    """
    found: list[str] = []

    class Recorder(Action):
        def __call__(self, _parser: object, _found: object, values: Any, option: str | None = None) -> None:
            if self.dest not in passed:
                return
            texts = [values] if isinstance(values, str) else list(values or ())
            if self.dest in files:
                texts = [os.path.abspath(text) for text in texts]
            # One value may begin with a dash, which only the = tells from an option.
            found.extend([f"{option}={texts[0]}"] if len(texts) == 1 else [str(option), *texts])

    parser = ArgumentParser(add_help=False)
    for option in options:
        nargs = 1 if option.nargs is None else option.nargs
        parser.add_argument(*option.option_strings, dest=option.dest, nargs=nargs, action=Recorder)
    parser.parse_known_args(list(given))
    return found
