"""Translation: the Job that a job in mrjob's API comes to, or what of it cannot be had here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from inspect import isgeneratorfunction
from typing import Any, ClassVar

from word_counter.errors import JobLoadError, UsageError
from word_counter.job.job import Job
from word_counter.job.param import Param
from word_counter.job.side_file import SideFile
from word_counter.job.step import Phase
from word_counter.loading.job_reference import MRJOB
from word_counter.mrjob.contract import StreamingJob
from word_counter.mrjob.step import UNSUPPORTED, MRStep
from word_counter.mrjob.task import MapTask, ReduceTask, Work

log = logging.getLogger(__name__)

#: What a class may say to Hadoop, and what is in vain here, as the results would be others.
_FOR_HADOOP = ("HADOOP_INPUT_FORMAT", "HADOOP_OUTPUT_FORMAT", "PARTITIONER", "LIBJARS", "FILES", "DIRS", "ARCHIVES")


class Translated(Job):
    """A job in mrjob's API. Its one param is the command line that its tasks are told."""

    mrjob: ClassVar[type[StreamingJob]]
    dialect = MRJOB
    form = "lines"
    params: ClassVar[Mapping[str, Param]] = {"args": Param([], "the job's own options")}
    settings: ClassVar[dict[str, Any]] = {"output": "output/results.txt"}

    def check(self) -> None:
        """Do nothing: what it comes to depends on its options, which are not known yet."""

    def take_arguments(self, arguments: Iterable[str]) -> tuple[str, ...]:
        """Take the job's own options from a command line; return the inputs, which are what is left.

        Raises:
            UsageError: the job does not take them, or uses what is not supported.
        """
        try:
            job = self.mrjob(args=list(arguments))
        except ValueError as error:
            message = f"{self.name}: {error}"
            raise UsageError(message) from error
        for option in ("runner", "output_dir", "cat_output"):
            if getattr(job.options, option) is not None:
                message = f"{self.name}: not --{option.replace('_', '-')}: word-counter run has --engine and --output"
                raise UsageError(message)
        return self.take(job)

    def take(self, job: StreamingJob) -> tuple[str, ...]:
        """Take options and inputs from a job that was made; UsageError when it uses what is not supported."""
        _check(job)
        self.given_params = {"args": job.task_args()}
        self.inputs = inputs = tuple(job.options.args)
        return inputs

    def classes(self) -> set[type]:
        return {*self.mrjob.__mro__[:-1], MapTask, ReduceTask}

    def phases(
        self,
        params: Mapping[str, Any] | None = None,
        files: Mapping[str, SideFile] | None = None,  # noqa: ARG002 (mrjob knows none)
    ) -> list[Phase]:
        args = (self.given_params if params is None else params).get("args", [])
        steps = self.mrjob(args=args).steps()
        phases: list[Phase] = []
        maps: list[int] = []
        for number, step in enumerate(steps):
            if number == 0 or step.has("mapper") or step.has("combiner"):
                maps.append(number)
            reduced = step.has("reducer")
            last = number == len(steps) - 1
            if reduced or last:
                work = Work(
                    job=self.mrjob,
                    args=tuple(args),
                    steps=len(steps),
                    maps=tuple(maps),
                    reduces=number if reduced else None,
                    combines=reduced and step.has("combiner"),
                    first=not phases,
                )
                phases.append(_phase(work, step, last=last))
                maps = []
        return phases


def _phase(work: Work, step: MRStep, *, last: bool) -> Phase:
    name = work.job.__name__
    in_input_order = bool(getattr(work.job, "in_input_order", False))
    return Phase(
        mappers=(type(name, (MapTask,), {}),),  # errors name the user's class
        reducer=type(name, (ReduceTask,), {"in_input_order": in_input_order}),
        last=last,
        uncombined=_phase(replace(work, combines=False), step, last=last) if work.combines else None,
        keyed=not last,
        given={"work": work},
        # What is yielded at the end of all keys is of all keys: then one task must see them all.
        partition=_one_for_all if _yields(step["reducer_init"]) or _yields(step["reducer_final"]) else None,
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


def _amiss(step: Any) -> str:
    """Say what of a step is not supported; nothing when all of it is."""
    if not isinstance(step, MRStep):
        return f"{type(step).__name__} is not supported: a step is an MRStep"
    for part in UNSUPPORTED:
        if step[part] is not None:
            return f"{part} is not supported: steps are made of Python functions over lines"
    if step.has("combiner") and not step.has("reducer"):
        return "a combiner without a reducer is not supported"
    return ""


def _check(job: StreamingJob) -> None:
    name = type(job).__name__
    steps = job.steps()
    if not steps:
        message = f"job {name} has no mapper, no combiner and no reducer"
        raise JobLoadError(message)
    for number, step in enumerate(steps, 1):
        where = f"job {name}" + (f", step {number}" if len(steps) > 1 else "")
        if amiss := _amiss(step):
            message = f"{where}: {amiss}"
            raise JobLoadError(message)
        if step["jobconf"] is not None:
            log.warning("%s: jobconf is for Hadoop, and is ignored", where, extra={"action": "warning"})
    for attribute in _FOR_HADOOP:
        method = attribute.lower()  # says the same, where it is redefined
        if getattr(job, attribute, None) or callable(getattr(type(job), method, None)):
            message = f"job {name}: {attribute} is not supported: there is no Hadoop here"
            raise JobLoadError(message)
    if job.jobconf() or job.options.jobconf:
        log.warning("job %s: JOBCONF is for Hadoop, and is ignored", name, extra={"action": "warning"})
