"""User errors: says where in the input, and where in the user's own code, an error is."""

from __future__ import annotations

from word_counter.errors import BadRecordError
from word_counter.job.mapper import Lines, Mapper
from word_counter.job.pairs import Pairs
from word_counter.loading.user_code import bounded, user_traceback

#: What user code may raise. SystemExit too: sys.exit() in a mapper must not look like a normal end.
USER_ERRORS = (Exception, SystemExit)


def failure_of_mapper(who: str, mapper: Mapper | None, records: Lines | Pairs, error: BaseException) -> str:
    """Say where a mapper raised, with the user's traceback; of a bad record what is wrong with it, and nothing else.

    None: there was no mapper yet.
    """
    if mapper is None:
        return f"{who} failed\n{user_traceback(error)}"
    if isinstance(error, BadRecordError):
        return f"{place_of(mapper, records, error)}: {reason_of(error)}"
    return f"{who} failed in {place_of(mapper, records)}\n{user_traceback(error)}"


def reason_of(error: BaseException) -> str:
    """Say why a record is set aside, in valid Unicode that is short."""
    if isinstance(error, BadRecordError):
        return bounded(str(error)).encode("utf-8", "backslashreplace").decode()
    return user_traceback(error)


def place_of(mapper: Mapper, records: Lines | Pairs, error: BaseException | None = None) -> str:
    """Say where in the input the mapper is, or a bad record begins: the record when it is known, else the chunk."""
    if isinstance(error, BadRecordError) and error.index is not None:
        return records.place(error.index)
    known = mapper.by_record or isinstance(records, Pairs) or len(records) == 1
    return records.place(records.index if known else None)
