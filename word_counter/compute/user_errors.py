"""User errors: says where in the input, and where in the user's own code, an error is."""

from __future__ import annotations

from word_counter.job.mapper import Lines, Mapper
from word_counter.job.pairs import Pairs

#: What user code may raise. SystemExit too: sys.exit() in a mapper must not look like a normal end.
USER_ERRORS = (Exception, SystemExit)


def place_of(mapper: Mapper, records: Lines | Pairs) -> str:
    """Say where in the input the mapper is: the record when it is known, else the chunk."""
    known = mapper.by_record or isinstance(records, Pairs) or len(records) == 1
    return records.place(records.index if known else None)
