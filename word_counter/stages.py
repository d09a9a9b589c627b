"""The stages of a job: what every engine calls to map a chunk, reduce a partition and merge the partitions.

Nothing here knows of Redis or of processes: lines and partials come in, partials and results go out.
"""

from __future__ import annotations

import heapq
import json
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from word_counter.errors import EncodingError, RecordError, WordCounterError
from word_counter.job import Job
from word_counter.mapper import Lines, Mapper
from word_counter.reducer import GroupKey, Reducer
from word_counter.shuffle import (
    canonical,
    check_value,
    compact,
    decode_partial,
    encode_partials,
    key_text,
    restore,
)

#: So many travelled values of one key are folded into one before more are taken in.
_REFOLD_AFTER = 1_000
#: About how many characters a segment of results has.
_SEGMENT_CHARS = 128 * 1024
#: How much of an offending line is shown, in characters.
_SHOWN_CHARS = 1_000
#: What user code may raise. SystemExit too: sys.exit() in a mapper must not look like an orderly end.
_USER_ERRORS = (Exception, SystemExit)


@dataclass(frozen=True, slots=True)
class MapOutput:
    """What a map task makes: JSON text a partition, and what it counted."""

    partials: dict[int, str]
    lines: int
    pairs: int
    counters: dict[str, int] = field(default_factory=dict)


def run_map(job: Job, lines: Lines, partitions: int) -> MapOutput:
    """Map one chunk, combine, and spread the result over the partitions.

    Raises:
        RecordError: the user's code raised (its exception is the ``__cause__``).
        EncodingError: it yielded what JSON cannot hold.
    """
    mapper, reducer = job.mapper(), job.reducer()
    who = job.mapper.__name__
    groups: dict[GroupKey, Any] = {}
    try:
        mapper.setup()
        reducer.gather(mapper.pairs(lines), groups, canonical)
        condensed = {key: reducer.condense(restore(key), gathered) for key, gathered in groups.items()}
    except EncodingError as error:
        message = f"{who} yielded a bad key in {_place(mapper, lines)}: {error}"
        raise EncodingError(message) from error
    except WordCounterError:
        raise
    except _USER_ERRORS as error:
        message = f"{who} failed in {_place(mapper, lines)}\n{user_traceback(error)}"
        raise RecordError(message) from error
    counters = _added(mapper, reducer)
    return MapOutput(encode_partials(condensed, partitions, who), len(lines), len(condensed), counters)


def _added(*owners: Mapper | Reducer) -> dict[str, int]:
    counters: dict[str, int] = {}
    for owner in owners:
        for name, n in owner.__dict__.get("counters", {}).items():
            counters[name] = counters.get(name, 0) + n
    return counters


