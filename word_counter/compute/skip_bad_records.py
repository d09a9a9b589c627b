"""Care: mapping a chunk record by record, so that bad ones can be set aside without losing the others.

It costs time a record, so that a chunk goes this way only after it failed on the usual one: because a record
raised and the job allows some bad records, or because its process died at a record that has to be found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from word_counter.compute.grouping import gather
from word_counter.compute.user_errors import USER_ERRORS, place_of
from word_counter.errors import EncodingError, RecordError, TooManyBadError, WordCounterError
from word_counter.job.mapper import Lines, Mapper, mapped
from word_counter.job.pairs import Pairs
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.loading.user_code import user_traceback

#: How much of a record is kept in quarantine, in bytes.
_KEPT_BYTES = 1024


def _nothing(index: int) -> None:
    """Tell nobody which record is next."""


@dataclass(frozen=True, slots=True)
class SkipBadRecords:
    """How careful a map task has to be.

    Attributes:
        limit: how many records may raise, over the whole job, before it fails.
        at_once: go record by record from the start, rather than only after a failure.
        skip: records to be left out, by their index in the chunk, with the reason.
        before: called with each record's index before it is mapped.
    """

    limit: int = 0
    at_once: bool = False
    skip: Mapping[int, str] = field(default_factory=dict)
    before: Callable[[int], None] = _nothing


@dataclass(slots=True)
class SetAside:
    """Records that were set aside: why and what, by their index in the chunk. ``raised`` of them raised."""

    records: dict[int, tuple[str, Lines | Pairs]] = field(default_factory=dict)
    raised: int = 0

    @property
    def lines(self) -> int:
        """How many lines they are; pairs are none."""
        return sum(len(record) for _, record in self.records.values() if isinstance(record, Lines))

    def entries(self) -> dict[int, str]:
        """Return the quarantine entries (JSON) of the records, by their index in the chunk."""
        return {
            index: json.dumps(
                {
                    "file": record.source,
                    "offset": record.offset,
                    "line": record.line,
                    "text": record.raw[:_KEPT_BYTES].decode("utf-8", "replace").rstrip("\r\n"),
                    "reason": why,
                },
                ensure_ascii=False,
            )
            for index, (why, record) in self.records.items()
        }


def map_skipping_bad(
    mapper: Mapper,
    reducer: Reducer,
    lines: Lines | Pairs,
    groups: dict[GroupKey, Any],
    skip_bad: SkipBadRecords,
    *,
    whole: bool = False,
) -> SetAside:
    """Map a chunk record by record into ``groups``; a record's pairs are taken whole or not at all.

    With ``whole`` the chunk is one record: its mapper takes whole files, and no part of one.

    Raises:
        RecordError: a record raised, and none may; or setup or close did.
        TooManyBadError: more records raised in this chunk than may in the job.
    """
    aside = SetAside()
    records: Iterable[Lines | Pairs] = [lines] if whole else lines.each()
    for index, record in enumerate(records):
        if index in skip_bad.skip:
            aside.records[index] = skip_bad.skip[index], record
            continue
        skip_bad.before(index)
        counters = dict(mapper.__dict__.get("counters", {}))
        try:
            _map_record(mapper, reducer, record, groups)
        except WordCounterError:
            raise
        except USER_ERRORS as error:
            why = user_traceback(error)
            if not skip_bad.limit:
                message = f"{type(mapper).__name__} failed in {place_of(mapper, record)}\n{why}"
                raise RecordError(message) from error
            mapper.counters = counters  # what it counted in this record is not counted
            aside.records[index] = why, record
            aside.raised += 1
            if aside.raised > skip_bad.limit:
                message = (
                    f"more than {skip_bad.limit} bad records (--max-bad-records); the last one in "
                    f"{place_of(mapper, record)}\n{why}"
                )
                raise TooManyBadError(message) from error
    return aside


def _map_record(mapper: Mapper, reducer: Reducer, record: Lines | Pairs, groups: dict[GroupKey, Any]) -> None:
    mapper.enter(record)
    try:
        pairs = mapped(mapper, record)
        if not isinstance(pairs, dict):
            pairs = list(pairs or ())  # read twice below
        gather(reducer, pairs, {})  # a rehearsal: what it raises must leave no half of a record behind
        gather(reducer, pairs, groups)
    except EncodingError as error:
        message = f"{type(mapper).__name__} yielded a bad pair in {place_of(mapper, record)}: {error}"
        raise EncodingError(message) from error
