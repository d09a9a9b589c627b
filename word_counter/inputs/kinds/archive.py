"""Archives: the files that a tar or a zip file holds, each a source of its own, read one after the other."""

from __future__ import annotations

import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, NamedTuple, Self, cast

from word_counter.errors import InputError
from word_counter.inputs.base import HEAD_BYTES
from word_counter.inputs.kinds.decompression import archive_kind, packing_of, unpacked

_BUFFER_BYTES = 1024 * 1024


class Member(NamedTuple):
    """A file in an archive: its name there, and its size in bytes."""

    name: str
    size: int


def members(path: str, file: BinaryIO) -> list[Member]:
    """Return the files in an archive, in its order, but hidden ones. A packed tar file is read through for that.

    Raises:
        InputError: it is damaged or cut off, a file in it has a password, or two have one name.
        OSError: it cannot be read.
    """
    with Archive(path, file) as archive:
        found = [member for member in archive.members() if not _is_hidden(member.name)]
    names = {member.name for member in found}
    if len(names) < len(found):
        message = (
            f"{path} holds two files of one name, of which unpacking would leave the later one; unpack it, and name "
            "the folder"
        )
        raise InputError(message)
    return found


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in name.split("/"))


class Archive:
    """An open archive; a context manager."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        """Make it of its path and the same file, open."""
        self.path = path
        self.file = file
        self._zip: zipfile.ZipFile | None = None
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._tar: tarfile.TarFile | None = None
        self._stream: _Blocks | None = None
        self._entries: Iterator[tarfile.TarInfo] = iter(())
        with self.translated():
            if archive_kind(path) == "zip":
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

    def members(self) -> Iterator[Member]:
        """Yield the files that are left in it, without links, folders and what else is no file."""
        with self.translated():
            if self._zip is not None:
                for info in self._zip.infolist():
                    if info.flag_bits & 1:
                        message = f"{self.path}!{info.filename} has a password; unpack it, and name the folder"
                        raise InputError(message)
                    if not info.is_dir():
                        yield Member(_clean(info.filename), info.file_size)
                return
            for entry in self._entries:
                if entry.isfile():
                    yield Member(_clean(entry.name), entry.size)
            self._check_end()

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
