"""Drafts: files that are written beside their places, and seen there whole or not at all: draft, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from word_counter.errors import OutputError


def unwritable(output: str, error: OSError) -> OutputError:
    """Return the error of an output that cannot be written, with what to do."""
    try:
        folder = os.path.dirname(os.path.abspath(output))
    except OSError:
        return OutputError(f"cannot write {output}: the current directory is gone; change to one that is there")
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return OutputError(f"cannot write {output}: {error.strerror}; make room, or give another --output")
    if error.errno == errno.ENAMETOOLONG:
        return OutputError(f"cannot write {output}: {error.strerror}; give another --output")
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return OutputError(f"cannot write {output}: a part of that path is a file, not a folder; give another --output")
    who = f"user {os.getuid()}" if hasattr(os, "getuid") else "this user"
    return OutputError(
        f"cannot write {output} as {who}: {error.strerror}; make {folder} writable for that user "
        f"(chmod o+w {folder}), run as its owner (docker-compose: WORD_COUNTER_UID=$(id -u) "
        "WORD_COUNTER_GID=$(id -g)), or give another --output"
    )


class Draft:
    """A file that is written beside its place, and seen there whole or not at all."""

    def __init__(self, path: str, write: Callable[[TextIO], None]) -> None:
        """Write it; OutputError when that is not possible."""
        self._path = path
        self._temporary = ""
        try:
            self._target = os.path.realpath(path)
            self._folder, name = os.path.split(self._target)
            os.makedirs(self._folder, exist_ok=True)
            descriptor, self._temporary = tempfile.mkstemp(prefix=f".{name[:50]}.", suffix=".tmp", dir=self._folder)
            with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
                write(file)
                file.flush()
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.fsync(file.fileno())
        except OSError as error:
            self._drop()
            raise unwritable(path, error) from error
        except BaseException:
            self._drop()
            raise

    def check(self) -> None:
        """Raise OutputError when something has come into its place that no file can replace."""
        if os.path.isdir(self._target):
            raise unwritable(self._path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))

    def show(self) -> None:
        """Put it in its place."""
        try:
            os.replace(self._temporary, self._target)
            self._temporary = ""
            _sync_folder(self._folder)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _drop(self) -> None:
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()


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
