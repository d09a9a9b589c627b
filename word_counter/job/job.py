"""Job: the class in which a user names a mapper, a reducer, inputs and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from word_counter.errors import JobLoadError
from word_counter.job.mapper import Mapper
from word_counter.job.model import Inputs
from word_counter.job.param import Param, ParamValues, read_params
from word_counter.job.reducer import Reducer
from word_counter.job.side_file import SideFile, read_side_files
from word_counter.job.step import Phase, Step, did_you_mean, phases_of

#: Attributes that have to be of some types, and what these are in words.
_ATTRIBUTES: dict[str, tuple[tuple[type, ...], str]] = {
    "settings": ((Mapping,), "a dict of settings by name"),
    "params": ((Mapping,), "a dict of Param by name"),
    "steps": ((Sequence,), "a list of Step"),
    "files": ((Sequence, AbstractSet), "a list of paths"),
    "encoding": ((str,), 'the name of an encoding, such as "utf-16-le"'),
}


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
        steps: the steps, in order, instead of these two, when one map and one reduce are not enough.
        inputs: files, directories and globs, as text or paths.
        settings: defaults for settings of :class:`word_counter.config.Settings`, by name.
        params: the params that the user of the job may give, by name. Mappers and reducers find the values in
            ``self.params``.
        files: side files: small files that every mapper and reducer may read, as ``self.files["name"]``.
        encoding: that of inputs which do not begin with a byte order mark, as Python names it; nothing: UTF-8.
        partition: returns which of ``n`` partitions, from 0, a key belongs to; None: a hash of the key decides. It must
            return the same in every process.
    """

    mapper: ClassVar[type[Mapper]]
    reducer: ClassVar[type[Reducer]]
    steps: ClassVar[Sequence[Step]] = ()
    inputs: Inputs = ()
    encoding: ClassVar[str] = ""
    settings: ClassVar[dict[str, Any]] = {}
    params: ClassVar[Mapping[str, Param]] = {}
    files: Sequence[str | Path] = ()
    #: The values of the params that were given; the others have their defaults.
    given_params: Mapping[str, Any] = MappingProxyType({})
    partition: ClassVar[Callable[[Any, Any, int], int] | None] = None
    #: The prefix of the reference to its class: it names the API in which the job is written, if that is not ours.
    dialect: ClassVar[str] = ""
    #: What names its class in place of a module and a name, if something does; with its dialect.
    reference: ClassVar[str] = ""
    #: How the results are written. "json": one object. "lines": each value is a list of lines, as latin-1 text.
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
        """Raise JobLoadError, which says what is missing or misplaced, unless this is a complete job."""
        if wrong := self._wrong_attribute():
            message = f"job {type(self).__name__}: {wrong}"
            raise JobLoadError(message)
        if hasattr(self, "input_format"):
            message = f"job {type(self).__name__}: input_format is what a mapper says of its records; put it there"
            raise JobLoadError(message)
        phases = self.phases()
        for phase in phases:
            for mapper in phase.mappers:
                if lacking := mapper.wrong_with_params(self.params):
                    message = f"job {type(self).__name__}: {lacking}"
                    raise JobLoadError(message)
        mapper = phases[0].mappers[0]
        if hasattr(mapper, "encoding"):
            message = f"{mapper.__name__}: encoding is what a job says of its inputs; put it into {type(self).__name__}"
            raise JobLoadError(message)

    def _wrong_attribute(self) -> str:
        """Say which attribute is of another type than it has to be; nothing: none."""
        for name, (kind, what) in _ATTRIBUTES.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or (isinstance(value, str) and str not in kind):
                return f"{name} must be {what}, found {value!r}"
        for name, param in self.params.items():
            if not isinstance(param, Param):
                return f"params: {name} must be a Param, such as Param({param!r}), found {param!r}"
        for step in self.steps:
            if not isinstance(step, Step):
                return f"steps: each must be a Step, such as Step(mapper=M, reducer=R), found {step!r}"
        return ""

    def phases(
        self, params: Mapping[str, Any] | None = None, files: Mapping[str, SideFile] | None = None
    ) -> list[Phase]:
        """Return the phases of this job, each a map and a reduce, in order.

        Args:
            params: the value of every param, as :meth:`param_values` returns it, for the tasks of a run.
            files: the side files, likewise.

        Raises:
            JobLoadError: the job is incomplete; says what is missing.
        """
        name = type(self).__name__
        given = {"params": ParamValues(params or {}), "files": dict(files or {})}
        if self.steps:
            if any(getattr(self, role, None) is not None for role in ("mapper", "reducer")):
                message = f"job {name} has steps, and a mapper or reducer beside them; put these into a step"
                raise JobLoadError(message)
            return phases_of(name, self.steps, given, self.partition)
        for role, base in (("mapper", Mapper), ("reducer", Reducer)):
            if getattr(self, role, None) is None:
                message = f"job {name}: {role} must be a subclass of {base.__name__}, found none"
                message += did_you_mean(type(self), role, base) or _in_settings(self.settings, role)
                raise JobLoadError(message)
        return phases_of(name, [Step(self.mapper, self.reducer)], given, self.partition)

    def classes(self) -> set[type]:
        """Return the mapper and reducer classes of all phases."""
        return {cls for phase in self.phases() for cls in (*phase.mappers, phase.reducer)}

    def side_files(self) -> dict[str, SideFile]:
        """Return what the job's mappers and reducers may read wherever they run, by name.

        Raises:
            InputError: one cannot be read.
            UsageError: two have one name, or they are too large.
        """
        return read_side_files(self.files)

    def code_files(self) -> set[str]:
        """Return the paths of files that are part of its code, besides those of its classes."""
        return set()

    def param_values(self) -> dict[str, Any]:
        """Return the value of every param; UsageError when a given one is unknown or not allowed."""
        return read_params(self.name, self.params, self.given_params)

    @property
    def name(self) -> str:
        """The name that people see: that of the class, or of the mapper for a job built in place."""
        return type(self).__name__ if type(self) is not Job else self.mapper.__name__


def _in_settings(settings: Mapping[str, Any], role: str) -> str:
    """Say, to follow an error, that a role of a job built in place was misspelt, and so became a setting."""
    classes = {name: value for name, value in settings.items() if isinstance(value, type)}
    made = type("", (), {**classes, "__module__": ""})
    return did_you_mean(made, role, Mapper if role == "mapper" else Reducer)
