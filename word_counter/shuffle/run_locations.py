"""Places: where the files of a shuffle are: below a folder that all see, or behind a URL."""

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

#: What is named in the place of a folder or a URL when the shuffle goes by Redis; and as long as that is well.
REDIS = "redis"
AUTO = "auto"
#: How often a folder is removed again that others still write into.
_REMOVALS = 5
_PAUSE_SECONDS = 0.1


class FolderLocation:
    """A folder of this machine, or one that many machines share."""

    #: Whether reading a file bit by bit is as good as reading it at once.
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

    def lasts(self, folder: str) -> None:
        sync_folder(self._path(folder))

    def remove(self, folder: str) -> None:
        for _ in range(_REMOVALS):
            shutil.rmtree(self._path(folder), ignore_errors=True)
            if not os.path.lexists(self._path(folder)):
                return
            time.sleep(_PAUSE_SECONDS)
        shutil.rmtree(self._path(folder))

    def spool_folder(self, folder: str) -> str | None:
        """Return where a reduce task may keep files of its own: where there is room for all runs anyway."""
        return self._path(folder)


class UrlLocation:
    """What is behind a URL that fsspec knows."""

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

    def lasts(self, folder: str) -> None:
        """Objects last by themselves."""

    def remove(self, folder: str) -> None:
        self._files.remove_tree(self._path(folder))

    def spool_folder(self, folder: str) -> str | None:  # noqa: ARG002 (as it is of a folder)
        """Return where a reduce task may keep files of its own: where temporary files are."""
        return None


def location_name(named: str) -> str:
    """Return what ``--shuffle`` names as any process may take it: an absolute path, a URL, "redis" or "auto".

    Raises:
        UsageError: it is none of these, or a URL that cannot be written or holds a password.
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
    """Raise UsageError, saying what to do, unless files could be written below a place that ``--shuffle`` names."""
    if place in {REDIS, AUTO}:
        return
    try:
        files_at(place).check(f"{place}/mr-0-0")
    except OutputError as error:
        message = str(error).replace(f"{place}/mr-0-0", place).replace("--output", "--shuffle")
        raise UsageError(message) from error


def location_at(root: str) -> FolderLocation | UrlLocation:
    """Return the place that a path or a URL names; OutputError when what its store needs is not there."""
    return UrlLocation(root) if is_url(root) else FolderLocation(root)


def reason_of(error: OSError | OutputError) -> str:
    """Return what was wrong, in a few words."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error).partition("; or give")[0]
