"""MRJob: what a job in mrjob's API is a subclass of."""

from __future__ import annotations

import logging
import sys
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from word_counter.errors import UsageError, WordCounterError
from word_counter.loading.job_import import refuse_while_importing
from word_counter.mrjob.arguments import add_own_options, passed_through
from word_counter.mrjob.contract import Count
from word_counter.mrjob.protocol import JSONProtocol, RawValueProtocol
from word_counter.mrjob.step import FUNCTIONS, UNSUPPORTED, MRStep
from word_counter.mrjob.substep import Substep

if TYPE_CHECKING:
    from word_counter.job.job import Job
    from word_counter.mrjob.runner import Runner

log = logging.getLogger(__name__)


class MRJob:
    """A job in mrjob's API: redefine mapper, combiner and reducer, or :meth:`steps`, and call :meth:`run`.

    Args:
        args: the command line without the program's name; None: that of this process. An error in it is a ValueError,
            or else ends the process.
    """

    INPUT_PROTOCOL: ClassVar[Any] = RawValueProtocol
    INTERNAL_PROTOCOL: ClassVar[Any] = JSONProtocol
    OUTPUT_PROTOCOL: ClassVar[Any] = JSONProtocol
    #: Whether reducers get the values of a key sorted by their lines.
    SORT_VALUES: ClassVar[bool | None] = None
    #: For Hadoop; ignored.
    JOBCONF: ClassVar[dict[str, Any]] = {}

    def __init__(self, args: Iterable[str] | None = None) -> None:
        self._options: list[Action] = []
        self._passed: set[str] = set()
        self._file_options: set[str] = set()
        self._stdin: Any = None
        self._stdout: Any = None
        self._stderr: Any = None
        self._count: Count | None = None
        self.arg_parser = ArgumentParser(usage="%(prog)s [options] [input files]", add_help=False)
        if args is not None:
            self.arg_parser.error = _raise_value_error  # type: ignore[method-assign]
        self.configure_args()
        self._given = sys.argv[1:] if args is None else list(args)
        self.load_args(self._given)

    # -- what jobs redefine -------------------------------------------------------------------------------------

    def steps(self) -> list[MRStep]:
        """Return the steps; by default one, of the functions that are redefined."""
        redefined = {
            name: getattr(self, name)
            for name in (*FUNCTIONS, *UNSUPPORTED)
            if getattr(type(self), name, None) is not getattr(MRJob, name, None)
        }
        return [MRStep(**redefined)] if redefined else []

    # Those that a job does not redefine raise when they are called, as under mrjob, whose jobs redefine but some:
    # abstract they cannot be.

    def mapper(self, key: Any, value: Any) -> Any:
        """Yield pairs of what was read of a line: by default a key that is None, and the line."""
        raise NotImplementedError

    def combiner(self, key: Any, values: Iterator[Any]) -> Any:
        """Yield pairs of some values of a key, in the place of these."""
        raise NotImplementedError

    def reducer(self, key: Any, values: Iterator[Any]) -> Any:
        """Yield pairs of all values of a key."""
        raise NotImplementedError

    def _nothing(self) -> Any:
        """Yield pairs before the first record of a task (init), or after the last (final)."""
        raise NotImplementedError

    mapper_init = mapper_final = combiner_init = combiner_final = reducer_init = reducer_final = _nothing

    def input_protocol(self) -> Any:
        """Return the protocol that reads the input."""
        return self.INPUT_PROTOCOL()

    def internal_protocol(self) -> Any:
        """Return the protocol of all that goes from one part of the job to another."""
        return self.INTERNAL_PROTOCOL()

    def output_protocol(self) -> Any:
        """Return the protocol that writes the results."""
        return self.OUTPUT_PROTOCOL()

    def sort_values(self) -> bool | None:
        """Return whether the values of a key are sorted."""
        return self.SORT_VALUES

    def jobconf(self) -> dict[str, Any]:
        """Return what would configure Hadoop."""
        return dict(self.JOBCONF)

    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return what reads and what writes the lines of a part of a step."""
        parts: list[tuple[int, str]] = []
        for number, step in enumerate(self.steps()):
            if number == 0 or step.has("mapper") or step.has("combiner"):
                parts.append((number, "mapper"))
            if step.has("reducer"):
                parts.append((number, "reducer"))
        place = parts.index((step_num, "mapper" if step_type == "combiner" else step_type))
        write = self.output_protocol() if place == len(parts) - 1 else self.internal_protocol()
        if step_type == "combiner":
            return write.read, write.write
        return (self.input_protocol() if place == 0 else self.internal_protocol()).read, write.write

    # -- options ------------------------------------------------------------------------------------------------

    def configure_args(self) -> None:
        """Declare the options; redefine it to add some, and call this one first."""
        self._options += add_own_options(self.arg_parser)

    def load_args(self, args: list[str]) -> None:
        """Read a command line into :attr:`options`."""
        self.options = self.arg_parser.parse_intermixed_args(args)
        if self.options.help:
            self.arg_parser.print_help()
            sys.exit(0)

    def add_passthru_arg(self, *args: Any, **kwargs: Any) -> None:
        """Declare an option that tasks are told too; takes what argparse's ``add_argument`` takes."""
        option = self.arg_parser.add_argument(*args, **kwargs)
        self._options.append(option)
        self._passed.add(option.dest)

    def add_file_arg(self, *args: Any, **kwargs: Any) -> None:
        """Declare an option that is the path of a file, which must be there on each machine that does work."""
        self.add_passthru_arg(*args, **kwargs)
        self._file_options.add(self._options[-1].dest)

    def pass_arg_through(self, opt_str: str) -> None:
        """Let tasks be told of an option that all jobs have."""
        known = [option.dest for option in self._options if opt_str in {*option.option_strings, option.dest}]
        if not known:
            message = f"unknown option {opt_str}"
            raise ValueError(message)
        self._passed.update(known)

    def task_args(self) -> list[str]:
        """Return what of the command line tasks are told too."""
        return passed_through(self._given, self._options, self._passed, self._file_options)

    def is_task(self) -> bool:
        """Return whether this is one mapper, combiner or reducer of a running job, rather than the job."""
        return bool(self.options.run_mapper or self.options.run_combiner or self.options.run_reducer)

    # -- counters -----------------------------------------------------------------------------------------------

    def increment_counter(self, group: Any, counter: Any, amount: int = 1) -> None:
        """Add to a counter; exact, however often a task is tried. Commas in its names become semicolons."""
        if not isinstance(amount, int):
            message = f"a counter is increased by whole numbers, not by {amount!r}"
            raise TypeError(message)
        group, counter = str(group).replace(",", ";"), str(counter).replace(",", ";")
        if self._count is None:
            self._report(f"reporter:counter:{group},{counter},{amount}")
        else:
            self._count(group, counter, amount)

    def set_status(self, msg: Any) -> None:
        """Say what is going on."""
        if self._count is None:
            self._report(f"reporter:status:{msg}")
        else:
            log.info("%s", msg, extra={"action": "status"})

    def count_with(self, count: Count) -> None:
        """Be a task of a running job, whose counters these are."""
        self._count = count

    def _report(self, line: str) -> None:
        self.stderr.write(f"{line}\n".encode())
        self.stderr.flush()

    # -- input and output ---------------------------------------------------------------------------------------

    @property
    def stdin(self) -> Any:
        """Where lines are read when no input is named, as bytes."""
        return self._stdin or getattr(sys.stdin, "buffer", sys.stdin)

    @property
    def stdout(self) -> Any:
        """Where results are printed, as bytes."""
        return self._stdout or getattr(sys.stdout, "buffer", sys.stdout)

    @property
    def stderr(self) -> Any:
        """Where anything else is printed, as bytes."""
        return self._stderr or getattr(sys.stderr, "buffer", sys.stderr)

    def sandbox(self, stdin: Any = None, stdout: Any = None, stderr: Any = None) -> Self:
        """Read and print elsewhere, for tests: by default nothing, and into ``BytesIO``."""
        self._stdin = stdin or BytesIO()
        self._stdout = stdout or BytesIO()
        self._stderr = stderr or BytesIO()
        return self

    def parse_output(self, chunks: Iterable[bytes]) -> Iterator[tuple[Any, Any]]:
        """Yield the pairs that results, in pieces of bytes, stand for."""
        read = self.output_protocol().read
        yield from (read(line.rstrip(b"\r\n")) for line in BytesIO(b"".join(chunks)))

    # -- running ------------------------------------------------------------------------------------------------

    @classmethod
    def run(cls) -> None:
        """Do what the command line of this process says, and print the results."""
        refuse_while_importing()
        cls().execute()

    def execute(self) -> None:
        """Run the job, or the one part of a step that the options name."""
        for part in ("mapper", "combiner", "reducer"):
            if getattr(self.options, f"run_{part}"):
                self._run_part(part, self.options.step_num)
                return
        self.run_job()

    def run_job(self) -> None:
        """Run the whole job and print its results; what is wrong with the request ends the process."""
        try:
            with self.make_runner() as runner:
                runner.run()
                if self.options.cat_output or (self.options.cat_output is None and not self.options.output_dir):
                    for chunk in runner.cat_output():
                        self.stdout.write(chunk)
                    self.stdout.flush()
                if not self.options.quiet:
                    runner.tell_counters()
        except WordCounterError as error:
            self.stderr.write(f"Error: {error}\n".encode("utf-8", "backslashreplace"))
            sys.exit(error.exit_code)

    def make_runner(self) -> Runner:
        """Return what runs this job; use it in a ``with``."""
        from word_counter.mrjob.runner import Runner

        if self.is_task():
            message = "make_runner() was called for one task alone"
            raise UsageError(message)
        return Runner(self)

    def run_mapper(self, step_num: int = 0) -> None:
        """Map what standard input holds; for tests."""
        self._run_part("mapper", step_num)

    def run_combiner(self, step_num: int = 0) -> None:
        """Combine what standard input holds, whose keys are next to each other; for tests."""
        self._run_part("combiner", step_num)

    def run_reducer(self, step_num: int = 0) -> None:
        """Reduce what standard input holds, whose keys are next to each other; for tests."""
        self._run_part("reducer", step_num)

    def _run_part(self, part: str, step_num: int) -> None:
        substep = Substep(self, part, step_num)
        lines = (line.rstrip(b"\r\n") for line in self.stdin)
        self._print(substep.opening())
        if part == "mapper":
            self._print(substep.mapped(lines))
        else:
            for _, group in groupby(lines, lambda line: line.partition(b"\t")[0]):
                self._print(substep.grouped(group))
        self._print(substep.closing())

    def _print(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.stdout.write(line + b"\n")

    @classmethod
    def word_counter_job(cls) -> type[Job]:
        """Return the class of the Job that this comes to."""
        from word_counter.mrjob.translation import job_class

        return job_class(cls)


def _raise_value_error(message: str) -> NoReturn:
    raise ValueError(message)
