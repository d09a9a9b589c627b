"""Remote reader: finds input files behind URLs, in any store that fsspec knows, and reads them in ranges.

A range that fails is requested again, as connections drop. An answer that is too short is an error.
"""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast

import mmh3

from word_counter.errors import InputError, WordCounterError
from word_counter.files.urls import needs
from word_counter.settings.plurals import count

#: How many bytes are requested at a time when a file is read in order.
_RANGE_BYTES = 8 * 1024 * 1024
#: The pauses before a request is tried again, in seconds.
_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
#: How long the connection may be silent while a file is read as a whole, in seconds. The total time has no limit.
_SILENCE_SECONDS = 60
#: The facts about a file by which a change of it is noticed. Some stores give nothing but its size.
_MARKS = (
    "size",
    "ETag",
    "etag",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "md5Hash",
    "content_md5",
    "generation",
)
_WEB_MARKS = ("Last-Modified", "Content-MD5", "Digest")
#: What a web server says that will be the same when it is asked again: all of 4xx but these.
_REFUSALS = frozenset(range(400, 500)) - {408, 425, 429}
_NOT_THERE = frozenset({404, 410})
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
            names = [name for match in matches for name in (store.find(match) if store.isdir(match) else [match])]
            folder = re.split(r"[*?\[]", path)[0].rpartition("/")[0] + "/"
        else:
            # To the web all is a file: what is listed there is what ends like a folder.
            is_file = not path.endswith("/") and store.isfile(path)
            names, folder = [path] if is_file else sorted(store.find(path)), path
        if not names:
            with contextlib.suppress(FileNotFoundError):
                _unmasked(lambda: store.info(folder))  # none there, or nobody that answers?
        # The links by which a web server's lists are sorted are no files of it.
        return [name for name in names if name == path or "?" not in name or not _is_of_the_web(store)]

    return [str(store.unstrip_protocol(name)) for name in _asked(url, found) if not name.endswith("/")]


@lru_cache(maxsize=1024)
def comes_in_ranges(url: str) -> bool:
    """Return whether any range of a file can be had: a web server may give nothing but the whole.

    Raises:
        InputError: it cannot be read.
    """
    store, path = _store(url)

    def some() -> bool:
        try:
            with store.open(path, "rb", cache_type="none") as file:
                file.seek(1)
                file.read(1)
        except ValueError:  # so fsspec says it
            return False
        return True

    return not _is_of_the_web(store) or _asked(url, some)


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
    marks = repr([str(known.get(mark)) for mark in (*_MARKS, *_WEB_MARKS)])
    return Status(int(known["size"]), mmh3.hash64(marks, signed=False)[0] >> 1)


def open_url(url: str) -> BinaryIO:
    """Return a file to read from; InputError when it cannot be read, now or while it is read."""
    raw = _Ranges(url) if comes_in_ranges(url) else _Whole(url)
    return cast("BinaryIO", io.BufferedReader(raw, _RANGE_BYTES))


class _Remote(io.RawIOBase):
    """A file with a position to read from."""

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


class _Ranges(_Remote):
    """A file that is read in ranges."""

    def readinto(self, buffer: Any, /) -> int:
        end = min(self._size, self._at + len(buffer))
        if end <= self._at:
            return 0

        def block() -> bytes:
            content = bytes(self._store.cat_file(self._path, start=self._at, end=end))
            if len(content) != end - self._at:
                message = f"{count(len(content), 'byte')} came, of {end - self._at:,} asked for"
                raise OSError(message)
            return content

        content = _asked(self._url, block)
        buffer[: len(content)] = content
        self._at = end
        return len(content)


class _Whole(_Remote):
    """A file that a server sends only as a whole. When the connection drops, it is read again up to the position."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._response: Any = None
        self._received = 0  # how many bytes of the response were read

    def readinto(self, buffer: Any, /) -> int:
        if self._at >= self._size:
            return 0

        def block() -> bytes:
            try:
                if self._response is None or self._received > self._at:
                    self._begin()
                while self._received < self._at:
                    self._more(min(_RANGE_BYTES, self._at - self._received))
                return self._more(min(len(buffer), self._size - self._at))
            except BaseException:
                self._end()
                raise

        content = _asked(self._url, block)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def _begin(self) -> None:
        aiohttp, asyn, http = map(import_module, ("aiohttp", "fsspec.asyn", "fsspec.implementations.http"))
        self._end()
        store = self._store
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SILENCE_SECONDS, sock_read=_SILENCE_SECONDS)
        options = {**store.kwargs, "timeout": timeout}  # as open() would, which has no such timeout
        session = asyn.sync(store.loop, store.set_session)
        self._response = http.HTTPStreamFile(store, self._path, loop=store.loop, session=session, **options)
        self._received = 0

    def _more(self, most_bytes: int) -> bytes:
        content = bytes(self._response.read(most_bytes))
        if not content:
            message = f"it ended after {self._received:,} of {count(self._size, 'byte')}"
            raise OSError(message)
        self._received += len(content)
        return content

    def _end(self) -> None:
        if self._response is not None:
            with contextlib.suppress(Exception):  # the connection may be gone, and its libraries raise anything
                self._response.close()
            self._response = None

    def close(self) -> None:
        self._end()
        super().close()


def _store(url: str) -> tuple[Any, str]:
    try:
        fsspec = import_module("fsspec")
        store, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        message = f"the input {url} {needs(url, error)}"
        raise InputError(message) from None
    except Exception as error:
        message = f"cannot read {url}: {error}"
        raise InputError(message) from error
    return store, str(path)


def _is_of_the_web(store: Any) -> bool:
    return "http" in ((store.protocol,) if isinstance(store.protocol, str) else store.protocol)


def _asked(url: str, ask: Callable[[], _Answer]) -> _Answer:
    """Return the answer of a store. Ask again after errors that may come from the network."""
    for pause in (*_PAUSES_SECONDS, None):
        try:
            return _unmasked(ask)
        except WordCounterError:
            raise
        except FileNotFoundError as error:
            message = f"cannot read {url}: there is no such file, folder or bucket"
            raise InputError(message) from error
        except Exception as error:  # whatever the libraries of stores raise
            code = getattr(error, "status", 0)
            unknown = isinstance(error, PermissionError) or "credential" in f"{type(error).__name__} {error}".lower()
            if code in {401, 403} or unknown:
                hint = " (the credentials have to be in the environment of this process)"
            elif code in _REFUSALS or isinstance(error, NotImplementedError):
                hint = ""
            elif pause is None:
                hint = f" (asked {len(_PAUSES_SECONDS) + 1} times)"
            else:
                time.sleep(pause)
                continue
            message = f"cannot read {url}: {str(error) or type(error).__name__}{hint}"
            raise InputError(message) from error
    raise AssertionError


def _unmasked(ask: Callable[[], _Answer]) -> _Answer:
    """Return an answer; raise the cause where fsspec's HTTP files report any error as a missing file."""
    try:
        return ask()
    except FileNotFoundError as error:
        cause = error.__cause__
        if cause is not None and (isinstance(cause, OSError) or getattr(cause, "status", 404) not in _NOT_THERE):
            raise cause from None
        raise
