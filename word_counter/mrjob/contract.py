"""What the parts of this room need of a job in mrjob's API; :class:`word_counter.mrjob.job.MRJob` has all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from word_counter.job.job import Job
from word_counter.mrjob.step import MRStep

#: Gets a counter's group and name, and what is to be added.
Count = Callable[[str, str, int], None]


class StreamingJob(Protocol):
    """A job whose parts of steps read and write lines."""

    options: Any

    def __init__(self, args: Iterable[str] | None = None) -> None: ...

    @property
    def stdin(self) -> Any:
        """Where lines are read when no input is named, as bytes."""

    @property
    def stderr(self) -> Any:
        """Where anything but results is printed, as bytes."""

    def steps(self) -> list[MRStep]:
        """Return the steps."""

    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return what reads and what writes the lines of a part of a step."""

    def sort_values(self) -> bool | None:
        """Return whether the values of a key are sorted."""

    def jobconf(self) -> dict[str, Any]:
        """Return what is put into the environment of tasks."""

    def files(self) -> Any:
        """Return the files that are sent to tasks."""

    def dirs(self) -> Any:
        """Return the folders that are sent."""

    def archives(self) -> Any:
        """Return the packed files that are sent."""

    def task_args(self, sent: Callable[[str], str]) -> list[str]:
        """Return what of the command line tasks are told too; ``sent`` says where they find a file of a path."""

    def count_with(self, count: Count) -> None:
        """Be a task of a running job, whose counters these are."""

    def increment_counter(self, group: Any, counter: Any, amount: int = 1) -> None:
        """Add to a counter."""

    def set_status(self, msg: Any) -> None:
        """Say what is going on."""

    @classmethod
    def mr_job_script(cls) -> str | None:
        """Return the path of the file that the job is defined in."""

    @classmethod
    def word_counter_job(cls) -> type[Job]:
        """Return the class of the Job that this comes to."""


#: Makes the job that a part of a step is of, from the part and the number of the step.
MakeJob = Callable[[str, int], StreamingJob]
