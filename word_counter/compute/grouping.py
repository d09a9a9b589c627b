"""Grouping: gathers the pairs of a chunk by key, in the native kernel where that gives the same result.

:meth:`Reducer.gather` defines what is gathered for a key. For plain pairs, which nearly all are, the native kernel does
the same without a Python call for each pair. It hands all other pairs back one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from word_counter.errors import EncodingError
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.job.reducers import Count, Max, Min, Sum
from word_counter.native.kernel import native
from word_counter.shuffle.partitioning import PLAIN_PARTS, canonical, shown

#: The native kernel's name for each way to gather.
_WAYS: dict[Callable[..., None], str] = {
    Reducer.gather: "list",
    Sum.gather: "sum",
    Count.gather: "count",
    Min.gather: "min",
    Max.gather: "max",
}


def gather(reducer: Reducer, yielded: Iterable[Any] | None, into: dict[GroupKey, Any]) -> None:
    """Add what a mapper yielded to ``into``: pairs, a dict of them, or nothing.

    Raises:
        EncodingError: it yielded something that is not a pair, or a key that JSON cannot hold.
        Exception: any error of the mapper, and any error of the reducer about a value.
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
    """Check pairs and pass them on. A text of two characters is not a pair, though it could be unpacked as one."""
    for pair in yielded:
        if not (isinstance(pair, tuple | list) and len(pair) == 2):  # noqa: PLR2004 (a pair)
            message = f"{shown(pair)} is not a (key, value) pair; a mapper gives pairs: yield key, value"
            raise EncodingError(message)
        yield pair  # type: ignore[misc]


def _remembering() -> Callable[[Any], GroupKey]:
    """Return :func:`canonical` with a cache for tuples that have one text if they are equal: not (1,) and (1.0,)."""
    groups: dict[Any, GroupKey] = {}

    def group_of(key: Any) -> GroupKey:
        if key.__class__ is not tuple or not PLAIN_PARTS.issuperset(map(type, key)):
            return canonical(key)
        group = groups.get(key)
        if group is None:
            group = groups[key] = canonical(key)
        return group

    return group_of
