"""Gathering: how the pairs of a chunk become groups: natively where that comes to the same, else as the reducer says.

What is gathered of a key, :meth:`Reducer.gather` defines. The native kernel does the same for pairs that are plain, of
which nearly all pairs are, without a call of Python a pair; all others it hands back, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from word_counter.errors import EncodingError
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.job.reducers import Count, Max, Min, Sum
from word_counter.native.kernel import native
from word_counter.shuffle.partitioning import PLAIN_PARTS, canonical, shown

#: What the native kernel calls a way to gather.
_WAYS: dict[Callable[..., None], str] = {
    Reducer.gather: "list",
    Sum.gather: "sum",
    Count.gather: "count",
    Min.gather: "min",
    Max.gather: "max",
}


def gather(reducer: Reducer, yielded: Iterable[Any] | None, into: dict[GroupKey, Any]) -> None:
    """Add what a mapper gave to ``into``: pairs, a dict of them, or nothing.

    Raises:
        EncodingError: something in it is no pair, or a key is not one that JSON can hold.
        Exception: whatever iterating raises, and what the reducer raises about a value.
    """
    if isinstance(yielded, dict):
        if reducer.take(yielded, into):
            return
        yielded = yielded.items()
    kernel, way = native(), _WAYS.get(type(reducer).gather)
    if kernel is None or way is None:
        reducer.gather(_checked(yielded or ()), into, _remembering())
    else:
        kernel.gather(
            way, yielded or (), into, canonical, lambda pair: reducer.gather(_checked((pair,)), into, canonical)
        )


def _checked(yielded: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Pass pairs on; a text of two characters is none, though it could be unpacked as one."""
    for pair in yielded:
        if not (isinstance(pair, tuple | list) and len(pair) == 2):  # noqa: PLR2004 (a pair)
            message = f"{shown(pair)} is not a (key, value) pair"
            raise EncodingError(message)
        yield pair  # type: ignore[misc]


def _remembering() -> Callable[[Any], GroupKey]:
    """Return :func:`canonical` with a memory for tuples whose text tells no more than ``==``: not (1,), (1.0,)."""
    groups: dict[Any, GroupKey] = {}

    def group_of(key: Any) -> GroupKey:
        if key.__class__ is not tuple or not PLAIN_PARTS.issuperset(map(type, key)):
            return canonical(key)
        group = groups.get(key)
        if group is None:
            group = groups[key] = canonical(key)
        return group

    return group_of
