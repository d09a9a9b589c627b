"""Steps of a job that has several maps and reduces, and the phases that they become.

The reduce of a step gives pairs, and the next step maps them. A step without a reducer is no phase of its own: its
mapper and the next one run in the same task, one after the other, and nothing is stored in between.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from word_counter.errors import JobLoadError
from word_counter.job.mapper import Lines, Mapper, Pair
from word_counter.job.model import RunningTask, Surroundings
from word_counter.job.pairs import Pairs
from word_counter.job.reducer import Reducer
from word_counter.job.reducers import Values

_Made = TypeVar("_Made", Mapper, Reducer)

#: What users write in their classes.
JOB_NAMES = frozenset({"mapper", "reducer", "steps", "inputs", "encoding", "settings", "params", "files", "partition"})
MAPPER_NAMES = frozenset({"map", "map_chunk", "map_pair", "map_pairs", "setup", "close", "whole_files", "input_format"})
REDUCER_NAMES = frozenset({"reduce", "combine", "setup", "close", "last_results", "order", "in_input_order"})
_METHODS = frozenset({"map", "map_chunk", "map_pair", "map_pairs", "setup", "close", "reduce", "combine", "order"})
_METHODS |= {"last_results", "partition"}
#: How alike two names must be for one to be taken for a slip of the other, from 0 to 1.
_ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job: a mapper, a reducer, or both.

    The first mapper of a job reads lines (:meth:`Mapper.map`), every later one the pairs of the step before it
    (:meth:`Mapper.map_pair`). Without a mapper the pairs are reduced unchanged. Without a reducer they go straight to
    the next step's mapper; when the last step has none, the results have the list of each key's values.
    """

    mapper: type[Mapper] | None = None
    reducer: type[Reducer] | None = None


class Chain(Mapper):
    """Several mappers as one: the pairs of each go through the next."""

    def __init__(self, members: Sequence[Mapper]) -> None:
        self._members = members
        for member in members:
            member.count = self.count  # type: ignore[method-assign]  # one counter for all, which skip_bad_records.py can reset

    @property
    def by_record(self) -> bool:
        return self._members[0].by_record

    def setup(self) -> None:
        for member in self._members:
            member.setup()

    def enter(self, lines: Lines | Pairs) -> None:
        super().enter(lines)
        for member in self._members:
            member.enter(lines)

    def map_chunk(self, lines: Lines) -> Iterable[Any]:
        return self._through(self._members[0].map_chunk(lines), 1)

    def map_pairs(self, pairs: Iterable[Pair]) -> Iterable[Pair]:
        return self._through(self._members[0].map_pairs(pairs), 1)

    def close(self) -> Iterator[Pair]:
        for number, member in enumerate(self._members, 1):
            yield from self._through(member.close(), number)

    def _through(self, pairs: Iterable[Any] | None, first: int) -> Iterable[Any]:
        if isinstance(pairs, dict):
            pairs = pairs.items()
        for member in self._members[first:]:
            pairs = member.map_pairs(pairs or ())
        return pairs or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One map and one reduce of a job, with the attributes of its mappers and reducer.

    Attributes:
        mappers: the mappers that follow each other in a map task.
        reducer: the reducer.
        last: whether its results are those of the job. Otherwise another phase maps them.
        given: attributes of every mapper and reducer, by name.
        partition: returns which of so many partitions a key belongs to; None: a hash of the key decides.
        uncombined: the same phase without a combiner, where this one has one that is not the reducer's ``combine``.
        keyed: whether the keys are part of the results. Otherwise only their order counts.
        surround: returns what a task of it runs in.
    """

    mappers: tuple[type[Mapper], ...]
    reducer: type[Reducer]
    last: bool = True
    given: Mapping[str, Any] = field(default_factory=dict)
    partition: Callable[[Any, int], int] | None = None
    uncombined: Phase | None = None
    keyed: bool = True
    surround: Callable[[RunningTask, Lines | Pairs | None], Surroundings] = Surroundings

    @property
    def input_format(self) -> str:
        """The input format of the records that it maps."""
        return self.mappers[0].format_for(self.given.get("params", {}))

    @property
    def whole_files(self) -> bool:
        """Whether its chunks are whole files."""
        return self.mappers[0].whole_files

    @property
    def empty_files(self) -> bool:
        """Whether an empty file is a chunk too."""
        return self.whole_files or self.mappers[0].empty_files

    @property
    def mapper_name(self) -> str:
        """The names of the mappers, for messages."""
        return " and ".join(mapper.__name__ for mapper in self.mappers)

    def make_mapper(self, surroundings: Surroundings | None = None) -> Mapper:
        """Return a new mapper, for one task, which may be told what it runs in."""
        members = [self._made(mapper, surroundings) for mapper in self.mappers]
        return members[0] if len(members) == 1 else Chain(members)

    def make_reducer(self, surroundings: Surroundings | None = None) -> Reducer:
        """Return a new reducer, for one task, which may be told what it runs in."""
        return self._made(self.reducer, surroundings)

    def _made(self, cls: type[_Made], surroundings: Surroundings | None) -> _Made:
        made = cls()
        made.surroundings = surroundings
        for name, value in self.given.items():
            setattr(made, name, value)
        return made


def phases_of(
    name: str,
    steps: Sequence[Step],
    given: Mapping[str, Any],
    partition: Callable[[Any, int], int] | None = None,
) -> list[Phase]:
    """Return the phases of steps: one for each reducer, and one more when the last step has none.

    Raises:
        JobLoadError: a step is incomplete; says what of job ``name`` is missing.
    """
    phases: list[Phase] = []
    mappers: list[type[Mapper]] = []
    for number, step in enumerate(steps, 1):
        where = f"job {name}" + (f", step {number}" if len(steps) > 1 else "")
        _check_step(step, where, first=number == 1)
        if step.mapper is not None:
            mappers.append(step.mapper)
        if step.reducer is not None or number == len(steps):
            reducer = Values if step.reducer is None else step.reducer
            made = tuple(mappers) or (Mapper,)
            last = number == len(steps)
            phases.append(Phase(mappers=made, reducer=reducer, last=last, given=given, partition=partition))
            mappers = []
    return phases


def missing_arguments(cls: type) -> str:
    """Return what is missing when a class is called without arguments; "" when nothing is."""
    return _missing_arguments(cls)


@cache  # each task asks, and signatures are slow
def _missing_arguments(cls: type) -> str:
    try:
        inspect.signature(cls).bind()
    except TypeError as error:
        return str(error)
    except ValueError:  # a class in C, say, which has no signature
        return ""
    return ""


def own_names(cls: type) -> dict[str, Any]:
    """Return the public attributes that a user's class has by its own classes, not by those of this package."""
    own = [owner for owner in reversed(cls.__mro__) if not owner.__module__.startswith(("word_counter.", "builtins"))]
    return {name: value for owner in own for name, value in vars(owner).items() if not name.startswith("_")}


