"""Archives: the files that a tar or a zip file holds, each a source of its own, read one after the other."""

from __future__ import annotations

import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, NamedTuple, Self, cast

from word_counter.errors import InputError
from word_counter.inputs.kinds.decompression import HEAD_BYTES, packing_of, unpacked
from word_counter.inputs.path_filter import is_no_data

_BUFFER_BYTES = 1024 * 1024


class Member(NamedTuple):
    """A file in an archive: its name there, its size in bytes, and its beginning, if it was looked at."""

    name: str
    size: int
    head: bytes = b""


def members(
    path: str, file: BinaryIO, kind: str, takes: Callable[[str], bool] = lambda _: True, heads: int = 0
) -> list[Member]:
    """Return the files in an archive, in its order, but hidden ones and receipts.

    A packed tar file is read through for that.

    Args:
        path: the archive.
        file: the same, open; it is closed.
        kind: "tar" or "zip".
        takes: which of the files are wanted, by their names.
        heads: of how many of them the beginning is read.

    Raises:
        InputError: it is damaged or cut off, a file in it has a password, or two have one name.
        OSError: it cannot be read.
    """
    with Archive(path, file, kind) as archive:
        found = list(archive.members(lambda name: not is_no_data(name) and takes(name), heads))
    names = {member.name for member in found}
    if len(names) < len(found):
        message = (
            f"{path} holds two files of one name, of which unpacking would leave the later one; unpack it, and name "
            "the folder"
        )
        raise InputError(message)
    return found


class Archive:
    """An open archive; a context manager."""

    def __init__(self, path: str, file: BinaryIO, kind: str) -> None:
        """Make it of its path, the same file, open, and its kind: "tar", which may be packed, or "zip"."""
        self.path = path
        self.file = file
        self._zip: zipfile.ZipFile | None = None
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._tar: tarfile.TarFile | None = None
        self._stream: _Blocks | None = None
        self._entries: Iterator[tarfile.TarInfo] = iter(())
        with self.translated():
            if kind == "zip":
                self._zip = zipfile.ZipFile(file)
                self._infos = {_clean(info.filename): info for info in self._zip.infolist()}
            else:
                self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it, and its file."""
        for opened in (self._zip, self._tar, self.file):
            if opened is not None:
                opened.close()

    def members(self, takes: Callable[[str], bool], heads: int) -> Iterator[Member]:
        """Yield the files that are left in it, without links, folders and what else is no file; see :func:`members`."""
        with self.translated():
            if self._zip is not None:
                for info in self._zip.infolist():
                    if info.flag_bits & 1:
                        message = f"{self.path}!{info.filename} has a password; unpack it, and name the folder"
                        raise InputError(message)
                    if not info.is_dir() and takes(name := _clean(info.filename)):
                        heads -= 1
                        yield Member(name, info.file_size, self._head(info) if heads >= 0 else b"")
                return
            for entry in self._entries:
                if entry.isfile() and takes(name := _clean(entry.name)):
                    heads -= 1
                    yield Member(name, entry.size, self._head(entry) if heads >= 0 else b"")
            self._check_end()

    def _head(self, entry: zipfile.ZipInfo | tarfile.TarInfo) -> bytes:
        """Return the beginning of a file in it."""
        if isinstance(entry, zipfile.ZipInfo):
            with cast("zipfile.ZipFile", self._zip).open(entry) as file:
                return file.read(HEAD_BYTES)
        return cast("IO[bytes]", cast("tarfile.TarFile", self._tar).extractfile(entry)).read(HEAD_BYTES)

    def member(self, name: str) -> ArchiveFile:
        """Return a file in it, to be read. In a tar file those come fast that follow the one that was read last."""
        return ArchiveFile(self, name)

    def found(self, name: str) -> IO[bytes]:
        """Return a file in it, open; InputError when it is not there."""
        if self._zip is not None and name in self._infos:
            return self._zip.open(self._infos[name])
        for again in () if self._zip is not None else (False, True):
            if again:
                self._begin()
            for entry in self._entries:
                if _clean(entry.name) == name and entry.isfile():
                    return cast("IO[bytes]", cast("tarfile.TarFile", self._tar).extractfile(entry))
        message = f"{self.path} has no {name} any more"
        raise InputError(message)

    def _check_end(self) -> None:
        """Raise InputError unless the tar file ends as one: a header that is cut off would pass for its end."""
        if self._stream is not None:
            last = self._stream.last(tarfile.BLOCKSIZE)
        else:
            self.file.seek(cast("tarfile.TarFile", self._tar).offset)
            last = self.file.read(tarfile.BLOCKSIZE)
        if last != bytes(tarfile.BLOCKSIZE):
            message = f"{self.path} is cut off: it does not end as a tar file does"
            raise InputError(message)

    def _begin(self) -> None:
        self.file.seek(0)
        packing = packing_of(self.file.read(HEAD_BYTES))
        self.file.seek(0)
        if packing:
            self._stream = _Blocks(unpacked(self.file.read, packing, self.path))
            opened = tarfile.open(fileobj=cast("IO[bytes]", self._stream), mode="r|", bufsize=_BUFFER_BYTES)  # noqa: SIM115 (close closes it)
        else:
            opened = tarfile.open(fileobj=self.file, mode="r:")  # noqa: SIM115 (close closes it)
        self._tar, self._entries = opened, iter(opened)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise InputError for what the libraries raise of an archive that is damaged or cut off."""
        try:
            yield
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
            message = f"{self.path} is damaged or cut off: {error}"
            raise InputError(message) from error
        except UnicodeDecodeError as error:
            message = f"{self.path} has a name in it that is no UTF-8: {error}; unpack it, and name the folder"
            raise InputError(message) from error
        except (NotImplementedError, RuntimeError) as error:  # a way of packing that zipfile does not know
            message = f"{self.path} cannot be unpacked: {error}; unpack it, and name the folder"
            raise InputError(message) from error


class ArchiveFile:
    """A file in an archive, which is looked for when it is first read.

    Reading raises InputError when it is not there, or the archive is damaged or cut off.
    """

    def __init__(self, archive: Archive, name: str) -> None:
        self._archive = archive
        self._name = name
        self._file: IO[bytes] | None = None

    def read(self, n: int) -> bytes:
        """Return its next bytes, none at its end."""
        with self._archive.translated():
            if self._file is None:
                self._file = self._archive.found(self._name)
            return self._file.read(n)

    def close(self) -> None:
        """Close it; its archive stays open."""
        if self._file is not None:
            self._file.close()


def _clean(name: str) -> str:
    return posixpath.normpath(name)


class _Blocks:
    """Blocks, as a file to be read from."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")
        self._last = b""

    def last(self, n: int) -> bytes:
        """Return the last bytes, of all that were read and all that is left."""
        while self._more():
            pass
        return self._last[-n:]

    def read(self, n: int) -> bytes:
        """Return the next bytes, as many unless the end is reached."""
        parts: list[memoryview] = []
        while n and (self._rest or self._more()):
            parts.append(self._rest[:n])
            self._rest = self._rest[len(parts[-1]) :]
            n -= len(parts[-1])
        return b"".join(parts)

    def _more(self) -> bool:
        block = next(self._blocks, None)
        self._rest = memoryview(block or b"")
        if block is not None:
            self._last = block if len(block) >= tarfile.BLOCKSIZE else (self._last + block)[-tarfile.BLOCKSIZE :]
        return block is not None
