"""Reducer: turns all values of a key into a result. The ready-made ones are in :mod:`word_counter.job.reducers`.

A reducer that also defines ``combine`` is used on the map side too. Then a chunk sends one *intermediate value* for a
key, and otherwise the list of all its values. ``combine`` must return the same kind of value that it takes, and its
result must not depend on how the values were grouped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from word_counter.job.model import Surroundings
    from word_counter.job.side_file import SideFile

Key = Any
Value = Any
#: A key in the form by which the shuffle groups: a string, or for any other key the bytes of its compact JSON text.
GroupKey = str | bytes
#: Turns a key that is not a plain string into its :data:`GroupKey`, or raises.
Canonical = Callable[[Any], GroupKey]
#: Turns a :data:`GroupKey` back into its key.
Restore = Callable[[GroupKey], Key]
#: What :meth:`Reducer.reduce` returns for a key that should not be in the results.
LEFT_OUT: Final[Any] = object()


class Reducer(ABC):
    """Turns all values of a key into one result. A user writes :meth:`reduce` and nothing else.

    The values arrive in the order of the input: source by source, line by line. Optional methods:
    ``setup()`` before the first key of a task, ``close()`` after the last, and ``combine(key, values)``,
    which folds some of a key's values into one value of the same kind, on the map side.
    """

    #: Folds some values of a key into one; None, the default: nothing is combined.
    combine: ClassVar[Callable[[Any, Key, Sequence[Value]], Value] | None] = None
    #: What :meth:`count` added up in this task, by name.
    counters: dict[str, int]
    #: The values of the job's params, by name.
    params: Mapping[str, Any] = MappingProxyType({})
    #: The job's side files, by name.
    files: Mapping[str, SideFile] = MappingProxyType({})
    #: What the task runs in; None: it was made for no task.
    surroundings: Surroundings | None = None
    #: What a key's values are sorted by before they are reduced (a secondary sort); None: they come in input order.
    order: ClassVar[Callable[[Any, Value], Any] | None] = None
    #: Whether the result is meant to depend on the order of the input, so that ``word-counter check`` allows it.
    in_input_order: ClassVar[bool] = False

    @abstractmethod
    def reduce(self, key: Key, values: Iterable[Value]) -> Value:
        """Return the result of ``key``, anything that JSON can hold; ``values`` is read once, in input order.

        When values are many and the shuffle goes through files, they are not a list: see
        :mod:`word_counter.shuffle.value_stream`.
        Return :data:`LEFT_OUT` to leave the key out of the results.
        """

    def setup(self) -> None:
        """Prepare for a task; called once before its first key."""

    def close(self) -> None:
        """Release what :meth:`setup` opened; called once after the last key of a task."""

    def last_results(self) -> Iterable[tuple[Key, Value]]:
        """Yield further results after those of all keys of a task. Their keys must be larger than these."""
        return ()

    def count(self, name: str, n: int = 1) -> None:
        """Add ``n`` to the job's counter ``name``. The total is exact, however often a task is tried."""
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

    def take(self, pairs: dict[Any, Any], into: dict[GroupKey, Any]) -> bool:  # noqa: ARG002 (for those who can)
        """Add a whole dict of pairs to ``into``, where that gives the same result; return whether it was done."""
        return False

    @property
    def folds(self) -> bool:
        """Whether the intermediate value of a key is one combined value, not the list of its values."""
        return self.combine is not None

    def condense(self, key: Key, gathered: Any) -> Any:
        """Turn what :meth:`gather` built for a key into its intermediate value: one value when folding, else a list."""
        return gathered if self.combine is None else self.combine(key, gathered)

    def condense_all(self, groups: dict[GroupKey, Any], restore: Restore) -> dict[GroupKey, Any]:
        """Return the intermediate value of each gathered key; may be ``groups`` itself."""
        return {group: self.condense(restore(group), gathered) for group, gathered in groups.items()}

    def refold(self, key: Key, values: Sequence[Value]) -> Value:
        """Combine intermediate values of a key into one intermediate value; only when :attr:`folds`."""
        if self.combine is None:
            message = f"{type(self).__name__} does not combine"
            raise TypeError(message)
        return self.combine(key, values)

    def conclude(self, key: Key, values: Sequence[Value]) -> Value:
        """Return the result of a key from all of its intermediate values."""
        if self.order is not None:
            arranged = getattr(values, "arranged", None)  # of values that are too many for a list
            values = sorted(values, key=self.order) if arranged is None else arranged(self.order)
        return self.reduce(key, values)