def misspelt(cls: type, known: Collection[str]) -> list[tuple[str, str]]:
    """Return the attributes of a class that are slips of known ones that it lacks, each with the one that was meant."""
    own = own_names(cls)
    missing = {name.replace("_", ""): name for name in known if name not in own}
    ours = {name for owner in cls.__mro__ if owner.__module__.startswith("word_counter.") for name in vars(owner)}
    found = [(name, _nearest(name, missing)) for name in sorted(own.keys() - known - ours)]
    return [(name, meant) for name, meant in found if meant and inspect.isroutine(own[name]) == (meant in _METHODS)]


def _nearest(name: str, missing: Mapping[str, str]) -> str:
    from difflib import get_close_matches  # here, as hardly any job comes here

    nearest = get_close_matches(name.lower().replace("_", ""), missing, 1, _ALIKE)
    return missing[nearest[0]] if nearest else ""


def did_you_mean(cls: type, wanted: str, base: type | None = None) -> str:
    """Say, to follow an error, which attribute of a class was likely meant to be the one that it lacks.

    That is one of a name that is alike, or, with ``base``, the only one whose value is a subclass of it.
    """
    own = {name: value for name, value in own_names(cls).items() if name != wanted}
    found = [name for name, value in own.items() if base and isinstance(value, type) and issubclass(value, base)]
    alike = [name for name in own if _nearest(name, {wanted.replace("_", ""): wanted})]
    name = alike[0] if alike else found[0] if len(found) == 1 else ""
    return f"; it has {name}: did you mean {wanted}?" if name else ""


def _check_step(step: Step, where: str, *, first: bool) -> None:
    _check_class("mapper", step.mapper, Mapper, where)
    _check_class("reducer", step.reducer, Reducer, where)
    mapper = step.mapper
    if mapper is None:
        if first:
            message = f"{where}: the first step needs a mapper, which reads the lines"
            raise JobLoadError(message)
        if step.reducer is None:
            message = f"{where}: a step needs a mapper or a reducer"
            raise JobLoadError(message)
    elif not isinstance(mapper.input_format, str):
        message = f'{where}: mapper {mapper.__name__}: input_format must be text, such as "csv", '
        message += f"found {mapper.input_format!r}"
        raise JobLoadError(message)
    elif first and mapper.map is Mapper.map and mapper.map_chunk is Mapper.map_chunk:
        message = f"{where}: mapper {mapper.__name__} lacks a method map(self, line){did_you_mean(mapper, 'map')}"
        raise JobLoadError(message)
    elif not first and mapper.map_pair is Mapper.map_pair and mapper.map_pairs is Mapper.map_pairs:
        message = f"{where}: mapper {mapper.__name__} lacks a method map_pair(self, key, value)"
        message += did_you_mean(mapper, "map_pair")
        raise JobLoadError(message)


def _check_class(role: str, cls: object, base: type, where: str) -> None:
    if cls is None:
        return
    if not (isinstance(cls, type) and issubclass(cls, base)):
        found = f"an instance; write {type(cls).__name__}, without ()" if isinstance(cls, base) else repr(cls)
        message = f"{where}: {role} must be a subclass of {base.__name__}, found {found}"
        raise JobLoadError(message)
    if missing := missing_arguments(cls):
        message = f"{where}: {role} {cls.__name__} is made anew in each task, without arguments: {missing}"
        raise JobLoadError(message)
    for name in sorted(getattr(cls, "__abstractmethods__", ())):
        arguments = ", ".join(inspect.signature(getattr(cls, name)).parameters)
        message = f"{where}: {role} {cls.__name__} lacks a method {name}({arguments})"
        raise JobLoadError(message + did_you_mean(cls, name))
    if issubclass(cls, Reducer) and inspect.isgeneratorfunction(cls.reduce) and cls.conclude is Reducer.conclude:
        message = f"{where}: {role} {cls.__name__}: reduce has a yield; it must return the one result of the key"
        raise JobLoadError(message)
