"""Job, and the nouns a job is made of: source, chunk, task, and the states they go through.

    job --splits into--> chunks --one map task each--> partials --one reduce task a partition--> results

A task is named by its stage and number: ``map:12`` is the work on chunk 12, ``reduce:3`` that on partition 3.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from word_counter.errors import JobLoadError
from word_counter.job.mapper import Mapper
from word_counter.job.param import Param, read_params
from word_counter.job.reducer import Reducer
from word_counter.job.side_file import SideFile
from word_counter.job.step import Phase, Step, phases_of

#: What stands for standard input among inputs, and the packing of that source.
STDIN_PATH = "-"
STDIN = "stdin"
#: The packing of a source whose bytes are its lines, and of which nothing is given but the whole.
WHOLE = "whole"
#: One path or several, as a caller may give them.
Inputs = str | Path | Iterable[str | Path]


class Stage(enum.StrEnum):
    """The two kinds of task."""

    MAP = "map"  #: one chunk in, one partial a partition out
    REDUCE = "reduce"  #: all partials of one partition in, its results out


class JobState(enum.StrEnum):
    """Where a job is. It moves down this list, or from any of the first three to the last two."""

    MAPPING = "mapping"  #: the input is being split, and its chunks mapped
    REDUCING = "reducing"  #: every chunk is committed; the partitions are being reduced and then merged
    DONE = "done"  #: the results are written
    FAILED = "failed"  #: ended without results; the reason is kept
    CANCELLED = "cancelled"  #: ended on request, without results

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to the job any more."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Source:
    """What lines come from, as it was when the job was made.

    Attributes:
        path: the file; ``-`` is standard input.
        size: in bytes, as it lies there; 0 of standard input.
        modified: the time of last change in nanoseconds since 1970.
        packing: how it is packed ("gzip", "bzip2", "xz", "zstd", "tar", "zip"), or "stdin", or "whole"; nothing: its
            bytes are its lines, wherever one begins to read.
        member: of a tar or zip file: which of the files in it; ``size`` is that one's.
    """

    path: str
    size: int
    modified: int
    packing: str = ""
    member: str = ""

    def listed(self) -> list[str | int]:
        """Return it as a list, as it stands in JSON."""
        return [self.path, self.size, self.modified, self.packing, self.member]

    @property
    def name(self) -> str:
        """What people and mappers know it by."""
        if self.packing == STDIN:
            return "<stdin>"
        return f"{self.path}!{self.member}" if self.member else self.path


class Chunk(NamedTuple):
    """A run of whole lines of one source. A tuple rather than a dataclass: there may be 100,000 of them.

    Offset and length are in bytes of what the source holds, unpacked.
    """

    id: int  #: its place in the order of the input, from 0
    source: int  #: the index of its source
    offset: int  #: where it starts, in bytes
    length: int  #: in bytes
    line: int  #: the number of its first line in the source, from 1
    lines: int  #: how many lines


class Cursor(NamedTuple):
    """How far splitting has come: the next chunk's id, and where it starts."""

    chunk: int = 0
    source: int = 0
    offset: int = 0
    line: int = 1


def task_name(stage: Stage, number: int) -> str:
    """Return the name of a task, as in ``map:12``."""
    return f"{stage.value}:{number}"


def parse_task(name: str) -> tuple[Stage, int]:
    """Return the stage and number of a task's name; ValueError when it is not one."""
    stage, _, number = name.partition(":")
    return Stage(stage), int(number)


