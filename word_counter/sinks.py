"""Sinks: where results go, and what was set aside. A file is seen whole or not at all: draft, fsync, rename."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TextIO

from word_counter.config import PARTS
from word_counter.draft import Draft, unwritable
from word_counter.errors import OutputError

#: How many characters are gathered before they are written.
_BUFFER_CHARS = 256 * 1024
#: Of a line that may be a quarantine entry no more is read; its text and its traceback are cut far below.
_LONGEST_ENTRY_BYTES = 1024 * 1024


def check_writable(output: str, job_id: str = "") -> None:
    """Raise OutputError, saying what to do, unless the results could be written to ``output``.

    Leaves nothing behind. Called before a job starts, so that hours of work do not end in this.
    """
    if output != "-":
        _check_place(output)
    elif sys.stdout is None or sys.stdout.closed:
        message = "standard output is closed; name a file with --output"
        raise OutputError(message)
    aside = quarantine_path(output, job_id)
    if os.path.lexists(aside) and not _is_quarantine(aside):
        message = (
            f"{aside} is in the way: records that are set aside would be listed there, and it is none of such lists; "
            "move it, or give another --output"
        )
        raise OutputError(message)


def _check_place(output: str) -> None:
    folder, name = os.path.split(output)
    if name in {"", os.curdir, os.pardir} or "\0" in output or os.path.isdir(output):
        what = f"is a directory; name a file in it, such as {os.path.join(output, 'results.json')}"
        message = f"the output {output!r} {what if output else 'names no file; - is standard output'}"
        raise OutputError(message)
    if os.path.exists(output) and not os.path.isfile(output):
        message = f"the output {output} is not a regular file: it would be replaced by one; use - for standard output"
        raise OutputError(message)
    try:
        target = os.path.realpath(output)
        if os.path.islink(output) and (os.path.islink(target) or not os.path.isdir(os.path.dirname(target))):
            message = (
                f"the output {output} is a link to {os.readlink(output)}, which leads nowhere; give another --output"
            )
            raise OutputError(message)
        for path in (output, quarantine_path(output, "")):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.lstat(path)  # says when a name is too long
        folder = os.path.dirname(target)
        while not os.path.lexists(folder):  # the folders that are missing will be made below this one
            folder = os.path.dirname(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(output, error) from error


def quarantine_path(output: str, job_id: str) -> str:
    """Return the path of the quarantine file that belongs to an output, and to no other one in its folder.

    That of ``results.json`` is ``quarantine.jsonl``, that of any other NAME is ``NAME.quarantine.jsonl``. For standard
    output NAME is the job's id, in the current directory.
    """
    if output == "-":
        return f"{job_id}.quarantine.jsonl"
    folder, name = os.path.split(output)
    return os.path.join(folder, "quarantine.jsonl" if name in {"results.json", PARTS} else f"{name}.quarantine.jsonl")


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


def _is_quarantine(path: str) -> bool:
    """Whether a file is a quarantine that this package wrote, by its first line; an empty file may be anybody's."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            content = json.loads(file.readline(_LONGEST_ENTRY_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= {"file", "offset", "line", "reason"}


def _anyway() -> None:
    """Ask nobody whether to go on."""


def write_results(
    pairs: Iterable[tuple[str, Any]],
    output: str,
    job_id: str = "",
    *,
    form: str = "json",
    aside: Iterable[str] | None = None,
    confirm: Callable[[], None] = _anyway,
) -> None:
    """Write results that are all in one file; see :func:`write_parts`."""
    write_parts([pairs], output, job_id, form=form, aside=aside, confirm=confirm)


def write_parts(
    parts: Sequence[Iterable[tuple[str, Any]]],
    output: str,
    job_id: str = "",
    *,
    form: str = "json",
    aside: Iterable[str] | None = None,
    confirm: Callable[[], None] = _anyway,
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
            listed = (entry.encode("utf-8", "backslashreplace").decode() + "\n" for entry in aside)
            ready.append(drafts.enter_context(Draft(quarantine, lambda file: file.writelines(listed))))
        if output != "-":
            paths = [_part(output, number) for number in range(len(parts))] if form == "mr-out" else [output]
            for path, part in zip(paths, parts, strict=True):
                ready.append(drafts.enter_context(Draft(path, partial(write, part))))
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
    if aside is None and _is_quarantine(quarantine):
        with contextlib.suppress(OSError):
            os.unlink(quarantine)


def _print(write: Callable[[TextIO], None]) -> None:
    """Print results. When ``write`` raises they lack their end, so that no reader takes them as whole."""
    try:
        write(sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write to standard output: {error.strerror}; name a file with --output"
        raise OutputError(message) from error


def _write_object(pairs: Iterable[tuple[str, Any]], file: TextIO, before_the_end: Callable[[], None] = _anyway) -> None:
    waiting: list[str] = []
    chars = 0
    first = True
    for key, value in pairs:
        text = value_text(value)
        waiting.append(f"{'{' if first else ','}\n  {json.dumps(key, ensure_ascii=False)}: {text}")
        first = False
        chars += len(waiting[-1])
        if chars > _BUFFER_CHARS:
            file.write("".join(waiting))
            waiting.clear()
            chars = 0
    before_the_end()
    file.write("".join(waiting) + ("{}\n" if first else "\n}\n"))


def _write_lines(pairs: Iterable[tuple[str, Any]], file: TextIO, before_the_end: Callable[[], None] = _anyway) -> None:
    waiting: list[str] = []
    chars = 0
    for _, lines in pairs:
        waiting += lines
        chars += sum(map(len, lines))
        if chars > _BUFFER_CHARS:
            file.buffer.write(_joined(waiting))
            waiting.clear()
            chars = 0
    before_the_end()
    file.buffer.write(_joined(waiting))


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("latin-1")


def _write_part(pairs: Iterable[tuple[str, Any]], file: TextIO) -> None:
    for key, value in pairs:
        text = value if value.__class__ is str else json.dumps(value, ensure_ascii=False, sort_keys=True)
        file.write(f"{key} {text}\n")


#: What writes results, by their form.
_FORMS: dict[str, Callable[..., None]] = {"json": _write_object, "lines": _write_lines, "mr-out": _write_part}


def value_text(value: Any) -> str:
    """Return a value's JSON text as it stands inside an object of two-space indent."""
    if value.__class__ is int:
        return repr(value)
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.replace("\n", "\n  ") if "\n" in text else text
