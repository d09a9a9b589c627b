"""The ready-made reducers: Sum, Count, Min, Max, Mean, Unique, Collect, Values and TopN.

All but Collect and Values combine on the map side. Each gives the same result however its values were grouped.
"""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from word_counter.job.json_order import conversion_of, order_of
from word_counter.job.reducer import Canonical, GroupKey, Key, Reducer, Restore, Value
from word_counter.native.exact_sum import add, pack

#: The methods that the ready-made reducers override.
_FOLDING = frozenset({"folds", "gather", "take", "condense", "condense_all", "refold", "conclude"})
#: Sets of types to compare with.
_TEXTS, _INTS = {str}, {int}


class _Folding(Reducer):
    """A ready-made reducer that folds the values of a key into a state, without a Python call for each pair.

    The intermediate value of a key is its state. :meth:`merge` merges states, :meth:`finish` turns the last one into
    the result. A subclass that writes its own ``reduce`` gets plain lists of values, like any other reducer.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.reduce is not _Folding.reduce:  # its own, or that of a mixin
            for name in _FOLDING - cls.__dict__.keys():
                setattr(cls, name, getattr(Reducer, name))

    @abstractmethod
    def merge(self, states: Iterable[Any]) -> Any:
        """Merge packed states into one state, which :meth:`pack` can pack again."""

    def finish(self, state: Any) -> Value:
        """Return the result of a key from its last state."""
        return state

    def pack(self, state: Any) -> Any:
        """Return ``state`` in a form that JSON can hold."""
        return state

    def reduce(self, key: Key, values: Iterable[Value]) -> Value:  # noqa: ARG002 (the contract's signature)
        into: dict[GroupKey, Any] = {}
        self.gather((("", value) for value in values), into, str)
        return self.finish(self.merge([self.pack(state) for state in into.values()]))

    @property
    def folds(self) -> bool:
        return True

    def condense(self, key: Key, gathered: Any) -> Any:  # noqa: ARG002
        return self.pack(gathered)

    def refold(self, key: Key, values: Sequence[Value]) -> Value:  # noqa: ARG002
        return self.pack(self.merge(values))

    def conclude(self, key: Key, values: Sequence[Value]) -> Value:  # noqa: ARG002
        return self.finish(self.merge(values))


def _number(key: Any, value: Any, who: str) -> int | float:
    if value.__class__ is int or value.__class__ is float:
        return value
    if isinstance(value, int):  # a bool, or a member of an IntEnum
        return int(value)
    if isinstance(value, float):
        return float(value)
    message = f"{who} takes numbers, but the value of key {key!r} is {value!r} ({type(value).__name__})"
    message += conversion_of(value)
    raise TypeError(message)


class Sum(_Folding):
    """The sum of a key's numbers.

    Exact for ints; for floats correctly rounded once, at the end, so that the result does not depend on chunks
    or workers (an ordinary float sum would).
    """

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        get = into.get
        for key, value in pairs:
            if key.__class__ is not str:
                key = canonical(key)  # noqa: PLW2901 (as above)
            total = get(key, 0)
            if value.__class__ is int and total.__class__ is int:
                into[key] = total + value
            else:
                into[key] = add(total, _number(key, value, "Sum"))

    def take(self, pairs: dict[Any, Any], into: dict[GroupKey, Any]) -> bool:
        # A dict of whole numbers is already what gather would build: only the types need a check.
        whole = not into and _TEXTS.issuperset(map(type, pairs)) and _INTS.issuperset(map(type, pairs.values()))
        if whole:
            into.update(pairs)
        return whole

    def condense_all(self, groups: dict[GroupKey, Any], restore: Restore) -> dict[GroupKey, Any]:
        return groups if _INTS.issuperset(map(type, groups.values())) else super().condense_all(groups, restore)

    def pack(self, state: Any) -> Any:
        return pack(state)

    def merge(self, states: Iterable[Any]) -> Any:
        total: Any = 0
        for state in states:
            total = add(total, state)
        return total

    def finish(self, state: Any) -> Value:
        return state if state.__class__ is int else state.value()


class Count(_Folding):
    """The number of values of a key."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        get = into.get
        for key, _ in pairs:
            if key.__class__ is not str:
                key = canonical(key)  # noqa: PLW2901 (as above)
            into[key] = get(key, 0) + 1

    def merge(self, states: Iterable[Any]) -> Any:
        return sum(states)


