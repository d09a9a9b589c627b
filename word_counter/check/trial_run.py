"""Trial run: runs a job over a small sample in this process, cut into chunks and ordered in a given shape.

A real run cuts its input by sizes and settings, and combines partials again when there are many. A trial does the same
to a few lines in a given shape, so that two shapes can be compared.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter
from random import Random
from typing import Any

from word_counter.compute.stages import pairs_of, run_map, run_reduce
from word_counter.compute.user_errors import USER_ERRORS
from word_counter.errors import EncodingError, WordCounterError
from word_counter.job.mapper import Lines, Reading
from word_counter.job.model import RunningTask, Stage
from word_counter.job.pairs import Pairs
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.job.reducers import Values
from word_counter.job.step import Phase
from word_counter.loading.user_code import user_traceback
from word_counter.shuffle.partitioning import decode_partial, encode_partials, key_text, restore

#: The number of partitions in a trial.
PARTITIONS = 3


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a sample: its file, the byte and the line where it begins, its bytes."""

    source: str
    offset: int
    line: int
    raw: bytes
    reading: Reading | None = None

    @property
    def text(self) -> str:
        """The record without its line break, as text."""
        return self.raw.decode("utf-8", "replace").rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a sample is cut and ordered.

    Attributes:
        cut: where chunks end: "whole" has one chunk, "each" one a record; "first" cuts after the first record, "last"
            before the last, "middle" in the middle; a number is the seed of random places.
        shuffle: the order in which partials are reduced. None: that of the input; 0: the reverse; another number is
            the seed of a random order.
        again: combine the partials once more before they are reduced, as a run does when there are many.
    """

    cut: str | int = "whole"
    shuffle: int | None = None
    again: bool = False

    def sizes(self, records: int) -> list[int]:
        """Return how long the chunks of so many records are."""
        ends = {"whole": [], "each": range(1, records), "first": [1], "last": [records - 1], "middle": [records // 2]}
        if isinstance(self.cut, int):
            random = Random(self.cut)  # noqa: S311 (no secret: the same places each time)
            places: Iterable[int] = [place for place in range(1, records) if random.random() < 1 / 3]
        else:
            places = ends[self.cut]
        bounds = [0, *(place for place in places if 0 < place < records), records]
        return [end - start for start, end in pairwise(bounds)]

    def ordered(self, numbers: Sequence[int]) -> list[int]:
        """Return the numbers of the chunks in the order in which they are reduced."""
        if self.shuffle is None:
            return list(numbers)
        if self.shuffle == 0:
            return list(reversed(numbers))
        mixed = list(numbers)
        Random(self.shuffle).shuffle(mixed)  # noqa: S311 (as above)
        return mixed


@dataclass(frozen=True, slots=True)
class Seen:
    """The output of one stage of one phase: the pairs of map tasks with their partitions, or the results."""

    stage: Stage
    phase: int
    pairs: tuple[tuple[int, str, str], ...]  #: partition, key and value as text; sorted

    @property
    def shown(self) -> Any:
        """The pairs in readable form."""
        if self.stage is Stage.REDUCE:
            return {key: json.loads(value) for _, key, value in self.pairs}
        return [[key, json.loads(value), f"partition {partition}"] for partition, key, value in self.pairs]


@dataclass(frozen=True, slots=True)
class TrialRun:
    """The outcome of a trial: the outputs of its stages, in order, and the error that ended it."""

    seen: tuple[Seen, ...] = ()
    error: str = ""
    encoding: bool = False  #: whether the error is of a key or value that JSON cannot hold

    @property
    def shown(self) -> Any:
        """The results in readable form, or the error."""
        return self.error or (self.seen[-1].shown if self.seen else {})


def run_trial(
    phases: Sequence[Phase], sample: Sequence[Record], shape: Shape, *, pairs: bool = False, combining: bool = True
) -> TrialRun:
    """Run a job over a sample.

    Args:
        phases: the phases of the job.
        sample: the records; those of one file are next to each other.
        shape: how they are cut and ordered. The order is kept for reducers that depend on it.
        pairs: also keep the pairs of map tasks, as they are before anything is combined.
        combining: let reducers combine.
    """
    seen: list[Seen] = []
    results: list[list[str]] = []
    try:
        for number, given in enumerate(phases):
            phase = given if combining else _plain(given)
            chunks: list[Lines | Pairs] = []
            chunks += _chunks_of_pairs(results, shape) if number else _chunks_of_lines(sample, shape)
            outputs = [run_map(phase, chunk, PARTITIONS).partials for chunk in chunks]
            if pairs:
                seen.append(_mapped(phase, number, chunks))
            if not keeps_order(phase.reducer):
                outputs = [outputs[n] for n in shape.ordered(range(len(outputs)))]
            shares = [[output[n] for output in outputs if n in output] for n in range(PARTITIONS)]
            if shape.again and phase.make_reducer().folds:
                shares = [_folded(phase, share) for share in shares]
            tasks = [RunningTask(stage=Stage.REDUCE, phase=number, number=n) for n in range(PARTITIONS)]
            results = [list(run_reduce(phase, share, {}, task=task)) for task, share in zip(tasks, shares, strict=True)]
            seen.append(_reduced(phase, number, results))
    except WordCounterError as error:
        return TrialRun(tuple(seen), str(error), isinstance(error, EncodingError))
    return TrialRun(tuple(seen))


def keeps_order(reducer: type[Reducer]) -> bool:
    """Whether a reducer says that its result may depend on the order of its values."""
    return reducer.order is not None or reducer.in_input_order


def combines(phase: Phase) -> bool:
    """Whether a phase has a combiner that the user wrote."""
    return phase.uncombined is not None or phase.reducer.combine is not None


def _plain(phase: Phase) -> Phase:
    """Return the phase without its combiner. A phase with a ready-made reducer is returned unchanged."""
    if phase.uncombined is not None:
        return phase.uncombined
    reducer = phase.reducer
    if reducer.combine is None:
        return phase
    return replace(phase, reducer=type(reducer.__name__, (reducer,), {"combine": None}))


def _chunks_of_lines(sample: Sequence[Record], shape: Shape) -> Iterator[Lines]:
    rest = iter(sample)
    places: dict[str, tuple[int, int]] = {}
    for size in shape.sizes(len(sample)):
        taken = [next(rest) for _ in range(size)]
        for source, group in groupby(taken, key=lambda record: record.source):
            records = list(group)
            raws = [record.raw for record in records]
            # The records of a file are numbered as if they followed each other there, the same in every shape.
            offset, line = places.get(source, (records[0].offset, records[0].line))
            # The last line of a file may have no line break, and other lines may follow it here.
            whole = [raw if raw.endswith(b"\n") else raw + b"\n" for raw in raws[:-1]] + raws[-1:]
            raw = b"".join(whole)
            yield Lines(raw, source, offset, line, reading=records[0].reading)
            places[source] = offset + len(raw), line + len(raws)


def _chunks_of_pairs(results: Iterable[Sequence[str]], shape: Shape) -> Iterator[Pairs]:
    for partition, texts in enumerate(results):
        found = list(pairs_of(texts, ""))
        start = 0
        for size in shape.sizes(len(found)) if found else ():
            yield Pairs(found[start : start + size], f"partition {partition}", start + 1)
            start += size


def _mapped(phase: Phase, number: int, chunks: Iterable[Lines | Pairs]) -> Seen:
    plain = replace(phase, reducer=Values)
    found = []
    with contextlib.suppress(EncodingError):  # of a value that the reducer never puts into a partial: it is no fault
        for chunk in chunks:
            for partition, text in run_map(plain, chunk, PARTITIONS).partials.items():
                for group, values in decode_partial(text):
                    found += [(partition, key_text(group), _text(value)) for value in values]
    return Seen(Stage.MAP, number, tuple(sorted(found)))


def _reduced(phase: Phase, number: int, results: Iterable[Sequence[str]]) -> Seen:
    found = [(key_text(group), value) for texts in results for text in texts for group, value in decode_partial(text)]
    found.sort(key=itemgetter(0))
    # The partition of a key is not part of a result.
    shown = [(0, key, _text(value)) for key, value in found]
    if not phase.keyed:
        shown = [(0, f"line {n}", _text(line)) for n, line in enumerate((line for _, v in found for line in v), 1)]
    return Seen(Stage.REDUCE, number, tuple(shown))


def _folded(phase: Phase, partials: Sequence[str]) -> list[str]:
    """Return the partials of one partition, combined into one."""
    reducer = phase.make_reducer()
    groups: dict[GroupKey, list[Any]] = {}
    for partial in partials:
        for group, value in decode_partial(partial):
            groups.setdefault(group, []).append(value)
    try:
        reducer.setup()
        folded = {group: reducer.refold(restore(group), values) for group, values in groups.items()}
        reducer.close()
    except USER_ERRORS as error:
        message = f"{phase.reducer.__name__} failed to combine what it had combined\n{user_traceback(error)}"
        raise WordCounterError(message) from error
    return list(encode_partials(folded, 1, phase.reducer.__name__).values())


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
