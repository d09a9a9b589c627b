"""Native sums: the native kernel adds up the partials of a partition, when all that the reducer does is add.

The reducer defines the result of a key. The native kernel gives the same for partials whose keys are strings and whose
values are whole numbers, as nearly all that are summed or counted are. At the first partial of another kind it stops,
and its sums so far are treated like any other groups.
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

#: The methods by which a reducer adds up. A subclass may have overridden any of them.
_ADDING = ("folds", "merge", "finish", "refold", "conclude", "last_results")
#: The reducers that add up.
_ADDERS = (Sum, Count)


def adds_up(reducer: Reducer) -> bool:
    """Whether a reducer only adds whole numbers up."""
    cls = type(reducer)
    return any(all(getattr(cls, name) is getattr(adder, name) for name in _ADDING) for adder in _ADDERS)


def sums_of(reducer: Reducer, partials: Iterable[str | bytes]) -> tuple[Sums | None, Iterator[str | bytes]]:
    """Return the sums of the partials that can be added up natively, and an iterator of all other partials.

    The sums are None where there is no native kernel, or the reducer does something else.
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