class Min(_Folding):
    """The smallest value of a key: null < booleans < numbers < strings < lists, item by item < objects."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        _gather_extreme(pairs, into, canonical, keep_first=lambda old, new: order_of(old) <= order_of(new), sign=1)

    def merge(self, states: Iterable[Any]) -> Any:
        return min(states, key=order_of)


class Max(_Folding):
    """The largest value of a key, in the order of :class:`Min`."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        _gather_extreme(pairs, into, canonical, keep_first=lambda old, new: order_of(old) >= order_of(new), sign=-1)

    def merge(self, states: Iterable[Any]) -> Any:
        return max(states, key=order_of)


def _gather_extreme(
    pairs: Iterable[tuple[Key, Value]],
    into: dict[GroupKey, Any],
    canonical: Canonical,
    *,
    keep_first: Callable[[Any, Any], bool],
    sign: int,
) -> None:
    """Keep the extreme value of each key. Ints, by far the usual case, are compared without a call."""
    missing = object()
    get = into.get
    for key, value in pairs:
        if key.__class__ is not str:
            key = canonical(key)  # noqa: PLW2901 (as above)
        old = get(key, missing)
        if old is missing:
            into[key] = value
        elif old.__class__ is int and value.__class__ is int:
            if (value - old) * sign < 0:
                into[key] = value
        elif not keep_first(old, value):
            into[key] = value


class Mean(_Folding):
    """The arithmetic mean of a key's numbers, computed from the exact sum and the count."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        for key, value in pairs:
            group = key if key.__class__ is str else canonical(key)
            total, n = into.get(group, (0, 0))
            into[group] = add(total, _number(key, value, "Mean")), n + 1

    def pack(self, state: Any) -> Any:
        return {"sum": pack(state[0]), "count": state[1]}

    def merge(self, states: Iterable[Any]) -> Any:
        total: Any = 0
        n = 0
        for state in states:
            total = add(total, state["sum"])
            n += state["count"]
        return total, n

    def finish(self, state: Any) -> Value:
        total, n = state
        exact = Fraction(total) if total.__class__ is int else total.whole + sum(map(Fraction, total.partials))
        return float(exact / n)


class Unique(_Folding):
    """The distinct values of a key, as a sorted list (in the order of :class:`Min`)."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        for key, value in pairs:
            group = key if key.__class__ is str else canonical(key)
            into.setdefault(group, {}).setdefault(order_of(value), value)

    def pack(self, state: Any) -> Any:
        return [state[order] for order in sorted(state)]

    def merge(self, states: Iterable[Any]) -> Any:
        return {order_of(value): value for state in states for value in state}

    def finish(self, state: Any) -> Value:
        return self.pack(state)


class Collect(Reducer):
    """All values of a key, repeats too, as a sorted list (in the order of :class:`Min`)."""

    def reduce(self, key: Key, values: Iterable[Value]) -> Value:  # noqa: ARG002 (the contract's signature)
        return sorted(values, key=order_of)


class Values(Reducer):
    """All values of a key as a list, in the order of the input."""

    in_input_order = True

    def reduce(self, key: Key, values: Iterable[Value]) -> Value:  # noqa: ARG002 (the contract's signature)
        return list(values)


class TopN(_Folding):
    """The ``n`` largest values of a key, largest first, in the order of :class:`Min`.

    Subclass it to change ``n``, or to set ``self.n`` in ``setup``.
    """

    n: int = 10

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        for key, value in pairs:
            group = key if key.__class__ is str else canonical(key)
            best = into.setdefault(group, [])
            best.append(value)
            if len(best) >= 4 * self.n + 64:
                best[:] = self._largest(best)

    def _largest(self, values: Iterable[Value]) -> list[Value]:
        return heapq.nlargest(self.n, values, key=order_of)

    def pack(self, state: Any) -> Any:
        return self._largest(state)

    def merge(self, states: Iterable[Any]) -> Any:
        return self._largest(value for state in states for value in state)
