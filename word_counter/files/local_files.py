"""Local files: written as a draft beside the target, synced to disk, then renamed. Readers never see half a file.

The process that writes a draft locks it. The system releases the lock when the process ends, however it ends. So a
draft that is not locked was left by a killed process. It is removed when the next draft is written to its folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import tempfile
from typing import BinaryIO, ClassVar

from word_counter.errors import OutputError
from word_counter.files.drafts import Draft, Fill

#: The names of drafts that are locked. mkstemp() chooses the middle.
_SUFFIX = ".wc.tmp"
_LOCKED = re.compile(r"\..+\.[a-z0-9_]{8}" + re.escape(_SUFFIX), re.DOTALL)


class LocalDraft(Draft):
    """A file that is written beside its target."""

    #: The most drafts that are locked at a time, as each is an open file. Others have another name, and stay when their
    #: process is killed.
    most_locked: ClassVar[int] = 64
    _locked: ClassVar[int] = 0

    def __init__(self, path: str, fill: Fill) -> None:
        """Write it; OutputError when that is not possible."""
        self._path = path
        self._temporary = ""
        self._lock = -1
        try:
            self._target = os.path.realpath(path)
            self._folder, name = os.path.split(self._target)
            os.makedirs(self._folder, exist_ok=True)
            _sweep(self._folder)
            with self._begun(name) as file:
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

    def _begun(self, name: str) -> BinaryIO:
        """Return a new file, and lock it unless too many are locked."""
        while True:
            lock = LocalDraft._locked < self.most_locked
            suffix = _SUFFIX if lock else ".tmp"
            descriptor, self._temporary = tempfile.mkstemp(prefix=f".{name[:50]}.", suffix=suffix, dir=self._folder)
            if not lock:
                return open(descriptor, "wb")
            LocalDraft._locked += 1
            self._lock = descriptor
            with contextlib.suppress(OSError):  # where files cannot be locked, no process removes drafts either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return open(descriptor, "wb", closefd=False)
            self._unlock()  # another process removed it just before it was locked

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
            LocalDraft._locked -= 1

    def check(self) -> None:
        """Raise OutputError when the target has become something that no file can replace."""
        if os.path.isdir(self._target):
            raise unwritable(self._path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))

    def show(self) -> None:
        """Rename it to its target."""
        try:
            os.replace(self._temporary, self._target)
            self._temporary = ""
            sync_folder(self._folder)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def drop(self) -> None:
        """Remove it, unless it was shown."""
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
        self._unlock()


def _sweep(folder: str) -> None:
    """Remove the drafts of processes that were killed."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith(_SUFFIX) and _LOCKED.fullmatch(name):
                with contextlib.suppress(OSError):
                    _remove_unless_locked(os.path.join(folder, name))


def _remove_unless_locked(draft: str) -> None:
    """Remove a draft; OSError when a process has it locked."""
    descriptor = os.open(draft, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(draft)
    finally:
        os.close(descriptor)


class LocalFiles:
    """The files of this machine."""

    draft = LocalDraft

    def check(self, output: str, others: tuple[str, ...] = ()) -> None:
        """Raise OutputError, which says what to do, unless ``output`` could be written. Leaves nothing behind.

        Names in ``others`` are checked for their length only.
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
                    os.lstat(path)  # raises when a name is too long
            folder = os.path.dirname(target)
            while not os.path.lexists(folder):  # missing folders will be made below the first one that exists
                folder = os.path.dirname(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise unwritable(output, error) from error

    def there(self, path: str) -> bool:
        """Return whether there is anything at a path."""
        return os.path.lexists(path)

    def head(self, path: str, most_bytes: int) -> bytes:
        """Return the start of a file; OSError when there is none, or it is not a regular file."""
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
    while not os.path.exists(folder):  # it would be made below the first one that is there
        folder = os.path.dirname(folder)
    if error.errno not in {errno.EACCES, errno.EPERM}:
        why = {
            errno.ENOSPC: f"{error.strerror}; make room, or",
            errno.EDQUOT: f"{error.strerror}; make room, or",
            errno.EFBIG: f"{error.strerror}; make room, or",
            errno.EROFS: f"{folder} is on a read-only file system;",
            errno.ENOTDIR: "a part of that path is a file, not a folder;",
            errno.EEXIST: "a part of that path is a file, not a folder;",
        }.get(error.errno or 0, f"{error.strerror};")
        return OutputError(f"cannot write {output}: {why} give another --output")
    who = f"user {os.getuid()}" if hasattr(os, "getuid") else "this user"
    return OutputError(
        f"cannot write {output} as {who}: {error.strerror}; make {folder} writable for that user "
        f"(chmod o+w {folder}), run as its owner, or give another --output"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: str) -> None:
    """Sync a folder, so that renames in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
