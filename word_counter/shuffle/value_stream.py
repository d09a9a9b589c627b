"""Value stream: what a reducer gets for a key that has too many values for a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from word_counter.errors import ShuffleError
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.settings.user_folders import room_for
from word_counter.shuffle.external_sort import sorted_on_disk
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.partitioning import restore, shown
from word_counter.shuffle.run_format import RunEntry, sort_key

#: Up to so many values of a key, and so many bytes of JSON, come as a list. More are streamed.
LISTED_VALUES = 10_000
LISTED_BYTES = 1024 * 1024
#: How many intermediate values of a key are combined at a time.
_FOLDED_AT_ONCE = 1_000
_value = itemgetter(2)
_value_and_size = itemgetter(2, 3)


class ValueStream:
    """The values of one key, in the order of the input. They can be read once."""

    def __init__(self, key: Any, parts: Iterable[list[Any]]) -> None:
        self._key = key
        self._values = chain.from_iterable(self._counted(parts))
        self._taken = False
        #: How many values were read.
        self.read = 0
        #: The error while reading them. User code may have caught it, but the values are incomplete all the same.
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._taken:
            raise self._cannot("be read twice")
        self._taken = True
        return self._each()

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        raise self._cannot("tell their number before they are read")

    def __getitem__(self, index: Any) -> Any:
        raise self._cannot("be indexed")

    def _cannot(self, what: str) -> TypeError:
        return TypeError(
            f"the key {shown(self._key)} has more than {LISTED_VALUES:,} values, or {LISTED_BYTES:,} bytes of them: "
            f"they are streamed, and cannot {what}; read them once, in a loop"
        )

    def _each(self) -> Iterator[Any]:
        try:
            yield from self._values
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise

    def _counted(self, parts: Iterable[list[Any]]) -> Iterator[list[Any]]:
        for part in parts:
            self.read += len(part)
            yield part

    def finish(self) -> None:
        """Read the rest of the values, so that the next key can follow; raise the error of reading them if any."""
        self._taken = True
        for _ in self._each() if self.error is None else ():
            pass
        if self.error is not None:
            raise self.error

    def arranged(self, order: Callable[[Any], Any]) -> Iterator[Any]:
        """Return the values in another order, sorted on disk; equal ones stay in the order of the input."""
        return sorted_on_disk(iter(self), order, room_for("sort the values of a key", ShuffleError))


def concluding(reducer: Reducer, entries: Iterable[RunEntry], skew: KeySkew) -> Iterator[tuple[GroupKey, Any]]:
    """Yield each key of sorted entries with all of its intermediate values, combined where the reducer folds.

    A key with many values comes with a :class:`ValueStream`, which ends when the next key comes.
    """
    conclude = _folded if reducer.folds else _listed
    for (text, kind), same in groupby(entries, sort_key):
        group = text.encode() if kind else text
        yield from conclude(reducer, group, same, skew)


def _listed(
    reducer: Reducer,  # noqa: ARG001 (the same signature as for reducers that fold)
    group: GroupKey,
    entries: Iterator[RunEntry],
    skew: KeySkew,
) -> Iterator[tuple[GroupKey, Any]]:
    begin: list[Any] = []
    size = 0
    for part, part_size in map(_value_and_size, entries):
        begin += part
        size += part_size
        if len(begin) > LISTED_VALUES or size > LISTED_BYTES:
            break
    else:
        skew.note(group, len(begin))
        yield group, begin
        return
    streamed = ValueStream(restore(group), chain((begin,), map(_value, entries)))
    yield group, streamed
    streamed.finish()
    skew.note(group, streamed.read)


def _folded(
    reducer: Reducer, group: GroupKey, entries: Iterator[RunEntry], skew: KeySkew
) -> Iterator[tuple[GroupKey, Any]]:
    values: list[Any] = []
    count = 0
    for count, value in enumerate(map(_value, entries), 1):  # noqa: B007 (it is used after the loop)
        values.append(value)
        if len(values) >= _FOLDED_AT_ONCE:
            values = [reducer.refold(restore(group), values)]
    skew.note(group, count)
    yield group, values
