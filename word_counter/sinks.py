"""Sinks: where results go, and what was set aside. A file is seen whole or not at all: draft, fsync, rename."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, BinaryIO

from word_counter.config import PARTS
from word_counter.errors import OutputError
from word_counter.outputs.base import Draft, Rows, going_on
from word_counter.outputs.local import LocalDraft, LocalFiles
from word_counter.outputs.quarantine import check_free, quarantine_path, remove_quarantine
from word_counter.outputs.text import write_lines, write_object, write_part

#: What writes results, by their form.
_FORMS: dict[str, Callable[..., None]] = {"json": write_object, "lines": write_lines, "mr-out": write_part}


def check_writable(output: str, job_id: str = "") -> None:
    """Raise OutputError, saying what to do, unless the results could be written to ``output``.

    Leaves nothing behind. Called before a job starts, so that hours of work do not end in this.
    """
    if output != "-":
        LocalFiles().check(output, (quarantine_path(output, ""),))
    elif sys.stdout is None or sys.stdout.closed:
        message = "standard output is closed; name a file with --output"
        raise OutputError(message)
    check_free(quarantine_path(output, job_id))


def files_of(output: str, job_id: str) -> list[str]:
    """Return the paths that a job may write: its results and its quarantine."""
    results = [] if output == "-" else [output]
    if os.path.basename(output) == PARTS:
        results = [path for path, _ in _parts_in(os.path.dirname(output))]
    return [*results, quarantine_path(output, job_id)]


def _part(output: str, number: int) -> str:
    return output.removesuffix("*") + str(number)


def _remove_parts(output: str, first: int) -> None:
    """Remove parts from this number on: they are of an earlier job, which had more of them."""
    for path, number in _parts_in(os.path.dirname(output)) if os.path.basename(output) == PARTS else ():
        if number >= first:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _parts_in(folder: str) -> list[tuple[str, int]]:
    """Return the files of results that a folder holds when each partition has one, with their numbers."""
    prefix = PARTS.removesuffix("*")
    with contextlib.suppress(OSError):
        names = [name for name in os.listdir(folder) if name.startswith(prefix)]
        numbers = [(name, name.removeprefix(prefix)) for name in names]
        return [(os.path.join(folder, name), int(n)) for name, n in numbers if n.isascii() and n.isdecimal()]
    return []


def write_results(
    pairs: Rows,
    output: str,
    job_id: str = "",
    *,
    form: str = "json",
    aside: Iterable[str] | None = None,
    confirm: Callable[[], None] = going_on,
) -> None:
    """Write results that are all in one file; see :func:`write_parts`."""
    write_parts([pairs], output, job_id, form=form, aside=aside, confirm=confirm)


def write_parts(
    parts: Sequence[Rows],
    output: str,
    job_id: str = "",
    *,
    form: str = "json",
    aside: Iterable[str] | None = None,
    confirm: Callable[[], None] = going_on,
) -> None:
    """Write results: as one JSON object, with a two-space indent, in UTF-8, or as lines.

    The quarantine is seen before the results are, and that of an earlier job goes after they are: who reads results and
    finds no quarantine knows that nothing was set aside.

    Args:
        parts: what each file has: key texts with their values, sorted and unique. There is one, but for "mr-out".
        output: a path, or "-" for standard output.
        job_id: names the quarantine of what goes to standard output.
        form: "json"; "lines": each value is a list of lines, whose characters stand for a byte each; or "mr-out": a
            file of lines of a key and its value each part, in the folder of ``output``.
        aside: what was set aside, a JSON object each; None: nothing was.
        confirm: called when all is written and just before it is seen; raises to leave what stood there before.

    Raises:
        OutputError: a file cannot be written; what stood there before still does.
    """
    quarantine = quarantine_path(output, job_id)
    write = _FORMS[form]
    with contextlib.ExitStack() as drafts:
        ready: list[Draft] = []
        if aside is not None:
            # A file name that is not UTF-8 holds lone surrogates: JSON spells them out.
            listed = (f"{entry}\n".encode("utf-8", "backslashreplace") for entry in aside)
            ready.append(drafts.enter_context(LocalDraft(quarantine, lambda file: file.writelines(listed))))
        if output != "-":
            paths = [_part(output, number) for number in range(len(parts))] if form == "mr-out" else [output]
            for path, part in zip(paths, parts, strict=True):
                ready.append(drafts.enter_context(LocalDraft(path, partial(write, part))))
            confirm()
            for draft in ready:
                draft.check()
            for draft in ready:
                draft.show()
        else:

            def before_the_end() -> None:
                confirm()
                for draft in ready:
                    draft.show()

            _print(lambda file: write(parts[0], file, before_the_end))
    _remove_parts(output, len(parts))
    if aside is None:
        remove_quarantine(quarantine)


class _Decoding:
    """Standard output that somebody has put a file of text in the place of."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, content: bytes) -> int:
        self._file.write(content.decode("utf-8", "replace"))
        return len(content)


def _print(write: Callable[[BinaryIO], None]) -> None:
    """Print results. When ``write`` raises they lack their end, so that no reader takes them as whole."""
    try:
        sys.stdout.flush()
        file: Any = getattr(sys.stdout, "buffer", None) or _Decoding(sys.stdout)
        write(file)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write to standard output: {error.strerror}; name a file with --output"
        raise OutputError(message) from error
