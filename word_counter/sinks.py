"""Sinks: where results go. A file is seen whole or not at all: temporary file, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import IO, Any

from word_counter.errors import OutputError

#: How many characters are gathered before they are written.
_BUFFER_CHARS = 256 * 1024


def check_writable(output: str) -> None:
    """Raise OutputError, saying what to do, unless the results could be written to ``output``.

    Leaves nothing behind. Called before a job starts, so that hours of work do not end in this.
    """
    if output == "-":
        return
    if os.path.isdir(output):
        message = (
            f"the output {output} is a directory; name a file in it, such as {os.path.join(output, 'results.json')}"
        )
        raise OutputError(message)
    if os.path.exists(output) and not os.path.isfile(output):
        message = f"the output {output} is not a regular file: it would be replaced by one; use - for standard output"
        raise OutputError(message)
    folder = os.path.dirname(os.path.abspath(output))
    while not os.path.lexists(folder):  # the folders that are missing will be made below this one
        folder = os.path.dirname(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(output, error) from error


def _unwritable(output: str, error: OSError) -> OutputError:
    folder = os.path.dirname(os.path.abspath(output))
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return OutputError(f"cannot write {output}: {error.strerror}; make room, or give another --output")
    who = f"user {os.getuid()}" if hasattr(os, "getuid") else "this user"
    return OutputError(
        f"cannot write {output} as {who}: {error.strerror}; make {folder} writable for that user "
        f"(chmod o+w {folder}), run as its owner (docker-compose: WORD_COUNTER_UID=$(id -u) "
        "WORD_COUNTER_GID=$(id -g)), or give another --output"
    )


def quarantine_path(output: str) -> str:
    """Return the path of the quarantine file that belongs to results."""
    return os.path.join(os.path.dirname(output), "quarantine.jsonl") if output != "-" else "quarantine.jsonl"


def write_quarantine(entries: Iterable[str] | None, output: str) -> None:
    """Write what was set aside, a JSON object a line, beside the results; None: remove what an earlier job left.

    Raises:
        OutputError: the file cannot be written.
    """
    path = quarantine_path(output)
    if entries is None:
        if output != "-":
            with contextlib.suppress(OSError):
                os.unlink(path)
        return
    _write_whole(path, lambda file: file.writelines(entry + "\n" for entry in entries))


def _anyway() -> None:
    """Ask nobody whether to go on."""


def write_results(pairs: Iterable[tuple[str, Any]], output: str, confirm: Callable[[], None] = _anyway) -> None:
    """Write results as one JSON object, in the order of ``pairs``, with a two-space indent, in UTF-8.

    Args:
        pairs: key texts with their values, sorted and unique.
        output: a path, or "-" for standard output.
        confirm: called when all is written and just before it is seen; raises to leave what stood there before.

    Raises:
        OutputError: the file cannot be written; what stood there before still does.
    """
    if output == "-":
        _write_object(pairs, sys.stdout)
        sys.stdout.flush()
        return
    _write_whole(output, lambda file: _write_object(pairs, file), confirm)


def _write_whole(output: str, write: Callable[[IO[str]], None], confirm: Callable[[], None] = _anyway) -> None:
    """Write a file that is seen whole or not at all."""
    target = os.path.realpath(output)
    folder, name = os.path.split(target)
    temporary = ""
    try:
        os.makedirs(folder, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
                write(file)
                file.flush()
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.fsync(file.fileno())
            confirm()
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise _unwritable(output, error) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: str) -> None:
    """Make the rename itself last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_object(pairs: Iterable[tuple[str, Any]], file: IO[str]) -> None:
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
    file.write("".join(waiting) + ("{}\n" if first else "\n}\n"))


def value_text(value: Any) -> str:
    """Return a value's JSON text as it stands inside an object of two-space indent."""
    if value.__class__ is int:
        return repr(value)
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.replace("\n", "\n  ") if "\n" in text else text
