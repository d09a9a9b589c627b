"""Remote inputs: files behind URLs, in any store that fsspec knows, found and read in ranges.

A range that fails is asked for again, as connections drop; an answer that is cut short is not taken for the whole.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast

import mmh3

from word_counter.errors import InputError, WordCounterError

#: How much is asked for at a time, in bytes, where files are read on.
_RANGE_BYTES = 8 * 1024 * 1024
#: The pauses before a request is tried again, in seconds.
_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
#: By which of what a store tells of a file it is known that it has changed.
_MARKS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "md5Hash", "content_md5", "generation")
_Answer = TypeVar("_Answer")


class Status(NamedTuple):
    """The size of a file in bytes, and a number that changes with its content: as far as its store tells."""

    size: int
    modified: int


def find(url: str) -> list[str]:
    """Return the URLs of the files that a URL stands for: one, all below a folder, or those a glob matches, sorted.

    Raises:
        InputError: there are none, the store cannot be reached, or a library for it is missing.
    """
    store, path = _store(url)

    def found() -> list[str]:
        store.invalidate_cache()
        if re.search(r"[*?\[]", path) and not store.exists(path):
            matches = sorted(store.glob(path))
            return [name for match in matches for name in (store.find(match) if store.isdir(match) else [match])]
        return [path] if store.isfile(path) else sorted(store.find(path))

    return [str(store.unstrip_protocol(name)) for name in _asked(url, found) if not name.endswith("/")]


def status(url: str) -> Status:
    """Return what is known of a file; InputError when there is none, or the store cannot be reached."""
    store, path = _store(url)

    def facts() -> dict[str, Any]:
        store.invalidate_cache()
        return dict(store.info(path))

    known = _asked(url, facts)
    if known.get("size") is None:
        message = f"cannot read {url}: its server does not say how long it is; download it, and name the file"
        raise InputError(message)
    marks = repr([str(known.get(mark)) for mark in _MARKS])
    return Status(int(known["size"]), mmh3.hash64(marks, signed=False)[0] >> 1)


def open_url(url: str) -> BinaryIO:
    """Return a file to read from; InputError when it cannot be read, now or while it is read."""
    return cast("BinaryIO", io.BufferedReader(_Ranges(url), _RANGE_BYTES))


class _Ranges(io.RawIOBase):
    """A file that is read in ranges."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store, self._path = _store(url)
        self._size = status(url).size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        end = min(self._size, self._at + len(buffer))
        if end <= self._at:
            return 0

        def block() -> bytes:
            content = bytes(self._store.cat_file(self._path, start=self._at, end=end))
            if len(content) != end - self._at:
                message = f"{len(content)} bytes came where {end - self._at} were asked for"
                raise OSError(message)
            return content

        content = _asked(self._url, block)
        buffer[: len(content)] = content
        self._at = end
        return len(content)


def _store(url: str) -> tuple[Any, str]:
    try:
        fsspec = import_module("fsspec")
    except ModuleNotFoundError:
        message = f"the input {url} needs fsspec: pip install 'word-counter[fsspec]', or [s3], [gs], [abfs], [sftp]"
        raise InputError(message) from None
    try:
        store, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        scheme = url.partition(":")[0]
        message = f"the input {url} needs another package: {error}; word-counter[{scheme}] may have it"
        raise InputError(message) from None
    except Exception as error:
        message = f"cannot read {url}: {error}"
        raise InputError(message) from error
    return store, str(path)


def _asked(url: str, ask: Callable[[], _Answer]) -> _Answer:
    """Return the answer of a store; ask again after what may have been the network."""
    for pause in (*_PAUSES_SECONDS, None):
        try:
            return ask()
        except WordCounterError:
            raise
        except FileNotFoundError as error:
            message = f"cannot read {url}: there is no such file, folder or bucket"
            raise InputError(message) from error
        except Exception as error:  # whatever the libraries of stores raise
            refused = isinstance(error, PermissionError) or "credential" in f"{type(error).__name__} {error}".lower()
            if refused or pause is None:
                why = str(error) or type(error).__name__
                hint = "the credentials have to be in the environment of this process" if refused else "asked 5 times"
                message = f"cannot read {url}: {why} ({hint})"
                raise InputError(message) from error
        time.sleep(pause)
    raise AssertionError
