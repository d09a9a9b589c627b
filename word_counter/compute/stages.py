"""Stages of a job: every engine calls them to map a chunk and to reduce a partition. The last stage is in merge.py.

This module knows nothing of Redis or of processes: lines and partials come in, partials and results go out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from word_counter.compute.grouping import gather
from word_counter.compute.native_sums import adds_up, sums_of
from word_counter.compute.result_segments import SEGMENT_CHARS, result_text, segments_of
from word_counter.compute.skip_bad_records import SetAside, SkipBadRecords, map_skipping_bad
from word_counter.compute.user_errors import USER_ERRORS, place_of
from word_counter.errors import EncodingError, InvalidTextError, RecordError, WordCounterError
from word_counter.job.mapper import Lines, Mapper, mapped
from word_counter.job.model import RunningTask, Surroundings
from word_counter.job.pairs import Pairs
from word_counter.job.reducer import LEFT_OUT, GroupKey, Reducer
from word_counter.job.step import Phase
from word_counter.loading.user_code import user_traceback
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.partitioning import (
    canonical,
    decode_partial,
    encode_partials,
    key_text,
    restore,
)
from word_counter.shuffle.run_format import RunEntry
from word_counter.shuffle.value_stream import concluding

if TYPE_CHECKING:
    from word_counter.native._kernel import Sums

#: After how many intermediate values of one key they are combined into one.
_REFOLD_AFTER = 1_000
#: Counters are exact up to this number, in Redis and in every JSON reader.
_LARGEST_COUNT = 2**53
#: What is run on trial is no task of a job.
_NO_TASK = RunningTask()


@dataclass(frozen=True, slots=True)
class MapOutput:
    """The output of a map task: a partial (JSON) for each partition, counters, and the records that were set aside.

    Pairs are counted after combining: one for a key whose values are combined, else one for each value.
    """

    partials: dict[int, str]
    lines: int
    pairs: int
    counters: dict[str, int] = field(default_factory=dict)
    aside: SetAside = field(default_factory=SetAside)


def run_map(
    phase: Phase,
    lines: Lines | Pairs,
    partitions: int,
    skip_bad: SkipBadRecords | None = None,
    task: RunningTask = _NO_TASK,
) -> MapOutput:
    """Map one chunk, combine, and spread the result over the partitions.

    With ``skip_bad``, a chunk in which a record raises is mapped again record by record, and bad ones are set aside.

    Raises:
        RecordError: the user's code raised (its exception is the ``__cause__``).
        EncodingError: it yielded what JSON cannot hold.
        TooManyBadError: more records raised than ``skip_bad`` allows.
    """

    def map_once(skip_bad: SkipBadRecords | None) -> MapOutput:
        with contextlib.closing(phase.surround(task, lines)) as surroundings, surroundings:
            return _map_once(phase, surroundings, lines, partitions, skip_bad)

    if skip_bad is not None and skip_bad.at_once:
        return map_once(skip_bad)
    # Record by record again: to set bad ones aside, or to find the one whose text is not valid, which shows at the end.
    repeated = [InvalidTextError, *([RecordError] if skip_bad is not None and skip_bad.limit else [])]
    with contextlib.suppress(*repeated):
        return map_once(None)
    return map_once(skip_bad or SkipBadRecords())


def _map_once(
    phase: Phase, surroundings: Surroundings, lines: Lines | Pairs, partitions: int, skip_bad: SkipBadRecords | None
) -> MapOutput:
    who = phase.mapper_name
    groups: dict[GroupKey, Any] = {}
    aside = SetAside()
    mapper: Mapper | None = None
    straight: tuple[dict[int, str], int] | None = None
    try:
        mapper, reducer = phase.make_mapper(surroundings), phase.make_reducer(surroundings)
        mapper.setup()
        if reducer.folds:
            reducer.setup()
        if skip_bad is None:
            mapper.enter(lines)
            if isinstance(lines, Lines) and phase.partition is None and adds_up(reducer):
                straight = mapper.map_to_partials(lines, partitions)
            if straight is None:
                gather(reducer, mapped(mapper, lines), groups)
        else:
            aside = map_skipping_bad(mapper, reducer, lines, groups, skip_bad, whole=phase.whole_files)
        gather(reducer, mapper.last_pairs(), groups)
        condensed = reducer.condense_all(groups, restore)
        if reducer.folds:
            reducer.close()
    except EncodingError as error:
        if skip_bad is not None or mapper is None:
            raise
        message = f"{who} yielded a bad pair in {place_of(mapper, lines)}: {error}"
        raise type(error)(message) from error
    except WordCounterError:
        raise
    except USER_ERRORS as error:
        where = f" in {place_of(mapper, lines)}" if mapper is not None else ""
        message = f"{who} failed{where}\n{user_traceback(error)}"
        raise RecordError(message) from error
    counters = _added(mapper, reducer)
    partials, pairs = straight or (
        encode_partials(condensed, partitions, who, phase.partition),
        len(condensed) if reducer.folds else sum(map(len, condensed.values())),
    )
    return MapOutput(partials, len(lines), pairs, counters, aside)


def _added(*owners: Mapper | Reducer) -> dict[str, int]:
    counters: dict[str, int] = {}
    for owner in owners:
        for name, n in owner.__dict__.get("counters", {}).items():
            if not isinstance(name, str) or n.__class__ is not int or abs(n) > _LARGEST_COUNT:
                message = f"{type(owner).__name__} counts {name!r} by {n!r}: a name takes whole numbers up to 2**53"
                raise EncodingError(message)
            counters[name] = counters.get(name, 0) + n
    return counters


def run_reduce(
    phase: Phase,
    partials: Iterable[str | bytes],
    counters: dict[str, int],
    skew: KeySkew | None = None,
    *,
    entries: Iterable[RunEntry] | None = None,
    task: RunningTask = _NO_TASK,
) -> Iterator[str]:
    """Reduce one partition: yield its results as segments, sorted by key.

    A segment of a job's results is a JSON object. One that another phase maps is a list of pairs, whose keys keep their
    types.

    Args:
        phase: the phase of the job.
        partials: all partials of the partition, in the order of their chunks.
        counters: the counters of the reducer are added here.
        skew: the keys are counted here.
        entries: the content of the partials in place of these, sorted by key; the values of a key are in the order of
            their chunks. Then memory does not grow with them.
        task: which task it is, as the code that it runs may know it.

    Raises:
        RecordError: the user's code raised (its exception is the ``__cause__``).
        EncodingError: it returned what JSON cannot hold, or two keys have the same text.
    """
    with contextlib.closing(phase.surround(task, None)) as surroundings:
        yield from surroundings.around(_reduced(phase, surroundings, partials, counters, skew or KeySkew(), entries))


def _reduced(
    phase: Phase,
    surroundings: Surroundings,
    partials: Iterable[str | bytes],
    counters: dict[str, int],
    skew: KeySkew,
    entries: Iterable[RunEntry] | None,
) -> Iterator[str]:
    reducer = phase.make_reducer(surroundings)
    try:
        reducer.setup()  # before the grouping, which may combine
    except USER_ERRORS as error:
        message = f"{type(reducer).__name__} failed in setup\n{user_traceback(error)}"
        raise RecordError(message) from error
    brackets = "{}" if phase.last else "[]"
    segments: Iterable[str]
    if entries is not None:
        segments = segments_of(_results(reducer, concluding(reducer, entries, skew)), brackets)
    else:
        segments = _grouped(reducer, partials, skew, brackets)
    try:
        yield from segments
        reducer.close()
    except WordCounterError:
        raise
    except USER_ERRORS as error:
        message = f"{type(reducer).__name__} failed\n{user_traceback(error)}"
        raise RecordError(message) from error
    for name, n in _added(reducer).items():
        counters[name] = counters.get(name, 0) + n


def _grouped(reducer: Reducer, partials: Iterable[str | bytes], skew: KeySkew, brackets: str) -> Iterable[str]:
    """Group partials in memory, and return the segments of their results."""
    sums, rest = sums_of(reducer, partials)
    other = next(rest, None)
    if sums is not None and other is None:
        skew.count_sums(sums)
        return sums.segments(SEGMENT_CHARS, brackets)
    groups = _groups_of(sums, skew)
    _group(reducer, rest if other is None else chain((other,), rest), groups, skew)
    skew.count_all(groups)
    return segments_of(_results(reducer, ((group, groups[group]) for group in _sorted(groups))), brackets)


def _sorted(groups: Iterable[GroupKey]) -> list[GroupKey]:
    """Return group keys sorted by their text; of equal texts a string comes first."""
    texts: list[GroupKey] = [group for group in groups if group.__class__ is str]
    others = [group for group in groups if group.__class__ is not str]
    return sorted(texts + others, key=key_text) if others else sorted(texts)


def _groups_of(sums: Sums | None, skew: KeySkew) -> dict[GroupKey, list[Any]]:
    """Return native sums as groups of one value each."""
    groups: dict[GroupKey, list[Any]] = {}
    for key, total, values in () if sums is None else sums.items():
        groups[key] = [total]
        skew.fold(key, values)
    return groups


def _group(reducer: Reducer, partials: Iterable[str | bytes], groups: dict[GroupKey, list[Any]], skew: KeySkew) -> None:
    folds = reducer.folds
    for partial in partials:
        for key, value in decode_partial(partial):
            values = groups.get(key)
            if values is None:
                groups[key] = [value] if folds else value
            elif not folds:
                values.extend(value)
            else:
                values.append(value)
                if len(values) >= _REFOLD_AFTER:
                    skew.fold(key, len(values))
                    values[:] = [reducer.refold(restore(key), values)]


def _results(reducer: Reducer, groups: Iterable[tuple[GroupKey, Any]]) -> Iterator[tuple[str, GroupKey, str]]:
    """Yield the text of each key, the key, and the JSON text of its result, from sorted keys and their values."""
    for group, values in groups:
        key = restore(group)
        try:
            value = reducer.conclude(key, values)
        except WordCounterError:
            raise
        except USER_ERRORS as error:
            message = f"{type(reducer).__name__} failed for the key {key!r}\n{user_traceback(error)}"
            raise RecordError(message) from error
        if value is not LEFT_OUT:
            yield key_text(group), group, result_text(reducer, key, value)
    for key, value in reducer.last_results():
        group = canonical(key)
        yield key_text(group), group, result_text(reducer, key, value)


def pairs_of(segments: Iterable[str | bytes], source: str) -> Pairs:
    """Return the pairs in segments of the phase before; ``source`` names them in errors."""
    return Pairs([(restore(key), value) for text in segments for key, value in decode_partial(text)], source)
