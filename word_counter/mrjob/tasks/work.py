"""Work: what the tasks of one phase of a job do, and what they need for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from word_counter.mrjob.contract import MakeJob, StreamingJob
from word_counter.mrjob.tasks.counters import counter_name
from word_counter.mrjob.tasks.working_folder import JobFolder


@dataclass(frozen=True, slots=True)
class Work:
    """What a phase does.

    Attributes:
        job: the class of the job.
        args: the command line that its tasks are told.
        steps: how many steps the job has.
        maps: the numbers of the steps, from 0, that are mapped one after the other.
        reduces: the number of the step that is reduced; None: none is.
        combines: the numbers of the steps whose combiners run.
        first: whether the input is what is mapped.
        alone: whether one task reduces all keys, as something is of all of them.
        folder: where tasks find what was sent to them.
        in_folder: whether each task works in a folder of its own, rather than in the current one of this process.
        jobconf: what is put into the environment of all tasks, by names with dots.
        step_confs: what else of single steps, by their numbers.
        cmdenv: environment variables that are set, before all others.
    """

    job: type[StreamingJob]
    args: tuple[str, ...]
    steps: int
    maps: tuple[int, ...]
    reduces: int | None
    combines: frozenset[int]
    first: bool
    alone: bool
    folder: JobFolder
    in_folder: bool = True
    jobconf: Mapping[str, str] = field(default_factory=dict)
    step_confs: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    cmdenv: Mapping[str, str] = field(default_factory=dict)

    def jobconf_of(self, step: int) -> dict[str, str]:
        """Return what is put into the environment of the tasks of a step."""
        return {**self.jobconf, **self.step_confs.get(step, {})}

    def maker(self, count: Callable[[str, int], None]) -> MakeJob:
        """Return what makes the job for a part of a step: as under mrjob, parts share nothing."""

        def make(part: str, number: int) -> StreamingJob:
            job = self.job(args=[f"--{part}", f"--step-num={number}", *self.args])
            job.count_with(lambda group, name, n: count(counter_name(number, self.steps, group, name), n))
            return job

        return make
