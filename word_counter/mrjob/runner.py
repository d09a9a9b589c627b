"""Runner: runs a job in mrjob's API from its own script, or from a test, and keeps the results until it is closed."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from word_counter.engines.run_job import run
from word_counter.errors import UsageError
from word_counter.mrjob.contract import StreamingJob
from word_counter.mrjob.tasks.counters import by_step
from word_counter.mrjob.tasks.translation import job_of
from word_counter.settings.user_folders import temporary_folder

_ENGINES = {"inline": "inline", "local": "redis"}
_PIECE_BYTES = 256 * 1024


class LocalFiles:
    """The files of this machine, as jobs and their tests look at them through ``runner.fs``. Paths may be globs."""

    def can_handle_path(self, path: str) -> bool:
        """Whether a path is one of this machine."""
        return "://" not in path

    def ls(self, path_glob: str) -> Iterator[str]:
        """Yield the paths of files, of folders with all below them."""
        for path in sorted(glob.glob(path_glob)):
            if not os.path.isdir(path):
                yield path
            for parent, folders, names in os.walk(path, followlinks=True):
                folders.sort()
                yield from (os.path.join(parent, name) for name in sorted(names))

    def cat(self, path_glob: str) -> Iterator[bytes]:
        """Yield what files hold, in pieces of bytes; between two of them an empty one."""
        for number, path in enumerate(self.ls(path_glob)):
            if number:
                yield b""
            yield from _pieces(path)

    def du(self, path_glob: str) -> int:
        """Return the size of files, in bytes."""
        return sum(map(os.path.getsize, self.ls(path_glob)))

    def exists(self, path_glob: str) -> bool:
        """Whether there is something."""
        return bool(glob.glob(path_glob))

    def join(self, path: str, *paths: str) -> str:
        """Return a path below another."""
        return os.path.join(path, *paths)

    def mkdir(self, path: str) -> None:
        """Make a folder, and those above it, if it is not there."""
        os.makedirs(path, exist_ok=True)

    def put(self, src: str, path: str) -> None:
        """Copy a file."""
        shutil.copyfile(src, path)

    def rm(self, path_glob: str) -> None:
        """Remove files and folders."""
        for path in glob.glob(path_glob):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def touchz(self, path: str) -> None:
        """Make an empty file; OSError when there is one that is not."""
        if os.path.isfile(path) and os.path.getsize(path):
            message = f"not an empty file: {path}"
            raise OSError(message)
        with open(path, "a"):
            pass

    def md5sum(self, path: str) -> str:
        """Return the MD5 of a file, as hexadecimal digits."""
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()


class Runner:
    """Runs a job once. Its results are in a file of its own, which goes with it unless the job names a folder."""

    def __init__(self, job: StreamingJob) -> None:
        """Make one; UsageError when the job cannot be run as its options say."""
        self.fs = LocalFiles()
        self._job = job
        runner = job.options.runner or "inline"
        if runner not in _ENGINES:
            message = f"the runner {runner} is not supported; there are inline and local"
            raise UsageError(message)
        self._engine = _ENGINES[runner]
        self._translated = job_of(job)
        self._steps = len(job.steps())
        self._counters: dict[str, int] = {}
        self._folder = ""
        self._output = ""
        self._job_id = ""

    def run(self) -> None:
        """Run the job; inline raises what the job's own code raised, and else the errors are this package's."""
        if self._output:
            message = "the job has run already; make another runner"
            raise ValueError(message)
        options = self._job.options
        self._folder = self._folder or tempfile.mkdtemp(prefix="word-counter-mrjob-", dir=temporary_folder())
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
        self._job_id = outcome.job_id

    def _standard_input(self) -> str:
        path = os.path.join(self._folder, "STDIN")
        with open(path, "wb") as file:
            file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in self._job.stdin)
        return path

    def cat_output(self) -> Iterator[bytes]:
        """Yield the results, in pieces of bytes."""
        if not self._output:
            message = "run the job before reading its results"
            raise ValueError(message)
        yield from _pieces(self._output)

    def get_output_dir(self) -> str | None:
        """Return the folder with the results; None before the job has run."""
        return os.path.dirname(self._output) or None

    def get_job_key(self) -> str:
        """Return the name of the job that was run."""
        return self._job_id

    def get_hadoop_version(self) -> None:
        """Return nothing: there is no Hadoop."""

    def counters(self) -> list[dict[str, dict[str, int]]]:
        """Return the counters of each step, by group and name."""
        return by_step(self._counters, self._steps)

    def tell_counters(self) -> None:
        """Print the counters to the job's standard error."""
        for number, groups in enumerate(self.counters(), 1):
            for group, counters in groups.items():
                for name, n in counters.items():
                    self._job.stderr.write(f"step {number}: {group}: {name}={n}\n".encode())

    def cleanup(self, mode: object = None) -> None:  # noqa: ARG002 (mrjob's signature)
        """Remove what it made for itself."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cleanup()


MRJobRunner = InlineMRJobRunner = LocalMRJobRunner = Runner


def _pieces(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
