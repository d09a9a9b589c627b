"""Script: what a job in mrjob's API does when its file is run, or when a test calls a part of it."""

from __future__ import annotations

import bz2
import codecs
import gzip
import inspect
import logging
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self, cast

from word_counter.errors import UsageError, WordCounterError
from word_counter.loading.job_import import refuse_while_importing
from word_counter.mrjob.contract import Count, StreamingJob
from word_counter.mrjob.options import Options
from word_counter.mrjob.step import MRStep, StepFailedException
from word_counter.mrjob.util import log_to_null, log_to_stream, to_lines

if TYPE_CHECKING:
    from word_counter.mrjob.runner import Runner

log = logging.getLogger(__name__)

Pair = tuple[Any, Any]

#: The arguments of a process that is one task of a running job.
_OF_TASKS = {"--mapper", "--combiner", "--reducer", "--step-num"}


class Script(Options):
    """What of a job is about running it, whole or in parts, and about what it reads and prints on its way."""

    def __init__(self, args: Iterable[str] | None = None) -> None:
        self._stdin: Any = None
        self._stdout: Any = None
        self._stderr: Any = None
        self._count: Count | None = None
        super().__init__(args)

    @abstractmethod
    def steps(self) -> list[MRStep]:
        """Return the steps."""

    @abstractmethod
    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return what reads and what writes the lines of a part of a step."""

    @abstractmethod
    def output_protocol(self) -> Any:
        """Return the protocol that writes the results."""

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
            log.info("%s: %s", type(self).__name__, msg, extra={"action": "status"})

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

    def parse_output(self, chunks: Iterable[bytes]) -> Iterator[Pair]:
        """Yield the pairs that results, in pieces of bytes, stand for. Lines are read with their line breaks."""
        yield from map(self.output_protocol().read, to_lines(chunks))

    @classmethod
    def mr_job_script(cls) -> str | None:
        """Return the path of the file that the job is defined in; None when there is none."""
        try:
            return inspect.getsourcefile(cls)
        except TypeError:
            return None

    @classmethod
    def set_up_logging(cls, quiet: bool = False, verbose: bool = False, stream: Any = None) -> None:  # noqa: FBT001, FBT002 (mrjob's)
        """Write what the loggers ``mrjob`` and ``__main__`` say to standard error, or to a stream; quiet: nowhere."""
        for name in ("mrjob", "__main__"):
            if quiet:
                log_to_null(name)
            else:
                log_to_stream(name, stream, debug=verbose)

    # -- running ------------------------------------------------------------------------------------------------

    @classmethod
    def run(cls) -> None:
        """Do what the command line of this process says, and print the results."""
        refuse_while_importing()
        cls().execute()

    def execute(self) -> None:
        """Run the job, or the one part of a step that the options name."""
        for part, run in (("mapper", self.run_mapper), ("combiner", self.run_combiner), ("reducer", self.run_reducer)):
            if getattr(self.options, f"run_{part}"):
                run(self.options.step_num)
                return
        self.run_job()

    def run_job(self) -> None:
        """Run the whole job and print its results; what is wrong with the request ends the process."""
        quiet, verbose = bool(self.options.quiet), bool(self.options.verbose)
        self.set_up_logging(quiet=quiet, verbose=verbose, stream=codecs.getwriter("utf-8")(self.stderr))
        try:
            with self.make_runner() as runner:
                runner.run()
                if self.options.cat_output or (self.options.cat_output is None and not self.options.output_dir):
                    for chunk in runner.cat_output():
                        self.stdout.write(chunk)
                    self.stdout.flush()
                if not quiet:
                    runner.tell_counters()
        except (WordCounterError, StepFailedException) as error:
            self.stderr.write(f"Error: {error}\n".encode("utf-8", "backslashreplace"))
            sys.exit(getattr(error, "exit_code", 1))

    def make_runner(self) -> Runner:
        """Return what runs this job; use it in a ``with``."""
        from word_counter.mrjob.runner import Runner

        if self.is_task() or _OF_TASKS.intersection(sys.argv):
            message = "make_runner() was called for one task alone"
            raise UsageError(message)
        return Runner(cast("StreamingJob", self))  # a job has the rest of what that is

    def run_mapper(self, step_num: int = 0) -> None:
        """Map what the inputs or standard input hold; for tests."""
        self._run_part("mapper", self.map_pairs, step_num)

    def run_combiner(self, step_num: int = 0) -> None:
        """Combine what the inputs or standard input hold, whose keys are next to each other; for tests."""
        self._run_part("combiner", self.combine_pairs, step_num)

    def run_reducer(self, step_num: int = 0) -> None:
        """Reduce what the inputs or standard input hold, whose keys are next to each other; for tests."""
        self._run_part("reducer", self.reduce_pairs, step_num)

    def _run_part(self, part: str, run: Callable[[Iterator[Pair], int], Iterator[Pair]], step_num: int) -> None:
        self._step(step_num)
        read, write = self.pick_protocols(step_num, part)
        pairs = (read(line.rstrip(b"\r\n")) for line in self._read_input())
        for key, value in run(pairs, step_num):
            self.stdout.write(write(key, value) + b"\n")

    def map_pairs(self, pairs: Iterable[Pair], step_num: int = 0) -> Iterator[Pair]:
        """Yield what the mapper of a step makes of pairs, from its init to its final."""
        step = self._step(step_num)
        yield from _of(step["mapper_init"])
        if step["mapper_raw"]:
            yield from step["mapper_raw"](*self.options.args) or ()
        else:
            for key, value in pairs:
                yield from step["mapper"](key, value) or ()
        yield from _of(step["mapper_final"])

    def combine_pairs(self, pairs: Iterable[Pair], step_num: int = 0) -> Iterator[Pair]:
        """Yield what the combiner of a step makes of pairs, of which those of a key are next to each other."""
        return self._grouped("combiner", pairs, step_num)

    def reduce_pairs(self, pairs: Iterable[Pair], step_num: int = 0) -> Iterator[Pair]:
        """Yield what the reducer of a step makes of pairs, of which those of a key are next to each other."""
        return self._grouped("reducer", pairs, step_num)

    def _grouped(self, part: str, pairs: Iterable[Pair], step_num: int) -> Iterator[Pair]:
        step = self._step(step_num)
        if step[part] is None:
            message = f"step {step_num} has no {part}"
            raise ValueError(message)
        yield from _of(step[f"{part}_init"])
        for key, group in groupby(pairs, itemgetter(0)):
            yield from step[part](key, (value for _, value in group)) or ()
        yield from _of(step[f"{part}_final"])

    def _step(self, step_num: int) -> MRStep:
        steps = self.steps()
        if not 0 <= step_num < len(steps):
            message = f"there is no step {step_num}: the job has {len(steps)}, counted from 0"
            raise ValueError(message)
        return steps[step_num]

    def _read_input(self) -> Iterator[bytes]:
        for path in self.options.args or ["-"]:
            if path == "-":
                yield from self.stdin
                continue
            opened: Any = gzip.open if path.endswith(".gz") else bz2.open if path.endswith(".bz2") else open
            with opened(path, "rb") as file:
                yield from file


def _of(function: Callable[[], Any] | None) -> Iterable[Pair]:
    """Return what init or final yields, if there is one and it yields."""
    return (function() if function is not None else None) or ()
