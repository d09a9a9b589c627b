"""Translation: the Job that a job in mrjob's API comes to, or what of it cannot be had here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from inspect import isgeneratorfunction
from typing import Any, ClassVar, TypeVar

from word_counter.errors import JobLoadError, UsageError, WordCounterError
from word_counter.job.job import Job
from word_counter.job.param import Param
from word_counter.job.side_file import SideFile
from word_counter.job.step import Phase
from word_counter.loading.job_reference import MRJOB
from word_counter.loading.user_code import user_traceback
from word_counter.mrjob.contract import StreamingJob
from word_counter.mrjob.options import ArgumentsError, ignored_options
from word_counter.mrjob.step import FUNCTIONS, MRStep
from word_counter.mrjob.tasks.environment import TaskEnvironment, as_text
from word_counter.mrjob.tasks.map_task import MapTask
from word_counter.mrjob.tasks.reduce_task import ReduceTask
from word_counter.mrjob.tasks.uploads import ARCHIVE, DIR, FILE, Uploads, of_param, side_files
from word_counter.mrjob.tasks.work import Work
from word_counter.mrjob.tasks.working_folder import JobFolder

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")

#: What a class may say to Hadoop, and what is in vain here, as the results would be others.
_FOR_HADOOP = ("HADOOP_INPUT_FORMAT", "HADOOP_OUTPUT_FORMAT", "PARTITIONER", "LIBJARS")


class Translated(Job):
    """A job in mrjob's API. Its params are what its tasks are told."""

    mrjob: ClassVar[type[StreamingJob]]
    #: Whether each task works in a folder of its own.
    in_folder: ClassVar[bool] = True
    dialect = MRJOB
    form = "lines"
    params: ClassVar[Mapping[str, Param]] = {
        "args": Param([], "the job's own options"),
        "jobconf": Param({}, "what is put into the environment of tasks, by names with dots"),
        "cmdenv": Param({}, "environment variables of tasks"),
        "uploads": Param({}, "what is sent to tasks: kind, path, and digest if it does not travel, by name"),
    }
    settings: ClassVar[dict[str, Any]] = {"output": "output/results.txt"}

    def check(self) -> None:
        """Do nothing: what it comes to depends on its options, which are not known yet."""

    def take_arguments(self, arguments: Iterable[str]) -> tuple[str, ...]:
        """Take the job's own options from a command line; return the inputs, which are what is left.

        Raises:
            UsageError: the job does not take them, or uses what is not supported.
        """
        job = self._made(list(arguments))
        for option in ("runner", "output_dir", "cat_output"):
            if getattr(job.options, option) is not None:
                message = f"{self.name}: not --{option.replace('_', '-')}: word-counter run has --engine and --output"
                raise UsageError(message)
        return self.take(job)

    def take(self, job: StreamingJob) -> tuple[str, ...]:
        """Take options and inputs from a job that was made; UsageError when it uses what is not supported."""
        steps = self._steps(job)
        _check(job, steps)
        options, uploads = job.options, Uploads()
        for kind, given, said in (
            (FILE, options.upload_files, job.files),
            (DIR, options.upload_dirs, job.dirs),
            (ARCHIVE, options.upload_archives, job.archives),
        ):
            uploads.add_all(kind, given)
            uploads.add_all(kind, self._of_users(said, said.__name__))
        jobconf = {**self._of_users(job.jobconf, "jobconf"), **(options.jobconf or {})}
        self.given_params = {
            "args": job.task_args(uploads.add_file),
            "jobconf": _variables(self.name, jobconf),
            "cmdenv": _variables(self.name, options.cmdenv or {}),
            "uploads": uploads.as_param(),
        }
        if ignored := ignored_options(options):
            log.warning("job %s: %s changes nothing here", self.name, ", ".join(ignored), extra={"action": "warning"})
        self.inputs = inputs = tuple(options.args)
        return inputs

    def side_files(self) -> dict[str, SideFile]:
        return side_files(of_param(self.given_params.get("uploads", {})))

    def classes(self) -> set[type]:
        return {*self.mrjob.__mro__[:-1], MapTask, ReduceTask}

    def phases(
        self, params: Mapping[str, Any] | None = None, files: Mapping[str, SideFile] | None = None
    ) -> list[Phase]:
        given = self.given_params if params is None else params
        args, uploads = given.get("args", []), of_param(given.get("uploads", {}))
        folder = JobFolder(uploads, side_files(uploads) if files is None else files, self._script())
        with folder.visited():
            steps = self._steps(self._made(args))
        work = Work(
            job=self.mrjob,
            args=tuple(args),
            steps=len(steps),
            maps=(),
            reduces=None,
            combines=frozenset(number for number, step in enumerate(steps) if step.has("combiner")),
            first=True,
            alone=False,
            folder=folder,
            in_folder=self.in_folder,
            jobconf=given.get("jobconf", {}),
            step_confs={
                number: _variables(self.name, step["jobconf"]) for number, step in enumerate(steps) if step["jobconf"]
            },
            cmdenv=given.get("cmdenv", {}),
        )
        return _phases(work, steps)

    def _script(self) -> str:
        return os.path.abspath(self.mrjob.mr_job_script() or "") if self.in_folder else ""

    def _made(self, args: list[str]) -> StreamingJob:
        try:
            return self.mrjob(args=args)
        except ArgumentsError as error:
            message = f"{self.name}: {error}"
            raise UsageError(message) from error
        except WordCounterError:
            raise
        except Exception as error:
            message = f"{self.name} cannot be made with the options {args}\n{user_traceback(error)}"
            raise JobLoadError(message) from error

    def _steps(self, job: StreamingJob) -> list[MRStep]:
        return self._of_users(job.steps, "steps")

    def _of_users(self, function: Callable[[], _Value], name: str) -> _Value:
        try:
            return function()
        except WordCounterError:
            raise
        except Exception as error:
            message = f"{self.name} failed in {name}()\n{user_traceback(error)}"
            raise JobLoadError(message) from error


