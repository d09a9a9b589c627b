"""Commands: child processes that a task's lines go through, as mappers, combiners and reducers, or as filters.

A command is split into words and run as it is; a filter is a shell command, as under mrjob. It reads lines from its
standard input and prints lines. What it prints to standard error as ``reporter:counter:GROUP,NAME,N`` or
``reporter:status:TEXT`` counts and says so, as under Hadoop; the rest is shown.

All commands of a task are in one process group, which is killed with the task, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from word_counter.mrjob.contract import StreamingJob
from word_counter.mrjob.parse import parse_mr_job_stderr
from word_counter.mrjob.tasks.environment import TaskEnvironment
from word_counter.settings.user_folders import temporary_folder

#: The exit code of a filter that met nothing, as grep has it.
_MET_NOTHING = 1
#: What a next attempt meets again.
_MISTAKES = (FileNotFoundError, PermissionError, NotADirectoryError, ValueError)
#: How much of what a command said is told when it fails, in bytes.
_TOLD_BYTES = 2_000


class CommandError(Exception):
    """A command of a job failed, or cannot be run."""


class Command:
    """One run of a command. It may take lines as long as it has not been finished."""

    def __init__(self, text: str, job: StreamingJob, environment: TaskEnvironment, *, is_filter: bool = False) -> None:
        """Start it; CommandError when it cannot be run."""
        self._text = text
        self._job = job
        self._environment = environment
        self._is_filter = is_filter
        self._listens = True
        # Files rather than pipes: nobody has to read them while lines go in.
        self._printed: IO[bytes] = tempfile.TemporaryFile(dir=temporary_folder())  # noqa: SIM115 (close closes it)
        self._said: IO[bytes] = tempfile.TemporaryFile(dir=temporary_folder())  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", text] if is_filter else shlex.split(text),
                stdin=subprocess.PIPE,
                stdout=self._printed,
                stderr=self._said,
                process_group=environment.work.folder.process_group,
            )
        except (OSError, ValueError) as error:
            self._printed.close()
            self._said.close()
            why = error.strerror if isinstance(error, OSError) else error
            message = f"cannot run the {self._what}: {why}"
            # What is not there will not be there in the next attempt either, unlike memory.
            raise CommandError(message) from (None if isinstance(error, _MISTAKES) else error)
        environment.commands.append(self)

    def close(self) -> None:
        """Wait for its end, which is near, and let go of what it printed."""
        self._process.wait()
        for file in (self._process.stdin, self._printed, self._said):
            if file is not None:
                with contextlib.suppress(BrokenPipeError):
                    file.close()

    def feed(self, lines: Iterable[bytes]) -> None:
        """Give it lines, which are bytes without the line break."""
        self.feed_raw(line + b"\n" for line in lines)

    def feed_raw(self, pieces: Iterable[bytes]) -> None:
        """Give it bytes as they are."""
        assert self._process.stdin is not None  # noqa: S101 (for type checkers)
        for piece in pieces:  # all of them: the mapper before it may count them
            if self._listens:
                try:
                    self._process.stdin.write(piece)
                except BrokenPipeError:
                    self._listens = False  # as "head" does; its exit code says whether that was right

    def finish(self) -> Iterator[bytes]:
        """Wait for its end; then yield the lines that it printed.

        Raises:
            CommandError: its exit code says that it failed: it is not 0, or of a filter neither 0 nor 1.
        """
        assert self._process.stdin is not None  # noqa: S101 (for type checkers)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        code = self._process.wait()
        other = self._heed_reports()
        if code < 0:  # which may have been for want of memory, and not its own fault
            raise CommandError(f"the {self._what} {_ended(code)}{_told(other)}") from ChildProcessError()
        if code != 0 and not (self._is_filter and code == _MET_NOTHING):
            raise CommandError(f"the {self._what} {_ended(code)}{_told(other)}")
        self._job.stderr.write(other)
        self._job.stderr.flush()
        self._printed.seek(0)
        for line in self._printed:
            yield line.removesuffix(b"\n")
        self.close()
        self._environment.commands.remove(self)

    @property
    def _what(self) -> str:
        return f"{'filter' if self._is_filter else 'command'} {self._text!r}"

    def _heed_reports(self) -> bytes:
        self._said.seek(0)
        found = parse_mr_job_stderr(self._said)
        for group, counters in found["counters"].items():
            for name, n in counters.items():
                self._job.increment_counter(group, name, n)
        for status in found["statuses"]:
            self._job.set_status(status)
        return "".join(found["other"]).encode("utf-8", "surrogateescape")


def _ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _told(said: bytes) -> str:
    text = said[-_TOLD_BYTES:].decode("utf-8", "replace").strip()
    return f"; it said:\n{text}" if text else ", and said nothing"


def found_files(command: str) -> set[str]:
    """Return the files that the words of a command name, from the current folder."""
    with contextlib.suppress(ValueError):
        return {os.path.abspath(word) for word in shlex.split(command) if os.path.isfile(word)}
    return set()
