"""Skip bad records: maps a chunk record by record, so that bad records go into quarantine and the others count.

This is slower. So a chunk is mapped like this only after it failed the usual way: because a record raised and the job
allows some bad records, or because its process died at a record that has to be found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from word_counter.compute.grouping import gather
from word_counter.compute.user_errors import USER_ERRORS, failure_of_mapper, place_of, reason_of
from word_counter.errors import EncodingError, InvalidTextError, RecordError, TooManyBadError, WordCounterError
from word_counter.job.mapper import Lines, Mapper, mapped
from word_counter.job.pairs import Pairs
from word_counter.job.param import UndeclaredParamError
from word_counter.job.reducer import GroupKey, Reducer
from word_counter.loading.user_code import bounded
from word_counter.shuffle.partitioning import check_texts

#: How many bytes of a record the quarantine keeps.
_KEPT_BYTES = 1024
#: Slips in code, which no record is to blame for: a misspelt name, a module that is not there, a param likewise.
_SLIPS = (NameError, ImportError, SyntaxError, UndeclaredParamError)


def _nothing(index: int) -> None:
    """Do nothing before a record."""


@dataclass(frozen=True, slots=True)
class SkipBadRecords:
    """How a map task treats bad records.

    Attributes:
        limit: how many records may raise in the whole job.
        at_once: map record by record from the start, not only after a failure.
        skip: records to leave out, by their index in the chunk, with the reason.
        before: is called with each record's index before it is mapped.
    """

    limit: int = 0
    at_once: bool = False
    skip: Mapping[int, str] = field(default_factory=dict)
    before: Callable[[int], None] = _nothing


@dataclass(slots=True)
class SetAside:
    """Records that were set aside, with the reason, by their index in the chunk. ``raised`` of them raised."""

    records: dict[int, tuple[str, Lines | Pairs]] = field(default_factory=dict)
    raised: int = 0

    @property
    def lines(self) -> int:
        """How many lines they have; pairs have none."""
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
    """Map a chunk record by record into ``groups``. Either all pairs of a record are added or none.

    With ``whole`` the chunk is one record, as its mapper takes whole files.

    Raises:
        RecordError: a record raised, and the job allows no bad records; or it met a slip in the code, such as a name
            that is not defined; or setup or close raised.
        TooManyBadError: more records raised in this chunk than the job allows.
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
            continue
        except InvalidTextError as error:  # its data are wrong, not the job's code
            if not skip_bad.limit:
                raise
            cause: BaseException = error
            why = bounded(str(error))
        except WordCounterError:
            raise
        except USER_ERRORS as error:
            cause, why = error, reason_of(error)
            if not skip_bad.limit or isinstance(error, _SLIPS):
                raise RecordError(failure_of_mapper(type(mapper).__name__, mapper, record, error)) from error
        mapper.counters = counters  # what it counted in this record is not counted
        aside.records[index] = why, record
        aside.raised += 1
        if aside.raised > skip_bad.limit:
            message = (
                f"more than {skip_bad.limit} bad records (--max-bad-records); the last one in "
                f"{place_of(mapper, record, cause)}\n{why}"
            )
            raise TooManyBadError(message) from cause
    return aside


def _map_record(mapper: Mapper, reducer: Reducer, record: Lines | Pairs, groups: dict[GroupKey, Any]) -> None:
    mapper.enter(record)
    try:
        pairs = mapped(mapper, record)
        if not isinstance(pairs, dict):
            pairs = list(pairs or ())  # read twice below
        gather(reducer, pairs, {})  # a dry run: if it raises, no part of the record has been added
        for key, value in pairs.items() if isinstance(pairs, dict) else pairs:
            check_texts(key, value)
        gather(reducer, pairs, groups)
    except EncodingError as error:
        message = f"{type(mapper).__name__} yielded a bad pair in {place_of(mapper, record)}: {error}"
        raise type(error)(message) from error