def _phases(work: Work, steps: list[MRStep]) -> list[Phase]:
    phases: list[Phase] = []
    maps: list[int] = []
    for number, step in enumerate(steps):
        if number == 0 or step.has("mapper") or step.has("combiner"):
            maps.append(number)
        reduced = step.has("reducer")
        last = number == len(steps) - 1
        if reduced or last:
            work = replace(
                work,
                maps=tuple(maps),
                reduces=number if reduced else None,
                first=not phases,
                alone=reduced and _is_of_all_keys(step),
            )
            phases.append(_phase(work, step, last=last, raw=not phases and bool(steps[0]["mapper_raw"])))
            maps = []
    return phases


def _phase(work: Work, step: MRStep, *, last: bool, raw: bool) -> Phase:
    name = work.job.__name__
    in_input_order = bool(getattr(work.job, "in_input_order", False))
    combines = work.reduces in work.combines
    plain = replace(work, combines=work.combines - {work.reduces})
    return Phase(
        mappers=(type(name, (MapTask,), {"whole_files": raw}),),  # errors name the user's class
        reducer=type(name, (ReduceTask,), {"in_input_order": in_input_order}),
        last=last,
        uncombined=_phase(plain, step, last=last, raw=raw) if combines else None,
        keyed=not last,
        given={"work": work},
        partition=_one_for_all if work.alone else None,
        surround=lambda task, records: TaskEnvironment(work, task, records),
    )


def _is_of_all_keys(step: MRStep) -> bool:
    """Whether one task must see all keys: what is yielded at their end, and what a command does, is of all of them."""
    return bool(
        _yields(step["reducer_init"])
        or _yields(step["reducer_final"])
        or step["reducer_cmd"]
        or step["reducer_pre_filter"]
    )


def _yields(function: Any) -> bool:
    return isgeneratorfunction(getattr(function, "__func__", function))


def _one_for_all(key: Any, n: int) -> int:  # noqa: ARG001 (what a partition is asked with)
    return 0


def job_class(cls: type[StreamingJob]) -> type[Translated]:
    """Return the class of the Job that a class comes to; it stands in the same place."""
    attributes = {"mrjob": cls, "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (Translated,), attributes)


def job_of(job: StreamingJob) -> Translated:
    """Return the Job that a job comes to; UsageError when it uses what is not supported."""
    translated = type(job).word_counter_job()()
    assert isinstance(translated, Translated)  # noqa: S101 (for the type alone)
    translated.take(job)
    return translated


def _variables(name: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return what is put into an environment as text; UsageError when none can hold it."""
    found = {variable: as_text(value) for variable, value in given.items() if value is not None}
    for variable, text in found.items():
        if not variable or "=" in variable or "\0" in variable + text:
            message = f"job {name}: no environment can hold {variable!r} with the value {text!r}"
            raise UsageError(message)
    return found


def _amiss(step: Any, number: int) -> str:
    """Say what of a step, of this number from 0, is not supported; nothing when all of it is."""
    if not isinstance(step, MRStep):
        return f"{type(step).__name__} is not supported: a step is an MRStep"
    for name in FUNCTIONS:
        is_text = name.endswith(("_cmd", "_pre_filter"))
        if step[name] is not None and not (
            isinstance(step[name], str | list | tuple) if is_text else callable(step[name])
        ):
            return f"{name} must be {'a command' if is_text else 'a function'}, not {step[name]!r}"
    if step["mapper_raw"] and number:
        return "mapper_raw is for the first step, which reads files"
    return ""


def _check(job: StreamingJob, steps: Any) -> None:
    name = type(job).__name__
    if not steps:
        message = f"job {name} has no mapper, no combiner and no reducer"
        raise JobLoadError(message)
    if not isinstance(steps, list | tuple):
        message = f"job {name}: steps() must return a list of MRStep, not {steps!r}"
        raise JobLoadError(message)
    for number, step in enumerate(steps):
        if amiss := _amiss(step, number):
            where = f"job {name}" + (f", step {number + 1}" if len(steps) > 1 else "")
            message = f"{where}: {amiss}"
            raise JobLoadError(message)
    for attribute in _FOR_HADOOP:
        if getattr(job, attribute.lower())() or getattr(job.options, attribute.lower(), None):
            message = f"job {name}: {attribute} is not supported: there is no Hadoop here"
            raise JobLoadError(message)
