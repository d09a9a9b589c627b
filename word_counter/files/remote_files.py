"""Remote files: files behind URLs, in any store that fsspec knows, such as s3, gs, abfs, sftp and hdfs.

A draft is an object with a hidden name beside its target. It is shown by moving it there: object stores copy it, which
is atomic for readers, and file systems rename it.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator
from importlib import import_module
from secrets import token_hex
from typing import Any, BinaryIO, Self, cast

from word_counter.errors import OutputError, WordCounterError
from word_counter.files.drafts import Draft, Fill
from word_counter.files.urls import needs
from word_counter.settings.plurals import count


class RemoteFiles:
    """The files of the store that a URL names."""

    def __init__(self, url: str) -> None:
        """OutputError when fsspec, or what it needs for this store, is missing, or the store cannot be reached."""
        with _write_errors(url):
            self._fsspec = import_module("fsspec")
            self._store, _ = self._fsspec.core.url_to_fs(url)

    def path(self, url: str) -> str:
        """Return the store's own name for a URL."""
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
        with _write_errors(output):
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
        with _write_errors(url):
            return bool(self._store.exists(self.path(url)))

    def head(self, url: str, most_bytes: int) -> bytes:
        """Return the start of an object; OSError when there is none."""
        with self.open(url) as file:
            return file.read(most_bytes)

    def open(self, url: str) -> BinaryIO:
        """Return a file to read from; FileNotFoundError when there is none, OutputError when it cannot be read."""
        with _read_errors(url):
            return cast(BinaryIO, _Read(self._store.open(self.path(url), "rb"), url))

    def names_in(self, folder: str) -> list[str]:
        """Return the names in a folder; OSError when it cannot be read."""
        with _read_errors(folder):
            self._store.invalidate_cache()
            return [posixpath.basename(path) for path in self._store.ls(self.path(folder), detail=False)]

    def remove(self, url: str) -> None:
        """Remove an object; OSError when that is not possible."""
        self._store.rm_file(self.path(url))

    def make(self, folder: str) -> None:
        """Make a folder, where the store has folders."""
        with _write_errors(folder), contextlib.suppress(FileExistsError):
            self._store.mkdir(self.path(folder), create_parents=False)  # s3fs would make a bucket, too

    def part(self, url: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a part of an object, less when the object ends before; FileNotFoundError when there is no object."""
        end = None if length is None else offset + length
        with _read_errors(url):
            return cast(bytes, self._store.cat_file(self.path(url), start=offset or None, end=end))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all in it; it may be gone."""
        self._store.invalidate_cache()
        with contextlib.suppress(FileNotFoundError), _write_errors(folder):
            if self._store.exists(self.path(folder)):
                self._store.rm(self.path(folder), recursive=True)


class RemoteDraft(Draft):
    """An object that is written beside its target."""

    def __init__(self, store: Any, url: str, path: str, fill: Fill) -> None:
        self._store = store
        self._url = url
        self._path = path
        folder, name = posixpath.split(path)
        self._temporary = posixpath.join(folder, f".{name[:50]}.{token_hex(8)}.tmp")
        try:
            with _write_errors(url):
                file = store.open(self._temporary, "wb")
            try:
                fill(cast(BinaryIO, _Written(file, url)))  # other errors raised here are not errors of the store
            except BaseException:
                with contextlib.suppress(Exception):
                    file.close()
                raise
            with _write_errors(url):
                file.close()
                self._size = self._size_of(self._temporary)
        except BaseException:
            self.drop()
            raise

    def show(self) -> None:
        """Move it to its target."""
        with _write_errors(self._url):
            self._store.mv(self._temporary, self._path)
            self._temporary = ""
            if (size := self._size_of(self._path)) != self._size:
                message = f"cannot write {self._url}: it has {count(size, 'byte')}, not {self._size:,} as written"
                raise OutputError(message)

    def _size_of(self, path: str) -> int:
        self._store.invalidate_cache()
        return int(self._store.info(path)["size"])

    def drop(self) -> None:
        """Remove it, unless it was shown."""
        if self._temporary:
            with contextlib.suppress(Exception):  # whatever the libraries of stores raise
                self._store.rm_file(self._temporary)


class _Read:
    """A file of a store to read from, with its errors translated."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url

    def read(self, n: int = -1) -> bytes:
        with _read_errors(self._url):
            return bytes(self._file.read(n))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _Written:
    """A file of a store to write to, with its errors translated."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url

    def write(self, content: bytes) -> int:
        with _write_errors(self._url):
            return int(self._file.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextlib.contextmanager
def _read_errors(url: str) -> Iterator[None]:
    """Translate any error of a store's library into an OutputError, except FileNotFoundError."""
    try:
        yield
    except (WordCounterError, FileNotFoundError):
        raise
    except Exception as error:
        message = f"cannot read {url}: {str(error) or type(error).__name__}"
        raise OutputError(message) from error


@contextlib.contextmanager
def _write_errors(url: str) -> Iterator[None]:
    """Translate any error of a store's library into an OutputError."""
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
