"""Uploads: what is sent to the folders that a job's tasks work in: files, folders, and packed files.

A file travels as a side file of the job, a folder as a tar file of its files. A file that is too large for that stays
where it is, and must be there on each machine that does work; its digest says whether it is the same one.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from word_counter.errors import InputError, UsageError
from word_counter.files.urls import is_url
from word_counter.job.side_file import SideFile, check_size
from word_counter.mrjob.util import expand_path

FILE, DIR, ARCHIVE = "file", "dir", "archive"
#: A larger file does not travel, in bytes.
_LARGEST_SENT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """One thing that is sent.

    Attributes:
        kind: "file", "dir", or "archive": a packed file, which is unpacked into a folder.
        path: where it was when the job was made.
        digest: the SHA-256 of a file that does not travel; nothing: it does.
    """

    kind: str
    path: str
    digest: str = ""


class Uploads:
    """What a job sends, by the names that it has in the folders of tasks."""

    def __init__(self) -> None:
        self._found: dict[str, Upload] = {}

    def add_all(self, kind: str, texts: str | Iterable[str] | None) -> None:
        """Add what a job names: paths or globs, each with ``#name`` behind it where it is to be called otherwise.

        Raises:
            UsageError: something is not there, or two things have one name.
        """
        for text in [texts] if isinstance(texts, str) else texts or ():
            path, _, name = (expand_path(str(text)) or "").partition("#")
            for match in sorted(glob.glob(path)) or [path]:
                self._add(kind, match, name.rstrip("/") or os.path.basename(match.rstrip("/")))

    def add_file(self, text: str) -> str:
        """Add a file that an option names; return the name that it has for tasks; UsageError as above."""
        path, _, name = text.partition("#")
        if not name:
            name = base = os.path.basename(path)
            number = 0
            while name in self._found and self._found[name].path != os.path.abspath(path):
                number += 1
                stem, ending = os.path.splitext(base)
                name = f"{stem}-{number}{ending}"
        self._add(FILE, path, name)
        return name

    def _add(self, kind: str, path: str, name: str) -> None:
        what = f"{path}, a {kind} to be sent to the tasks"
        if is_url(path):
            raise UsageError(f"cannot send {path} to the tasks: it is no local {kind}; copy it here first")
        if not name or "/" in name or name in {os.curdir, os.pardir}:
            raise UsageError(f"{what}, cannot be called {name!r} there: give path#name, with a name of no slashes")
        if not (os.path.isdir(path) if kind == DIR else os.path.isfile(path)):
            raise InputError(f"there is no {'folder' if kind == DIR else 'file'} {what}")
        whole = os.path.abspath(path)
        digest = _digest(whole) if kind != DIR and os.path.getsize(whole) > _LARGEST_SENT else ""
        upload = Upload(kind, whole, digest)
        if self._found.setdefault(name, upload) != upload:
            other = self._found[name].path
            raise UsageError(f"{what}, and {other} would both be called {name}; give one of them another as path#name")

    def as_param(self) -> dict[str, Any]:
        """Return them as a param of the job."""
        return {name: [upload.kind, upload.path, upload.digest] for name, upload in self._found.items()}


def of_param(param: Mapping[str, Any]) -> dict[str, Upload]:
    """Return uploads by name from a param."""
    return {name: Upload(*listed) for name, listed in param.items()}


def side_files(uploads: Mapping[str, Upload]) -> dict[str, SideFile]:
    """Return what travels of uploads, read from where it lies.

    Raises:
        InputError: it cannot be read.
        UsageError: it is too large.
    """
    found = {}
    for name, upload in uploads.items():
        try:
            name.encode()
            if not upload.digest:
                found[name] = SideFile(name, _packed(upload.path) if upload.kind == DIR else _content(upload.path))
        except OSError as error:
            message = f"cannot read {upload.path}, which is to be sent to the tasks: {error.strerror or error}"
            raise InputError(message) from error
        except UnicodeEncodeError as error:
            message = f"{upload.path} cannot be sent to the tasks by its name, which is not UTF-8; give path#name"
            raise UsageError(message) from error
    check_size(found)
    return found


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packed(folder: str) -> bytes:
    """Return the files of a folder as a packed tar file, the same bytes for the same files. Links are followed."""
    packed = io.BytesIO()
    # Neither times nor owners: they are no part of what is sent, and would make another job of it.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as file,
        tarfile.open(fileobj=file, mode="w") as archive,
    ):
        for path in sorted(_files(folder)):
            status = os.stat(path)
            member = tarfile.TarInfo(os.path.relpath(path, folder))
            member.size, member.mode = status.st_size, status.st_mode & 0o777
            with open(path, "rb") as content:
                archive.addfile(member, content)
    return packed.getvalue()


def _files(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (path for name in names if os.path.isfile(path := os.path.join(parent, name)))


def digest_of_file(path: str) -> str:
    """Return the SHA-256 of a file that did not travel; InputError when it is not here."""
    try:
        return _digest(path)
    except OSError as error:
        message = (
            f"cannot read {path}: {error.strerror}; it is too large to be sent to the tasks, so that each machine "
            "that has workers must have it at that path"
        )
        raise InputError(message) from error