class Job:
    """A mapper and a reducer over inputs. Subclass it and name the two classes.

    For example::

        class ErrorsByHost(Job):
            mapper = FindErrors
            reducer = Sum

    or build one in place: ``Job("logs/", mapper=FindErrors, reducer=Sum)``.

    Attributes:
        mapper: the mapper class.
        reducer: the reducer class.
        steps: in place of these two, when one map and one reduce are not enough: the steps, in their order.
        inputs: files, directories and globs, as text or paths.
        settings: settings of :class:`word_counter.settings.config.Settings` that this job wants by default, by name.
        params: what the job may be told by whoever runs it: its params by name. Mappers and reducers find the values
            in ``self.params``.
        files: side files: small ones that every mapper and reducer may read, as ``self.files["name"]``.
        partition: which of ``n`` partitions, from 0, a key belongs to; None: a hash of the key decides. It must say
            the same wherever it is asked.
    """

    mapper: ClassVar[type[Mapper]]
    reducer: ClassVar[type[Reducer]]
    steps: ClassVar[Sequence[Step]] = ()
    inputs: Inputs = ()
    settings: ClassVar[dict[str, Any]] = {}
    params: ClassVar[Mapping[str, Param]] = {}
    files: Sequence[str | Path] = ()
    #: The values of the params that were given; the others have their defaults.
    given_params: Mapping[str, Any] = MappingProxyType({})
    partition: ClassVar[Callable[[Any, Any, int], int] | None] = None
    #: What stands before the reference of its class: the name of the API that this is written in, if not ours.
    dialect: ClassVar[str] = ""
    #: How the results are written: "json" is one object; "lines" are what each value is a list of, as latin-1 text.
    form: ClassVar[str] = "json"

    def __init__(
        self,
        inputs: Inputs | None = None,
        *,
        mapper: type[Mapper] | None = None,
        reducer: type[Reducer] | None = None,
        params: Mapping[str, Any] | None = None,
        files: Iterable[str | Path] | None = None,
        **settings: Any,
    ) -> None:
        if inputs is not None:
            self.inputs = inputs
        if mapper is not None:
            self.mapper = mapper  # type: ignore[misc]
        if reducer is not None:
            self.reducer = reducer  # type: ignore[misc]
        if settings:
            self.settings = {**self.settings, **settings}  # type: ignore[misc]
        if params:
            self.given_params = dict(params)
        if files is not None:
            self.files = tuple(files)
        self.check()

    def check(self) -> None:
        """Raise JobLoadError, naming what is missing or misplaced, unless this is a complete job."""
        if not isinstance(self.settings, Mapping):
            message = f"job {type(self).__name__}: settings must be a dict of settings by name, found {self.settings!r}"
            raise JobLoadError(message)
        if hasattr(self, "input_format"):
            message = f"job {type(self).__name__}: input_format is what a mapper says of its records; put it there"
            raise JobLoadError(message)
        self.phases()

    def phases(
        self, params: Mapping[str, Any] | None = None, files: Mapping[str, SideFile] | None = None
    ) -> list[Phase]:
        """Return the maps and reduces that this job comes to, in their order.

        Args:
            params: the value of every param, as :meth:`param_values` returned it, for the tasks of a run.
            files: the side files, for the same.

        Raises:
            JobLoadError: it is not complete; names what is missing.
        """
        name = type(self).__name__
        given = {"params": dict(params or {}), "files": dict(files or {})}
        if self.steps:
            if any(getattr(self, role, None) is not None for role in ("mapper", "reducer")):
                message = f"job {name} has steps, and a mapper or reducer beside them; put these into a step"
                raise JobLoadError(message)
            return phases_of(name, self.steps, given, self.partition)
        for role, base in (("mapper", Mapper), ("reducer", Reducer)):
            if getattr(self, role, None) is None:
                message = f"job {name}: {role} must be a subclass of {base.__name__}, found none"
                raise JobLoadError(message)
        return phases_of(name, [Step(self.mapper, self.reducer)], given, self.partition)

    def classes(self) -> set[type]:
        """Return the classes that do the work."""
        return {cls for phase in self.phases() for cls in (*phase.mappers, phase.reducer)}

    def param_values(self) -> dict[str, Any]:
        """Return the value of every param; UsageError when one that was given is unknown or not allowed."""
        return read_params(self.name, self.params, self.given_params)

    @property
    def name(self) -> str:
        """The name people see: the class's, or the mapper's for a job built in place."""
        return type(self).__name__ if type(self) is not Job else self.mapper.__name__
