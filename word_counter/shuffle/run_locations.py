"""Run locations: where run files are, below a folder that all workers share, or behind a URL."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator

from word_counter.errors import OutputError, UsageError
from word_counter.files.local_files import sync_folder
from word_counter.files.locations import absolute, checked, files_at, is_database
from word_counter.files.remote_files import RemoteFiles
from word_counter.files.urls import is_url
from word_counter.shuffle.spill_file import PIECE_BYTES

#: Values of ``--shuffle`` besides a folder or a URL: through Redis; through Redis as long as there is memory for it.
REDIS = "redis"
AUTO = "auto"
#: How often removing a folder is tried while others still write into it.
_REMOVALS = 5
_PAUSE_SECONDS = 0.1


class FolderLocation:
    """A folder of this machine, or one that many machines share."""

    #: Whether reading a file in pieces is as fast as reading it at once.
    near = True

    def __init__(self, root: str) -> None:
        self._root = root

    def _path(self, name: str) -> str:
        return os.path.join(self._root, name)

    def make(self, folder: str) -> None:
        os.makedirs(self._path(folder), exist_ok=True)

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        folder, base = os.path.split(self._path(name))
        temporary = os.path.join(folder, f".{base}.tmp")
        try:
            with open(temporary, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, os.path.join(folder, base))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def pieces(self, name: str) -> Iterator[bytes]:
        with open(self._path(name), "rb", buffering=0) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def part(self, name: str, offset: int, length: int) -> bytes:
        with open(self._path(name), "rb", buffering=0) as file:
            file.seek(offset)
            parts: list[bytes] = []
            while length > 0 and (part := file.read(length)):
                parts.append(part)
                length -= len(part)
            return b"".join(parts)

    def sync(self, folder: str) -> None:
        sync_folder(self._path(folder))

    def remove(self, folder: str) -> None:
        for _ in range(_REMOVALS):
            shutil.rmtree(self._path(folder), ignore_errors=True)
            if not os.path.lexists(self._path(folder)):
                return
            time.sleep(_PAUSE_SECONDS)
        shutil.rmtree(self._path(folder))

    def spill_folder(self, folder: str) -> str | None:
        """Return the folder for the spill files of a reduce task: this one, which has room for all runs anyway."""
        return self._path(folder)


class UrlLocation:
    """A URL of a kind that fsspec knows."""

    near = False

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._files = RemoteFiles(url)

    def _path(self, name: str) -> str:
        return f"{self._url}/{name}"

    def make(self, folder: str) -> None:
        self._files.make(self._path(folder))

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        with self._files.draft(self._path(name), lambda file: file.writelines(pieces)) as draft:
            draft.show()

    def pieces(self, name: str) -> Iterator[bytes]:
        yield self._files.part(self._path(name))

    def part(self, name: str, offset: int, length: int) -> bytes:
        return self._files.part(self._path(name), offset, length)

    def sync(self, folder: str) -> None:
        """Do nothing: objects are durable once they are written."""

    def remove(self, folder: str) -> None:
        self._files.remove_tree(self._path(folder))

    def spill_folder(self, folder: str) -> str | None:  # noqa: ARG002 (the same signature as for a folder)
        """Return the folder for the spill files of a reduce task; None: that of temporary files."""
        return None


def location_name(named: str) -> str:
    """Return the value of ``--shuffle`` in a form that holds in any process: an absolute path, URL, "redis" or "auto".

    Raises:
        UsageError: it is none of these, or a URL that cannot be written or contains a password.
    """
    if named in {REDIS, AUTO}:
        return named
    try:
        place = checked(named)
    except OutputError as error:
        raise UsageError(str(error).replace("the output", "--shuffle").replace("--output", "--shuffle")) from None
    if place in {"", "-"} or is_database(place):
        message = f"--shuffle {named!r} is neither auto, nor redis, nor a folder, nor the URL of one"
        raise UsageError(message)
    return absolute(place.rstrip("/") or "/")


def check_location(place: str) -> None:
    """Raise UsageError, which says what to do, unless files could be written to the location of ``--shuffle``."""
    if place in {REDIS, AUTO}:
        return
    try:
        files_at(place).check(f"{place}/mr-0-0")
    except OutputError as error:
        message = str(error).replace(f"{place}/mr-0-0", place).replace("--output", "--shuffle")
        raise UsageError(message) from error


def location_at(root: str) -> FolderLocation | UrlLocation:
    """Return the location for a path or a URL; OutputError when a library for this kind of URL is missing."""
    return UrlLocation(root) if is_url(root) else FolderLocation(root)


def reason_of(error: OSError | OutputError) -> str:
    """Return what was wrong, in a few words."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error).partition("; or give")[0]
