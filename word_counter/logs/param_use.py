"""Which params a mapper of log lines reads, as its methods tell: those of the methods of LogMapper that it calls."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType


def own_calls(cls: type, base: type) -> set[str]:
    """Return the names that the methods of a class, or of one between it and its base, look up in ``self``."""
    between = cls.__mro__[: cls.__mro__.index(base)]
    codes = (getattr(member, "__code__", None) for part in between for member in vars(part).values())
    return {name for code in codes if code is not None for name in _looked_up(code, code.co_varnames[:1])}


def _looked_up(code: CodeType, itself: tuple[str, ...]) -> Iterator[str]:
    """Yield the attributes of a function's first argument that its code names, and the code inside it."""
    for before, step in pairwise(dis.get_instructions(code)):
        if step.opname in {"LOAD_ATTR", "LOAD_METHOD"} and before.argval in itself:
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _looked_up(inner, itself)
