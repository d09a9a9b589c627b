"""Files of this machine: written beside their places, and seen there whole or not at all: draft, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from typing import BinaryIO

from word_counter.errors import OutputError
from word_counter.outputs.base import Draft, Fill


class LocalDraft(Draft):
    """A file that is written beside its place."""

    def __init__(self, path: str, fill: Fill) -> None:
        """Write it; OutputError when that is not possible."""
        self._path = path
        self._temporary = ""
        try:
            self._target = os.path.realpath(path)
            self._folder, name = os.path.split(self._target)
            os.makedirs(self._folder, exist_ok=True)
            descriptor, self._temporary = tempfile.mkstemp(prefix=f".{name[:50]}.", suffix=".tmp", dir=self._folder)
            with open(descriptor, "wb") as file:
                fill(file)
                file.flush()
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.fsync(file.fileno())
        except OSError as error:
            self.drop()
            raise unwritable(path, error) from error
        except BaseException:
            self.drop()
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
            sync_folder(self._folder)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def drop(self) -> None:
        """Remove it, unless it is in its place."""
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)


class LocalFiles:
    """The files of this machine."""

    draft = LocalDraft

    def check(self, output: str, others: tuple[str, ...] = ()) -> None:
        """Raise OutputError, saying what to do, unless a file could be written to ``output``; leaves nothing behind.

        Names that are too long for a file are found among ``others``, too.
        """
        folder, name = os.path.split(output)
        if name in {"", os.curdir, os.pardir} or "\0" in output or os.path.isdir(output):
            what = f"is a directory; name a file in it, such as {os.path.join(output, 'results.json')}"
            message = f"the output {output!r} {what if output else 'names no file; - is standard output'}"
            raise OutputError(message)
        if os.path.exists(output) and not os.path.isfile(output):
            message = (
                f"the output {output} is not a regular file: it would be replaced by one; use - for standard output"
            )
            raise OutputError(message)
        try:
            target = os.path.realpath(output)
            if os.path.islink(output) and (os.path.islink(target) or not os.path.isdir(os.path.dirname(target))):
                message = (
                    f"the output {output} is a link to {os.readlink(output)}, which leads nowhere; "
                    "give another --output"
                )
                raise OutputError(message)
            for path in (output, *others):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.lstat(path)  # says when a name is too long
            folder = os.path.dirname(target)
            while not os.path.lexists(folder):  # the folders that are missing will be made below this one
                folder = os.path.dirname(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise unwritable(output, error) from error

    def there(self, path: str) -> bool:
        """Return whether there is anything at a path."""
        return os.path.lexists(path)

    def head(self, path: str, most_bytes: int) -> bytes:
        """Return how a file begins; OSError when there is none, or something else."""
        if not os.path.isfile(path):
            raise FileNotFoundError(path)
        with open(path, "rb") as file:
            return file.read(most_bytes)

    def open(self, path: str) -> BinaryIO:
        """Return a file to read from."""
        return open(path, "rb")

    def names_in(self, folder: str) -> list[str]:
        """Return the names in a folder; OSError when it cannot be read."""
        return os.listdir(folder)

    def remove(self, path: str) -> None:
        """Remove a file; OSError when that is not possible."""
        os.unlink(path)


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: str) -> None:
    """Make renames in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
