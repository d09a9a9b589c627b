"""Blame: where in the input, and where in their own code, a user's mistake is."""

from __future__ import annotations

import traceback
from typing import Any

from word_counter.mapper import Lines, Mapper

#: How much of an offending line is shown, in characters.
_SHOWN_CHARS = 1_000
#: What user code may raise. SystemExit too: sys.exit() in a mapper must not look like an orderly end.
USER_ERRORS = (Exception, SystemExit)


def user_traceback(error: BaseException) -> str:
    """Return the traceback of the user's own code: without the frames of this package above it."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_ours(frames.tb_frame.f_globals.get("__name__")):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _is_ours(module: Any) -> bool:
    return isinstance(module, str) and module.startswith("word_counter.")


def place_of(mapper: Mapper, lines: Lines) -> str:
    """Say where in the input the mapper is: the line when it is known, else the chunk."""
    index = lines.index
    if index is None or (type(mapper).map_chunk is not Mapper.map_chunk and len(lines) > 1):
        return f"{lines.source}, byte {lines.offset}, in the {len(lines)} lines from line {lines.line} on"
    offset = 0
    for _ in range(index):
        offset = lines.raw.index(b"\n", offset) + 1
    text = lines.at(index)
    shown = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
    return f"{lines.source}, byte {lines.offset + offset}, line {lines.line + index}: {shown!r}"
