"""Summing: how the partials of a partition are added up natively, where the reducer does nothing but add up.

What a key comes to, the reducer defines. The native kernel comes to the same for partials whose keys are text and whose
values are whole numbers, as nearly all that are summed or counted are. With the first one of another kind it is over:
what was added up so far goes on as any other groups do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from word_counter.job.reducer import Reducer
from word_counter.job.reducers import Count, Sum
from word_counter.native.kernel import native

if TYPE_CHECKING:
    from word_counter.native._kernel import Sums

#: What makes a reducer one that adds up. A subclass may have changed any of it.
_ADDING = ("folds", "merge", "finish", "refold", "conclude", "last_results")
#: The reducers that add up.
_ADDERS = (Sum, Count)


def adds_up(reducer: Reducer) -> bool:
    """Whether all that a reducer does with whole numbers is to add them up."""
    cls = type(reducer)
    return any(all(getattr(cls, name) is getattr(adder, name) for name in _ADDING) for adder in _ADDERS)


def sums_of(reducer: Reducer, partials: Iterable[str | bytes]) -> tuple[Sums | None, Iterator[str | bytes]]:
    """Return the sums of partials as far as they can be added up natively, and an iterator of all other partials.

    None stands for no sums, where there is no native kernel, or the reducer does something else.
    """
    rest = iter(partials)
    kernel = native()
    if kernel is None or not adds_up(reducer):
        return None, rest
    sums: Sums = kernel.Sums()
    for partial in rest:
        if not sums.add(partial):
            return sums, chain((partial,), rest)
    return sums, rest
