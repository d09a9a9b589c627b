"""Which params a mapper of log lines reads, as its methods tell: those of the methods of LogMapper that it calls."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from types import CodeType
from typing import Any


def own_calls(cls: type, base: type) -> set[str]:
    """Return the names that the methods of a class, or of one between it and its base, look up in ``self``."""
    between = cls.__mro__[: cls.__mro__.index(base)]
    members = (member for part in between for member in vars(part).values())
    codes = (getattr(function, "__code__", None) for member in members for function in _functions(member))
    return {name for code in codes if code is not None for name in _looked_up(code, code.co_varnames[:1])}


def _functions(member: Any) -> list[Any]:
    """Return the functions that a member of a class is made of: a property has up to three."""
    if isinstance(member, property):
        return [member.fget, member.fset, member.fdel]
    if isinstance(member, cached_property):
        return [member.func]
    return [getattr(member, "__func__", member)]  # of a class method or a static method


def _looked_up(code: CodeType, itself: tuple[str, ...]) -> Iterator[str]:
    """Yield the attributes of a function's first argument that its code names, and the code inside it."""
    for before, step in pairwise(dis.get_instructions(code)):
        # From 3.13 on one step may load two variables; the last of them is the one that is asked.
        loaded = before.argval[-1] if isinstance(before.argval, tuple) else before.argval
        if step.opname in {"LOAD_ATTR", "LOAD_METHOD"} and loaded in itself:
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _looked_up(inner, itself)
