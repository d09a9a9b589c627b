"""Reducer: what becomes of all the values of one key, and the ready-made ones.

A reducer that also defines ``combine`` is used on the map side too, so that a chunk sends one value a key
instead of one a record. ``combine`` must give the same kind of value that it takes, and its result must not
depend on how the values were grouped. :class:`Sum`, :class:`Count`, :class:`Min`, :class:`Max`,
:class:`Mean`, :class:`Unique` and :class:`TopN` combine exactly; sums of floats too (see :class:`Sum`).
"""

from __future__ import annotations

import heapq
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, ClassVar

Key = Any
Value = Any
#: A key as the shuffle groups it: a string as it is, any other key as the bytes of its compact JSON text.
GroupKey = str | bytes
#: Turns a key that is not a plain string into its :data:`GroupKey`, or raises.
Canonical = Callable[[Any], GroupKey]


class Reducer(ABC):
    """Turns all values of a key into one result. A user writes :meth:`reduce` and nothing else.

    The values arrive in the order of the input: source by source, line by line. Optional methods:
    ``setup()`` before the first key of a task, ``close()`` after the last, and ``combine(key, values)``,
    which folds some of a key's values into one value of the same kind, on the map side.
    """

    #: Folds some values of a key into one; None when there is nothing to gain, which is the default.
    combine: ClassVar[Callable[[Any, Key, Sequence[Value]], Value] | None] = None
    #: What :meth:`count` added up in this task, by name.
    counters: dict[str, int]

    @abstractmethod
    def reduce(self, key: Key, values: Iterable[Value]) -> Value:
        """Return the result of ``key``, anything that JSON can hold; ``values`` is read once, in input order."""

    def setup(self) -> None:
        """Prepare for a task; called once before its first key."""

    def close(self) -> None:
        """Let go of what :meth:`setup` took; called once after the last key of a task."""

    def count(self, name: str, n: int = 1) -> None:
        """Add ``n`` to the job's counter ``name``; exact, however often a task is tried."""
        counters = self.__dict__.setdefault("counters", {})
        counters[name] = counters.get(name, 0) + n

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        """Add the pairs of a chunk to ``into``: the list of values of each key, in their order."""
        get = into.get
        for key, value in pairs:
            if key.__class__ is not str:
                key = canonical(key)  # noqa: PLW2901 (one name a key: this loop is the hot path)
            values = get(key)
            if values is None:
                into[key] = [value]
            else:
                values.append(value)

    @property
    def folds(self) -> bool:
        """Whether a key travels as one folded value, rather than as the list of its values."""
        return self.combine is not None

    def condense(self, key: Key, gathered: Any) -> Any:
        """Turn what :meth:`gather` built for a key into what travels: one value when folding, else the list."""
        return gathered if self.combine is None else self.combine(key, gathered)

    def refold(self, key: Key, travelled: Sequence[Value]) -> Value:
        """Fold travelled values of a key into one that may travel on in their place; only when :attr:`folds`."""
        if self.combine is None:
            message = f"{type(self).__name__} does not combine"
            raise TypeError(message)
        return self.combine(key, travelled)

    def conclude(self, key: Key, values: Sequence[Value]) -> Value:
        """Return the result of a key from all values that travelled."""
        return self.reduce(key, values)


class _Folding(Reducer):
    """A ready-made reducer whose values fold one by one into a state a key, without a call a pair.

    What travels for a key is its state; :meth:`merge` folds states, :meth:`finish` ends. A subclass that
    writes its own ``reduce`` gets the plain lists of values, as any other reducer.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "reduce" in cls.__dict__:
            for name in ("folds", "gather", "condense", "refold", "conclude"):
                setattr(cls, name, getattr(Reducer, name))

    @abstractmethod
    def merge(self, states: Iterable[Any]) -> Any:
        """Fold states that travelled into one, of the kind that :meth:`pack` makes travel."""

    def finish(self, state: Any) -> Value:
        """Return the result that a key's last state stands for."""
        return state

    def pack(self, state: Any) -> Any:
        """Return ``state`` as JSON can hold it."""
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

    def refold(self, key: Key, travelled: Sequence[Value]) -> Value:  # noqa: ARG002
        return self.pack(self.merge(travelled))

    def conclude(self, key: Key, values: Sequence[Value]) -> Value:  # noqa: ARG002
        return self.finish(self.merge(values))


def _number(key: Any, value: Any, who: str) -> int | float:
    if value.__class__ is int or value.__class__ is float:
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    message = f"{who} takes numbers, but the value of key {key!r} is {value!r} ({type(value).__name__})"
    raise TypeError(message)


class _ExactSum:
    """A sum of ints and floats without rounding, so that no grouping of the values can change it.

    Floats are kept as non-overlapping partial sums (J. R. Shewchuk, "Adaptive Precision Floating-Point
    Arithmetic", 1997, as in ``math.fsum``); a float's partials print and read back exactly in JSON.
    """

    __slots__ = ("partials", "whole")

    def __init__(self, whole: int = 0, partials: Iterable[float] = ()) -> None:
        self.whole = whole
        self.partials = list(partials)

    def add(self, x: float) -> None:
        if x != x or x in (float("inf"), float("-inf")):
            message = f"Sum takes finite numbers, not {x!r}"
            raise ValueError(message)
        partials = self.partials
        i = 0
        for y in partials:
            if abs(x) < abs(y):
                x, y = y, x  # noqa: PLW2901 (the algorithm swaps them)
            high = x + y
            low = y - (high - x)
            if low:
                partials[i] = low
                i += 1
            x = high
        partials[i:] = [x]
        if x in (float("inf"), float("-inf")):
            message = "the sum of these floats is larger than a float can hold"
            raise OverflowError(message)

    def state(self) -> Any:
        return {"int": self.whole, "floats": self.partials}

    def value(self) -> float:
        return float(self.whole + sum(map(Fraction, self.partials)))


