"""User errors: says where in the input, and where in the user's own code, an error is."""

from __future__ import annotations

import traceback
from typing import Any

from word_counter.job.mapper import Lines, Mapper
from word_counter.job.pairs import Pairs

#: What user code may raise. SystemExit too: sys.exit() in a mapper must not look like a normal end.
USER_ERRORS = (Exception, SystemExit)


def user_traceback(error: BaseException) -> str:
    """Return the traceback of the user's own code, without the frames of this package above it."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_ours(frames.tb_frame.f_globals.get("__name__")):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _is_ours(module: Any) -> bool:
    return isinstance(module, str) and module.startswith("word_counter.")


def place_of(mapper: Mapper, records: Lines | Pairs) -> str:
    """Say where in the input the mapper is: the record when it is known, else the chunk."""
    known = mapper.by_record or isinstance(records, Pairs) or len(records) == 1
    return records.place(records.index if known else None)
