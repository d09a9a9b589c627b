"""Runner: runs a job in mrjob's API from its own script, or from a test, and keeps the results until it is closed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from word_counter.engines.run_job import run
from word_counter.errors import UsageError
from word_counter.mrjob.contract import StreamingJob
from word_counter.mrjob.counters import by_step
from word_counter.mrjob.translation import job_of
from word_counter.settings.user_folders import temporary_folder

_ENGINES = {"inline": "inline", "local": "redis"}
_PIECE_BYTES = 256 * 1024


class Runner:
    """Runs a job once. Its results are in a file of its own, which goes with it unless the job names a folder."""

    def __init__(self, job: StreamingJob) -> None:
        """Make one; UsageError when the job cannot be run as its options say."""
        self._job = job
        runner = job.options.runner or "inline"
        if runner not in _ENGINES:
            message = f"the runner {runner} is not supported; there are inline and local"
            raise UsageError(message)
        self._engine = _ENGINES[runner]
        self._translated = job_of(job)
        self._steps = len(job.steps())
        self._counters: dict[str, int] = {}
        self._folder = tempfile.mkdtemp(prefix="word-counter-mrjob-", dir=temporary_folder())
        self._output = ""

    def run(self) -> None:
        """Run the job; inline raises what the job's own code raised, and else the errors are this package's."""
        options = self._job.options
        folder = os.path.abspath(options.output_dir or os.path.join(self._folder, "output"))
        if os.path.isdir(folder) and os.listdir(folder):
            message = f"the output folder {folder} is there already, and not empty"
            raise UsageError(message)
        settings: dict[str, Any] = {"engine": self._engine, "output": os.path.join(folder, "part-00000")}
        if options.num_cores is not None:
            settings["workers"] = options.num_cores
        inputs = [self._standard_input() if path == "-" else path for path in options.args or ["-"]]
        outcome = run(inputs, self._translated, **settings)
        self._counters = outcome.counters
        self._output = outcome.output

    def _standard_input(self) -> str:
        path = os.path.join(self._folder, "stdin")
        with open(path, "wb") as file:
            file.writelines(self._job.stdin)
        return path

    def cat_output(self) -> Iterator[bytes]:
        """Yield the results, in pieces of bytes."""
        if not self._output:
            message = "run the job before reading its results"
            raise ValueError(message)
        with open(self._output, "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    def counters(self) -> list[dict[str, dict[str, int]]]:
        """Return the counters of each step, by group and name."""
        return by_step(self._counters, self._steps)

    def tell_counters(self) -> None:
        """Print the counters to the job's standard error."""
        for number, groups in enumerate(self.counters(), 1):
            for group, counters in groups.items():
                for name, n in counters.items():
                    self._job.stderr.write(f"step {number}: {group}: {name}={n}\n".encode())

    def cleanup(self) -> None:
        """Remove what it made for itself."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cleanup()
