"""Plain files of this machine: their bytes are their lines. Directories and globs are looked into here."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator

from word_counter.errors import InputError
from word_counter.files.urls import is_url
from word_counter.inputs.base import Opened, Place, Search
from word_counter.inputs.kinds.decompression import is_wanted
from word_counter.inputs.kinds.stored_file import OpenFile, StoredFile, look_at, source_at
from word_counter.inputs.path_filter import is_hidden, is_no_data
from word_counter.job.model import Source


class PlainFile(StoredFile):
    """A file of this machine that is not packed. Workers read its chunks where they lie."""

    @classmethod
    def find(cls, name: str, search: Search) -> list[str]:
        """Return the files that a path, a directory or a glob stands for."""
        if os.path.isdir(name):
            found = _wanted(name, _walk(name, search), search)
            if not found:
                message = f"the directory {name} has no files in it{search.that_fit}"
                raise InputError(message)
            return found
        if os.path.lexists(name):
            return [name]
        if name not in search.literal and glob.has_magic(name):
            found = []
            for match in sorted(glob.glob(name, recursive=True)):
                if os.path.isdir(match):
                    found += _wanted(match, _walk(match, search), search)
                elif is_no_data(os.path.basename(match)) and not is_no_data(os.path.basename(name)):
                    search.hidden.append(match)
                elif is_wanted(os.path.basename(match), search.path_filter):
                    found.append(match)
            if not found:
                message = f"no file matches {name}{search.that_fit}"
                raise InputError(message)
            return found
        message = f"no such file or directory: {name}"
        raise InputError(message)

    @classmethod
    def sources(cls, place: Place) -> list[Source]:
        """Return one source."""
        look_at(place)
        return [source_at(place)]

    @classmethod
    def has(cls, source: Source) -> bool:
        """Tell by there being nothing special about it."""
        return not source.packing and not is_url(source.path)

    @classmethod
    def travels(cls, source: Source) -> bool:  # noqa: ARG003 (none of them does)
        """No: its chunks are read at their offsets."""
        return False

    def open(self, source: Source) -> Opened:
        """Open the file."""
        return OpenFile(type(self), source, self.roots.open(source.path))


def _wanted(folder: str, paths: Iterable[str], search: Search) -> list[str]:
    relative = {path: path.removeprefix(folder).lstrip("/") for path in paths}
    return sorted(path for path, name in relative.items() if is_wanted(name, search.path_filter))


def _walk(folder: str, search: Search) -> Iterator[str]:
    def fail(error: OSError) -> None:
        message = f"cannot read the directory {error.filename}: {error.strerror}"
        raise InputError(message) from error

    for parent, folders, files in os.walk(folder, onerror=fail):
        search.hidden += [os.path.join(parent, name) for name in files if is_no_data(name)]
        search.hidden += [os.path.join(parent, name) for name in folders if is_hidden(name)]
        folders[:] = [name for name in folders if not is_hidden(name)]
        search.linked += [path for name in folders if os.path.islink(path := os.path.join(parent, name))]
        yield from (os.path.join(parent, name) for name in files if not is_no_data(name))