def user_traceback(error: BaseException) -> str:
    """Return the traceback of the user's own code: without the frames of this package above it."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_ours(frames.tb_frame.f_globals.get("__name__")):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _is_ours(module: Any) -> bool:
    return isinstance(module, str) and module.startswith("word_counter.")


def _place(mapper: Mapper, lines: Lines) -> str:
    """Say where in the input the mapper is: the line when it is known, else the chunk."""
    index = lines.index
    if index is None or type(mapper).map_chunk is not Mapper.map_chunk:
        return f"{lines.source}, byte {lines.offset}, in the {len(lines)} lines from line {lines.line} on"
    offset = 0
    for _ in range(index):
        offset = lines.raw.index(b"\n", offset) + 1
    text = lines.at(index)
    shown = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
    return f"{lines.source}, byte {lines.offset + offset}, line {lines.line + index}: {shown!r}"


def run_reduce(job: Job, partials: Iterable[str | bytes], counters: dict[str, int]) -> Iterator[str]:
    """Reduce one partition: yield its results as segments, JSON objects of sorted, ever larger keys.

    Args:
        job: the job.
        partials: all partials of the partition, in the order of their chunks.
        counters: what the reducer counts is added here.

    Raises:
        RecordError: the user's code raised (its exception is the ``__cause__``).
        EncodingError: it returned what JSON cannot hold, or two keys have one text.
    """
    reducer = job.reducer()
    groups = _grouped(reducer, partials)
    try:
        reducer.setup()
        results = ((key_text(key), key, _conclude(reducer, key, groups)) for key in sorted(groups, key=key_text))
        yield from _segments(results)
        reducer.close()
    except WordCounterError:
        raise
    except _USER_ERRORS as error:
        message = f"{type(reducer).__name__} failed\n{user_traceback(error)}"
        raise RecordError(message) from error
    for name, n in _added(reducer).items():
        counters[name] = counters.get(name, 0) + n


def _grouped(reducer: Reducer, partials: Iterable[str | bytes]) -> dict[GroupKey, list[Any]]:
    groups: dict[GroupKey, list[Any]] = {}
    folds = reducer.folds
    for partial in partials:
        for key, travelled in decode_partial(partial):
            values = groups.get(key)
            if values is None:
                groups[key] = [travelled] if folds else travelled
            elif not folds:
                values.extend(travelled)
            else:
                values.append(travelled)
                if len(values) >= _REFOLD_AFTER:
                    values[:] = [reducer.refold(restore(key), values)]
    return groups


def _conclude(reducer: Reducer, group: GroupKey, groups: dict[GroupKey, list[Any]]) -> str:
    """Return the JSON text of a key's result."""
    key = restore(group)
    try:
        value = reducer.conclude(key, groups[group])
    except WordCounterError:
        raise
    except _USER_ERRORS as error:
        message = f"{type(reducer).__name__} failed for the key {key!r}\n{user_traceback(error)}"
        raise RecordError(message) from error
    try:
        check_value(value)
        text = compact(value)
        text.encode()  # a lone surrogate shows only here
    except (TypeError, ValueError, RecursionError) as error:
        message = f"{type(reducer).__name__} returned for the key {key!r} a value that JSON cannot hold: {error}"
        raise EncodingError(message) from error
    return text


def _segments(results: Iterable[tuple[str, GroupKey, str]]) -> Iterator[str]:
    entries: list[str] = []
    chars = 0
    last: tuple[str, GroupKey] | None = None
    for text, group, result in results:
        if last is not None and last[0] == text:
            kinds = " and ".join(sorted(type(restore(g)).__name__ for g in (last[1], group)))
            message = f"two keys would both appear as {text!r} in the results ({kinds}); let the mapper yield one kind"
            raise EncodingError(message)
        last = text, group
        entries.append(f"{compact(text)}:{result}")
        chars += len(entries[-1])
        if chars >= _SEGMENT_CHARS:
            yield "{" + ",".join(entries) + "}"
            entries.clear()
            chars = 0
    if entries:
        yield "{" + ",".join(entries) + "}"


def merge(partitions: Iterable[Iterable[str | bytes]]) -> Iterator[tuple[str, Any]]:
    """Merge the segments of all partitions into one stream of key texts and values, sorted by key.

    Holds one segment a partition at a time.
    """
    return heapq.merge(*(_entries(segments) for segments in partitions), key=itemgetter(0))


def _entries(segments: Iterable[str | bytes]) -> Iterator[tuple[str, Any]]:
    for segment in segments:
        yield from json.loads(segment).items()


@dataclass(slots=True)
class Summary:
    """What a job's results come to: how many keys, and the largest values."""

    keys: int = 0
    largest: list[tuple[str, float]] = field(default_factory=list)


def summarised(pairs: Iterable[tuple[str, Any]], summary: Summary, n: int = 10) -> Iterator[tuple[str, Any]]:
    """Pass the merged results on, and fill ``summary`` with their number and the ``n`` largest numeric values."""
    best: list[tuple[float, int, str]] = []  # a heap; a key that came earlier ranks higher among equals
    for key, value in pairs:
        summary.keys += 1
        if (value.__class__ is int or value.__class__ is float) and (len(best) < n or value > best[0][0]):
            entry = (value, -summary.keys, key)
            if len(best) < n:
                heapq.heappush(best, entry)
            else:
                heapq.heapreplace(best, entry)
        yield key, value
    summary.largest = [(key, value) for value, _, key in sorted(best, reverse=True)]
