"""Streamed values: what a reducer gets of a key that has too many values for a list."""

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
from word_counter.shuffle.run_format import SubmitOrResume, sort_key

#: So many values of a key, which are of so many bytes as JSON, come as a list; more are streamed.
LISTED_VALUES = 10_000
LISTED_BYTES = 1024 * 1024
#: So many travelled values of a key are folded at once.
_FOLDED_AT_ONCE = 1_000
_travelled = itemgetter(2)
_travelled_sized = itemgetter(2, 3)


class ValueStream:
    """The values of one key, in the order of the input, to be read once."""

    def __init__(self, key: Any, parts: Iterable[list[Any]]) -> None:
        self._key = key
        self._values = chain.from_iterable(self._counted(parts))
        self._taken = False
        #: How many were read.
        self.read = 0
        #: What reading them raised: user code may have caught it, and yet they are not whole.
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
        """Read what is left of them, so that the next key comes; raise what reading them raised."""
        self._taken = True
        for _ in self._each() if self.error is None else ():
            pass
        if self.error is not None:
            raise self.error

    def arranged(self, order: Callable[[Any], Any]) -> Iterator[Any]:
        """Return the values in another order, sorted on disk; equal ones stay in the order of the input."""
        return sorted_on_disk(iter(self), order, room_for("sort the values of a key", ShuffleError))


def concluding(reducer: Reducer, entries: Iterable[SubmitOrResume], weight: KeySkew) -> Iterator[tuple[GroupKey, Any]]:
    """Yield each key of sorted entries with all values that travelled, folded where the reducer folds.

    A key with many values comes with :class:`ValueStream`, which are at their end when the next key comes.
    """
    conclude = _folded if reducer.folds else _listed
    for (text, kind), same in groupby(entries, sort_key):
        group = text.encode() if kind else text
        yield from conclude(reducer, group, same, weight)


def _listed(
    reducer: Reducer,  # noqa: ARG001 (as it is of those that fold)
    group: GroupKey,
    entries: Iterator[SubmitOrResume],
    weight: KeySkew,
) -> Iterator[tuple[GroupKey, Any]]:
    begin: list[Any] = []
    size = 0
    for part, part_size in map(_travelled_sized, entries):
        begin += part
        size += part_size
        if len(begin) > LISTED_VALUES or size > LISTED_BYTES:
            break
    else:
        weight.note(group, len(begin))
        yield group, begin
        return
    streamed = ValueStream(restore(group), chain((begin,), map(_travelled, entries)))
    yield group, streamed
    streamed.finish()
    weight.note(group, streamed.read)


def _folded(
    reducer: Reducer, group: GroupKey, entries: Iterator[SubmitOrResume], weight: KeySkew
) -> Iterator[tuple[GroupKey, Any]]:
    values: list[Any] = []
    count = 0
    for count, value in enumerate(map(_travelled, entries), 1):  # noqa: B007 (it is wanted at the end)
        values.append(value)
        if len(values) >= _FOLDED_AT_ONCE:
            values = [reducer.refold(restore(group), values)]
    weight.note(group, count)
    yield group, values
