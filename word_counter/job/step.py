"""Steps of a job that has several maps and reduces, and the phases that they become.

The reduce of a step gives pairs, and the next step maps them. A step without a reducer is no phase of its own: its
mapper and the next one run in the same task, one after the other, and nothing is stored in between.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from word_counter.errors import JobLoadError
from word_counter.job.mapper import Lines, Mapper, Pair
from word_counter.job.pairs import Pairs
from word_counter.job.reducer import Reducer
from word_counter.job.reducers import Values

_Made = TypeVar("_Made", Mapper, Reducer)


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
    """

    mappers: tuple[type[Mapper], ...]
    reducer: type[Reducer]
    last: bool = True
    given: Mapping[str, Any] = field(default_factory=dict)
    partition: Callable[[Any, int], int] | None = None
    uncombined: Phase | None = None
    keyed: bool = True

    @property
    def input_format(self) -> str:
        """The input format of the records that it maps."""
        return self.mappers[0].format_for(self.given.get("params", {}))

    @property
    def whole_files(self) -> bool:
        """Whether its chunks are whole files."""
        return self.mappers[0].whole_files

    @property
    def mapper_name(self) -> str:
        """The names of the mappers, for messages."""
        return " and ".join(mapper.__name__ for mapper in self.mappers)

    def make_mapper(self) -> Mapper:
        """Return a new mapper, for one task."""
        members = [self._made(mapper) for mapper in self.mappers]
        return members[0] if len(members) == 1 else Chain(members)

    def make_reducer(self) -> Reducer:
        """Return a new reducer, for one task."""
        return self._made(self.reducer)

    def _made(self, cls: type[_Made]) -> _Made:
        made = cls()
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
    elif first and mapper.map is Mapper.map and mapper.map_chunk is Mapper.map_chunk:
        message = f"{where}: mapper {mapper.__name__} lacks a method map(self, line)"
        raise JobLoadError(message)
    elif not first and mapper.map_pair is Mapper.map_pair and mapper.map_pairs is Mapper.map_pairs:
        message = f"{where}: mapper {mapper.__name__} lacks a method map_pair(self, key, value)"
        raise JobLoadError(message)


def _check_class(role: str, cls: object, base: type, where: str) -> None:
    if cls is None:
        return
    if not (isinstance(cls, type) and issubclass(cls, base)):
        message = f"{where}: {role} must be a subclass of {base.__name__}, found {cls!r}"
        raise JobLoadError(message)
    if missing := missing_arguments(cls):
        message = f"{where}: {role} {cls.__name__} is made anew in each task, without arguments: {missing}"
        raise JobLoadError(message)
    for name in sorted(getattr(cls, "__abstractmethods__", ())):
        arguments = ", ".join(inspect.signature(getattr(cls, name)).parameters)
        message = f"{where}: {role} {cls.__name__} lacks a method {name}({arguments})"
        raise JobLoadError(message)
