"""Reduce tasks: how a job in mrjob's API combines a chunk and reduces a partition; see map_task.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count, islice, takewhile
from operator import itemgetter
from typing import Any

from word_counter.job.reducer import LEFT_OUT, GroupKey, Reducer, Restore
from word_counter.mrjob.tasks.environment import TaskEnvironment
from word_counter.mrjob.tasks.links import Groups, groups
from word_counter.mrjob.tasks.substep import joined_lines, split_line, texts_of
from word_counter.mrjob.tasks.work import Work

#: Comes after all keys, none of which has a character beyond U+00FF.
_BEYOND = "\uffff"
#: So many of the lines that come after those of all keys are one result.
_LINES_A_RESULT = 1_000


class ReduceTask(Reducer):
    """Combines what a chunk was mapped to, and reduces one partition."""

    work: Work
    surroundings: TaskEnvironment
    _groups: Groups | None = None

    def condense_all(self, groups_: dict[GroupKey, Any], restore: Restore) -> dict[GroupKey, Any]:  # noqa: ARG002
        number, first = self.work.reduces, self.work.first
        if number is None or number not in self.work.combines:
            return groups_
        self.surroundings.be("combiner", number)
        combiner = groups("combiner", number, self.work.maker(self.count), self.surroundings)
        combined: dict[GroupKey, Any] = {}
        # Of what a command makes of all keys it is told by the key where it comes from.
        origins = {} if first else {key: values[0][0] for key, values in groups_.items()}

        def put(lines: Iterable[bytes], origin: str = "") -> None:
            for line in lines:
                key, value = split_line(line)
                combined.setdefault(key, []).append(value if first else [origin or origins.get(key, ""), value])

        put(combiner.opening())
        for key in sorted(groups_):
            values = groups_[key] if first else [value for _, value in groups_[key]]
            put(combiner.grouped(joined_lines(str(key), values)), origins.get(key, ""))
        put(combiner.closing())
        return combined

    def reduce(self, key: str, values: Iterable[Any]) -> Any:
        if self.work.reduces is None:
            return list(values)
        opened: list[str] = []
        if self._groups is None:  # not in setup: where there are no keys there is no task, as under mrjob
            self._groups = self._begun(self.work.reduces)
            opened = texts_of(self._groups.opening())
        if not self.work.first:
            values = [value for _, value in sorted(values, key=itemgetter(0))]
        return opened + texts_of(self._groups.grouped(joined_lines(key, values))) or LEFT_OUT

    def last_results(self) -> Iterator[tuple[str, list[str]]]:
        number = self.work.reduces
        opened: Iterable[bytes] = ()
        if self._groups is None and self.work.alone and number is not None and self.surroundings.task.number == 0:
            self._groups = self._begun(number)  # what is of all keys is there when there are none
            opened = self._groups.opening()
        if self._groups is not None:
            lines = chain(opened, self._groups.closing())
            pieces = (texts_of(islice(lines, _LINES_A_RESULT)) for _ in count())
            for place, texts in enumerate(takewhile(bool, pieces)):
                yield f"{_BEYOND}{place:09d}", texts

    def _begun(self, number: int) -> Groups:
        return groups("reducer", number, self.work.maker(self.count), self.surroundings)
