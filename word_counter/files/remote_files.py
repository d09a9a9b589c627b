"""Files of a URL: of any store that fsspec knows, such as s3, gs, abfs, sftp and hdfs.

A draft is an object of a hidden name beside its place, and is shown by moving it there: stores of objects copy it,
which is atomic for who reads, and file systems rename it.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator
from secrets import token_hex
from typing import Any, BinaryIO, Self, cast

from word_counter.errors import OutputError, WordCounterError
from word_counter.files.drafts import Draft, Fill, library
from word_counter.files.urls import needs
from word_counter.settings.plurals import count


class RemoteFiles:
    """The files of the store that a URL names."""

    def __init__(self, url: str) -> None:
        """OutputError when fsspec, or what it needs for this store, is missing, or the store cannot be reached."""
        self._fsspec = library("fsspec", "fsspec", url)
        with _told(url):
            self._store, _ = self._fsspec.core.url_to_fs(url)

    def path(self, url: str) -> str:
        """Return what the store itself calls a URL."""
        return str(self._store._strip_protocol(url))  # noqa: SLF001 (its name is public by use: fsspec has no other)

    def check(self, output: str, others: tuple[str, ...] = ()) -> None:  # noqa: ARG002 (what local files need)
        """Raise OutputError, saying what to do, unless an object could be written to ``output``.

        Writes an empty object of a hidden name, and removes it.
        """
        if output.endswith("/") or not posixpath.basename(self.path(output)):
            message = (
                f"the output {output} names a folder; name a file in it, such as {output.rstrip('/')}/results.json"
            )
            raise OutputError(message)
        with _told(output):
            if self._store.isdir(self.path(output)):
                message = f"the output {output} is a folder; name a file in it, such as {output}/results.json"
                raise OutputError(message)
        with self.draft(output, lambda _: None):
            pass

    def draft(self, url: str, fill: Fill) -> RemoteDraft:
        """Write a draft; OutputError when that is not possible."""
        return RemoteDraft(self._store, url, self.path(url), fill)

    def there(self, url: str) -> bool:
        """Return whether there is anything at a URL."""
        with _told(url):
            return bool(self._store.exists(self.path(url)))

    def head(self, url: str, most_bytes: int) -> bytes:
        """Return how an object begins; OSError when there is none."""
        with self.open(url) as file:
            return file.read(most_bytes)

    def open(self, url: str) -> BinaryIO:
        """Return a file to read from; FileNotFoundError when there is none, OutputError when it cannot be read."""
        with _told_of_reading(url):
            return cast(BinaryIO, _Read(self._store.open(self.path(url), "rb"), url))

    def names_in(self, folder: str) -> list[str]:
        """Return the names in a folder; OSError when it cannot be read."""
        with _told_of_reading(folder):
            self._store.invalidate_cache()
            return [posixpath.basename(path) for path in self._store.ls(self.path(folder), detail=False)]

    def remove(self, url: str) -> None:
        """Remove an object; OSError when that is not possible."""
        self._store.rm_file(self.path(url))

    def make(self, folder: str) -> None:
        """Make a folder, where the store has any."""
        with _told(folder), contextlib.suppress(FileExistsError):
            self._store.mkdir(self.path(folder), create_parents=False)  # s3fs would make a bucket, too

    def part(self, url: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a part of an object, or what of it is there; FileNotFoundError when there is no such object."""
        end = None if length is None else offset + length
        with _told_of_reading(url):
            return cast(bytes, self._store.cat_file(self.path(url), start=offset or None, end=end))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all in it; it may be gone."""
        self._store.invalidate_cache()
        with contextlib.suppress(FileNotFoundError), _told(folder):
            if self._store.exists(self.path(folder)):
                self._store.rm(self.path(folder), recursive=True)


class RemoteDraft(Draft):
    """An object that is written beside its place."""

    def __init__(self, store: Any, url: str, path: str, fill: Fill) -> None:
        self._store = store
        self._url = url
        self._path = path
        folder, name = posixpath.split(path)
        self._temporary = posixpath.join(folder, f".{name[:50]}.{token_hex(8)}.tmp")
        try:
            with _told(url):
                file = store.open(self._temporary, "wb")
            try:
                fill(cast(BinaryIO, _Written(file, url)))  # what else is raised there is no matter of the store
            except BaseException:
                with contextlib.suppress(Exception):
                    file.close()
                raise
            with _told(url):
                file.close()
                self._size = self._size_of(self._temporary)
        except BaseException:
            self.drop()
            raise

    def show(self) -> None:
        """Move it to its place."""
        with _told(self._url):
            self._store.mv(self._temporary, self._path)
            self._temporary = ""
            if (size := self._size_of(self._path)) != self._size:
                message = f"cannot write {self._url}: it has {count(size, 'byte')}, not {self._size:,} as written"
                raise OutputError(message)

    def _size_of(self, path: str) -> int:
        self._store.invalidate_cache()
        return int(self._store.info(path)["size"])

    def drop(self) -> None:
        """Remove it, unless it is in its place."""
        if self._temporary:
            with contextlib.suppress(Exception):  # whatever the libraries of stores raise
                self._store.rm_file(self._temporary)


class _Read:
    """A file of a store to read from, whose errors are told."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url

    def read(self, n: int = -1) -> bytes:
        with _told_of_reading(self._url):
            return bytes(self._file.read(n))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _Written:
    """A file of a store, whose errors are told."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url

    def write(self, content: bytes) -> int:
        with _told(self._url):
            return int(self._file.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextlib.contextmanager
def _told_of_reading(url: str) -> Iterator[None]:
    """Tell what a store's library raises, which may be anything, as an OutputError, unless a file is not there."""
    try:
        yield
    except (WordCounterError, FileNotFoundError):
        raise
    except Exception as error:
        message = f"cannot read {url}: {str(error) or type(error).__name__}"
        raise OutputError(message) from error


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """Tell what a store's library raises, which may be anything, as an OutputError."""
    try:
        yield
    except WordCounterError:
        raise
    except ImportError as error:
        message = f"the output {url} {needs(url, error)}"
        raise OutputError(message) from error
    except Exception as error:
        why = str(error) or type(error).__name__
        hint = "the folder or bucket has to be there, and the credentials in this process's environment"
        message = f"cannot write {url}: {why} ({hint}); or give another --output"
        raise OutputError(message) from error
