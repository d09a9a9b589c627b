"""The environment of a task: the variables that mrjob's inline runner sets, a folder to work in, and the import path.

While the job's code runs, ``os.environ`` says which task it is, and of which part of the input, by Hadoop's old and
new names; it holds the job's configuration and what ``--cmdenv`` sets; and the task's folder is the current one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from word_counter.job.mapper import Lines
from word_counter.job.model import RunningTask, Stage, Surroundings
from word_counter.loading.job_import import add_to_path
from word_counter.mrjob.compat import translate_jobconf_for_all_versions, variable_of
from word_counter.mrjob.tasks.uploads import FILE
from word_counter.mrjob.tasks.work import Work

_STDIN = "<stdin>"


class SupportsClose(Protocol):
    """Something that can be let go of."""

    def close(self) -> None:
        """Let go of it."""


class TaskEnvironment(Surroundings):
    """What a task of a job in mrjob's API runs in."""

    def __init__(self, work: Work, task: RunningTask, records: Any) -> None:
        super().__init__(task, records)
        self.work = work
        self.folder = work.folder.make_task_folder() if work.in_folder else _current_folder()
        first = work.maps[0] if work.maps else work.reduces or 0
        self._part = ("mapper", first) if task.stage is Stage.MAP else ("reducer", work.reduces or 0)
        self._set: dict[str, str] = {}
        self._outside: dict[str, str] = {}
        self._outside_path: list[str] = []
        self._outside_folder = -1
        self._inside: dict[str, str] | None = None
        self.commands: list[SupportsClose] = []  #: those that have not ended

    # -- going in and out ---------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._outside, self._outside_path = dict(os.environ), list(sys.path)
        with contextlib.suppress(OSError):  # the current folder may be gone, or not for us to read
            self._outside_folder = os.open(os.curdir, os.O_RDONLY)
        try:
            if self._inside is None:
                self.be(*self._part)
            else:
                _become(self._inside)
            if self.work.in_folder:
                os.chdir(self.folder)
                if self.task.own and self.work.folder.uploads:
                    add_to_path(self.work.folder.sent)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        _heed_time_zone(self._outside)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = dict(os.environ)
        _become(self._outside)
        sys.path[:] = self._outside_path
        _heed_time_zone(self._inside)
        if self._outside_folder >= 0:
            os.fchdir(self._outside_folder)
            os.close(self._outside_folder)
            self._outside_folder = -1

    def close(self) -> None:
        if self.commands:
            self.work.folder.kill_commands()
        for command in self.commands:
            command.close()
        if self.work.in_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- what is in it ------------------------------------------------------------------------------------------

    def be(self, part: str, step: int) -> None:
        """Be that of a part ("mapper", "combiner" or "reducer") of a step from now on."""
        self._part = part, step
        variables = self._variables(part, step)
        for name in self._set.keys() - variables.keys():
            if name in self._outside:
                os.environ[name] = self._outside[name]
            else:
                os.environ.pop(name, None)
        os.environ.update(variables)
        self._set = variables

    def _variables(self, part: str, step: int) -> dict[str, str]:
        work = self.work
        said = {variable_of(name): value for name, value in work.jobconf_of(step).items()}
        for name, value in self._facts(part, step).items():
            said |= dict.fromkeys(map(variable_of, translate_jobconf_for_all_versions(name)), value)
        return {name: self._combined(name, value) for name, value in (said | dict(work.cmdenv)).items()}

    def _combined(self, name: str, value: str) -> str:
        """Return the value of a variable; of a path it goes before what is there."""
        outside = self._outside.get(name, "")
        return f"{value}{os.pathsep}{outside}" if name.endswith("PATH") and outside else value

    def _facts(self, part: str, step: int) -> dict[str, str]:
        """Return what Hadoop tells its tasks of themselves, as mrjob's inline runner does."""
        task, folder = self.task, self.folder
        name = f"{task.job_id}_{part}_{step:04d}{task.number}"
        uploads = self.work.folder.uploads
        packed: list[tuple[str, str]] = []
        plain: list[tuple[str, str]] = []
        for sent, origin in sorted(self.work.folder.names.items()) if self.work.in_folder else ():
            (plain if sent not in uploads or uploads[sent].kind == FILE else packed).append((sent, origin))
        facts = {
            "mapreduce.job.id": task.job_id,
            "mapreduce.task.id": f"task_{name}",
            "mapreduce.task.attempt.id": f"attempt_{name}_{task.attempt - 1}",
            "mapreduce.task.ismap": "true" if part == "mapper" else "false",
            "mapreduce.task.partition": str(task.number),
            "mapreduce.task.output.dir": folder,
            "mapreduce.job.local.dir": folder,
        }
        for kind, found in (("archives", packed), ("files", plain)):
            facts[f"mapreduce.job.cache.{kind}"] = ",".join(f"{origin}#{sent}" for sent, origin in found)
            facts[f"mapreduce.job.cache.local.{kind}"] = ",".join(os.path.join(folder, sent) for sent, _ in found)
        return facts | self._input()

    def _input(self) -> dict[str, str]:
        if self.records is None:
            return {}
        records, task = self.records, self.task
        source, length = f"step-output/{task.phase - 1:04d}/part-{task.number:05d}", len(records)
        if isinstance(records, Lines):
            source, length = "STDIN" if records.source == _STDIN else records.source, len(records.raw)
        return {
            "mapreduce.map.input.file": source if "://" in source else f"file://{source}",
            "mapreduce.map.input.start": str(records.offset),
            "mapreduce.map.input.length": str(length),
        }


def as_text(value: Any) -> str:
    """Return a value of a configuration as Java writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _become(variables: Mapping[str, str]) -> None:
    """Let the environment be these variables; only what differs is touched, as each touch is a call of C."""
    now = dict(os.environ)
    for name in now.keys() - variables.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in variables.items() if now.get(name) != value})


def _heed_time_zone(before: Mapping[str, str]) -> None:
    if before.get("TZ") != os.environ.get("TZ") and hasattr(time, "tzset"):
        time.tzset()


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed: a job that needs none may run all the same
        return os.sep
