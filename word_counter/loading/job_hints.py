"""Hints: what a job says that it can hardly mean. They are warnings: the job runs all the same."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from word_counter.job.job import Job
from word_counter.job.mapper import Mapper
from word_counter.job.reducer import Reducer
from word_counter.job.step import JOB_NAMES, MAPPER_NAMES, REDUCER_NAMES, misspelt, own_names
from word_counter.settings.config import SETTING_NAMES

#: Functions whose code says in another way what they give.
_OTHER_KINDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def hints(job: Job) -> list[str]:
    """Return a sentence for each thing in a job's classes that is likely a slip: what it is, and what was meant."""
    found = [*_of_job(job)]
    for number, phase in enumerate(job.phases()):
        for place, mapper in enumerate(phase.mappers):
            found += _of_mapper(mapper, first=number == place == 0)
        found += _of_reducer(phase.reducer)
    return list(dict.fromkeys(found))


def _of_job(job: Job) -> Iterator[str]:
    cls = type(job)
    for name, meant in misspelt(cls, JOB_NAMES):
        yield f"job {cls.__name__} has {name}, which nothing reads; did you mean {meant}?"
    for name in sorted(name for name in own_names(cls).keys() & SETTING_NAMES if not hasattr(Job, name)):
        yield f'job {cls.__name__} has {name}, which nothing reads there; it is a setting: settings = {{"{name}": ...}}'


def _of_mapper(cls: type[Mapper], *, first: bool) -> Iterator[str]:
    for name, meant in misspelt(cls, MAPPER_NAMES):
        yield f"mapper {cls.__name__} has {name}, which nothing calls or reads; did you mean {meant}?"
    one, many = ("map", "map_chunk") if first else ("map_pair", "map_pairs")
    method = many if getattr(cls, many) is not getattr(Mapper, many) else one
    function = getattr(cls, method)
    counts = "count" in getattr(getattr(function, "__code__", None), "co_names", ())
    if gives_nothing(function) and not counts and cls.close is Mapper.close:
        yield f"mapper {cls.__name__}: {method} has no yield, and so gives no pairs; write: yield key, value"


def _of_reducer(cls: type[Reducer]) -> Iterator[str]:
    for name, meant in misspelt(cls, REDUCER_NAMES):
        yield f"reducer {cls.__name__} has {name}, which nothing calls or reads; did you mean {meant}?"
    for method in ("reduce", "combine"):
        if gives_nothing(getattr(cls, method)):
            yield f"reducer {cls.__name__}: {method} returns nothing, and so every result is null; write: return value"


def gives_nothing(function: Any) -> bool:
    """Return whether a function has neither a yield nor a return of anything but None, as its code shows."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & _OTHER_KINDS or function.__module__.startswith("word_counter."):
        return False
    from dis import get_instructions

    returns = False
    before = None
    for instruction in get_instructions(code):
        if instruction.opname == "RETURN_VALUE":
            if before is None or before.opname != "LOAD_CONST" or before.argval is not None:
                return False
            returns = True
        elif instruction.opname == "RETURN_CONST":
            if instruction.argval is not None:
                return False
            returns = True
        before = instruction
    return returns
