"""User code: which files and traceback frames are the user's own, and where in them an exception was raised."""

from __future__ import annotations

import os
import re
import sysconfig
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from word_counter.job.snapshot import Origin

#: Installed code is taken not to change while a process runs. The user's own code may change.
_INSTALLED = tuple(
    os.path.realpath(path) + os.sep
    for name, path in sysconfig.get_paths().items()
    if name in {"stdlib", "platstdlib", "purelib", "platlib"}
)
_PACKAGE = __name__.partition(".")[0] + "."
#: The shipped jobs count as user code.
_SHIPPED = _PACKAGE + "jobs."
#: How libraries name their errors of networks, servers and locks, and hardly any others.
_PASSING = re.compile(
    r"connect|timed?_?out|network(?!x)|unavailable|throttl|ratelimit|toomanyrequests|transient|temporar|operational"
    r"|protocolerror|incompleteread|badstatusline|brokenexecutor|deadlock|tryagain",
    re.IGNORECASE,
)
#: The most characters of what user code says, as in a traceback.
_MOST_CHARS = 16_000


def is_installed(file: str) -> bool:
    """Return whether a file belongs to Python or to an installed package."""
    return os.path.realpath(file).startswith(_INSTALLED)


def user_traceback(error: BaseException) -> str:
    """Return the traceback of the user's own code, without the frames of this package and of imports above it.

    It is valid Unicode, whatever the exception says, and short: see :func:`bounded`.
    """
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and (_of_package(frames) or _of_import(frames)):
        frames = frames.tb_next
    if frames is not None and _of_import(frames):
        frames = None  # a syntax error, whose message says where it is
    lines = traceback.format_exception(type(error), error, frames)
    return bounded("".join(lines).rstrip()).encode("utf-8", "backslashreplace").decode()


def bounded(text: str) -> str:
    """Return a text whose middle is left out, if it is long: an exception may quote a whole line, or all its fields.

    Redis keeps it, the quarantine has it once for each bad record, and people read it.
    """
    if len(text) <= _MOST_CHARS:
        return text
    end = _MOST_CHARS // 4
    begin = _MOST_CHARS - end
    return f"{text[:begin]}\n[{len(text) - begin - end:,} characters left out]\n{text[-end:]}"


def origin_of(error: BaseException) -> Origin | None:
    """Return what was raised and where: in the innermost frame of the user's own code.

    Without such a frame it is the innermost one of a library, or else the innermost of all. None: there is no frame.
    """
    frames = list(_frames(error.__traceback__))
    if not frames:
        return None
    foreign = [frame for frame in frames if not _is_ours(frame)]
    own = [frame for frame in foreign if not is_installed(_file(frame)) or _module(frame).startswith(_SHIPPED)]
    chosen = (own or foreign or frames)[-1]
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Origin(name, _file(chosen), chosen.tb_lineno, transient=may_pass(error))


def has_own_frame(error: BaseException) -> bool:
    """Return whether the traceback of an exception has a frame that is not of this package."""
    return not all(_is_ours(frame) for frame in _frames(error.__traceback__))


def may_pass(error: BaseException) -> bool:
    """Return whether an exception may be gone at the next attempt, like an error of a network, a disk or memory.

    These are OSError, MemoryError and their subclasses; exceptions that are named like an error of a connection; and
    exceptions that one of these caused.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, OSError | MemoryError) or any(_PASSING.search(cls.__name__) for cls in type(one).__mro__):
            return True
        waiting += [one.__cause__, None if one.__suppress_context__ else one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return False


def _frames(frames: TracebackType | None) -> Iterator[TracebackType]:
    while frames is not None:
        yield frames
        frames = frames.tb_next


def _file(frame: TracebackType) -> str:
    return frame.tb_frame.f_code.co_filename


def _module(frame: TracebackType) -> str:
    name: Any = frame.tb_frame.f_globals.get("__name__")
    return name if isinstance(name, str) else ""


def _of_import(frame: TracebackType) -> bool:
    return _module(frame).partition(".")[0] == "importlib"


def _of_package(frame: TracebackType) -> bool:
    return _module(frame).startswith(_PACKAGE)


def _is_ours(frame: TracebackType) -> bool:
    return _of_package(frame) and not _module(frame).startswith(_SHIPPED)