def _add(total: Any, value: Any) -> Any:
    """Add a number or a travelled state to a running total: an int as long as all were ints."""
    if value.__class__ is int:
        if total.__class__ is int:
            return total + value
        total.whole += value
        return total
    if total.__class__ is int:
        total = _ExactSum(total)
    if isinstance(value, dict):
        total.whole += value["int"]
        for x in value["floats"]:
            total.add(x)
    else:
        total.add(value)
    return total


def _state(total: Any) -> Any:
    return total if total.__class__ is int else total.state()


class Sum(_Folding):
    """The sum of a key's numbers. Exact for ints; for floats correctly rounded once, at the end, so that the
    result does not depend on chunks or workers (an ordinary float sum would).
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
                into[key] = _add(total, _number(key, value, "Sum"))

    def pack(self, state: Any) -> Any:
        return _state(state)

    def merge(self, states: Iterable[Any]) -> Any:
        total: Any = 0
        for state in states:
            total = _add(total, state)
        return total

    def finish(self, state: Any) -> Value:
        return state if state.__class__ is int else state.value()


class Count(_Folding):
    """How many values a key has, whatever they are."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        get = into.get
        for key, _ in pairs:
            if key.__class__ is not str:
                key = canonical(key)  # noqa: PLW2901 (as above)
            into[key] = get(key, 0) + 1

    def merge(self, states: Iterable[Any]) -> Any:
        return sum(states)


def _order(value: Any) -> tuple[int, Any, str]:
    """A total order over JSON values, so that Min, Max, Collect and TopN never depend on arrival.

    null < booleans < numbers < strings < everything else by its JSON text; equal numbers by their text.
    """
    text = "" if value.__class__ is str else json.dumps(value, sort_keys=True)
    if value is None:
        return (0, 0, text)
    if isinstance(value, bool):
        return (1, int(value), text)
    if isinstance(value, int | float):
        return (2, value, text)
    if isinstance(value, str):
        return (3, value, text)
    return (4, text, text)


class Min(_Folding):
    """The smallest value of a key: null < booleans < numbers < strings < the rest by its JSON text."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        _gather_extreme(pairs, into, canonical, keep_first=lambda old, new: _order(old) <= _order(new), sign=1)

    def merge(self, states: Iterable[Any]) -> Any:
        return min(states, key=_order)


class Max(_Folding):
    """The largest value of a key, in the order of :class:`Min`."""

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        _gather_extreme(pairs, into, canonical, keep_first=lambda old, new: _order(old) >= _order(new), sign=-1)

    def merge(self, states: Iterable[Any]) -> Any:
        return max(states, key=_order)


def _gather_extreme(
    pairs: Iterable[tuple[Key, Value]],
    into: dict[GroupKey, Any],
    canonical: Canonical,
    *,
    keep_first: Callable[[Any, Any], bool],
    sign: int,
) -> None:
    """Keep the extreme value of each key; ints, by far the usual case, are compared without a call."""
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
            into[group] = _add(total, _number(key, value, "Mean")), n + 1

    def pack(self, state: Any) -> Any:
        return {"sum": _state(state[0]), "count": state[1]}

    def merge(self, states: Iterable[Any]) -> Any:
        total: Any = 0
        n = 0
        for state in states:
            total = _add(total, state["sum"])
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
            into.setdefault(group, {}).setdefault(_order(value), value)

    def pack(self, state: Any) -> Any:
        return [state[order] for order in sorted(state)]

    def merge(self, states: Iterable[Any]) -> Any:
        return {_order(value): value for state in states for value in state}

    def finish(self, state: Any) -> Value:
        return self.pack(state)


class Collect(Reducer):
    """All values of a key, repeats too, as a sorted list (in the order of :class:`Min`)."""

    def reduce(self, key: Key, values: Iterable[Value]) -> Value:  # noqa: ARG002 (the contract's signature)
        return sorted(values, key=_order)


class TopN(_Folding):
    """The ``n`` largest values of a key, largest first (in the order of :class:`Min`). ``n`` is 10; subclass to change it."""

    n: ClassVar[int] = 10

    def gather(self, pairs: Iterable[tuple[Key, Value]], into: dict[GroupKey, Any], canonical: Canonical) -> None:
        for key, value in pairs:
            group = key if key.__class__ is str else canonical(key)
            best = into.setdefault(group, [])
            best.append(value)
            if len(best) >= 4 * self.n + 64:
                best[:] = self._largest(best)

    def _largest(self, values: Iterable[Value]) -> list[Value]:
        return heapq.nlargest(self.n, values, key=_order)

    def pack(self, state: Any) -> Any:
        return self._largest(state)

    def merge(self, states: Iterable[Any]) -> Any:
        return self._largest(value for state in states for value in state)
