"""Sources: the files that lines come from, found, checked and read."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from word_counter.door.input_roots import InputRoots
from word_counter.errors import InputChangedError, InputError
from word_counter.job import Chunk, Cursor, Inputs, Source
from word_counter.mapper import Lines
from word_counter.split import split

#: More lines, and more bytes, than any file has.
_UNLIMITED = 2**62
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class _PassedOver:
    """What directories hold and do not stand for."""

    linked: list[str] = field(default_factory=list)  #: directories that links lead to
    hidden: list[str] = field(default_factory=list)  #: files and directories whose names begin with a dot

    def tell(self, say: Callable[[str], None], *, verbose: bool) -> None:
        """Say what was passed over: links, which surprise, always."""
        for paths, what, advice in (
            (self.linked, "linked folder", "; name them as inputs to read them"),
            (self.hidden if verbose else [], "hidden file or folder", ""),
        ):
            if paths:
                others = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
                say(f"{what} left out of the input: {paths[0]}{others}{advice}")


def find_sources(
    inputs: Inputs,
    written: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
    *,
    verbose: bool = False,
) -> list[Source]:
    """Return the sources that files, directories and globs name, in their order; directories and globs sorted.

    A directory stands for all files below it but hidden ones; directories that links in it lead to are not entered.
    What is named twice is a source twice.

    Args:
        inputs: the names.
        written: what the job itself will write. Directories and globs do not stand for that.
        say: gets a line when something was left out for that or for being behind a link, or a file is named twice.
        verbose: say also what was left out for being hidden.

    Raises:
        InputError: nothing is named, a name stands for nothing that can be read, or for what the job will write.
    """
    names = [os.fspath(name) for name in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    if not names:
        message = "no input was named: give at least one file, directory or glob"
        raise InputError(message)
    own = {_identity(path) for path in written if os.path.exists(path)}
    left_out: dict[str, None] = {}
    passed_over = _PassedOver()
    paths: list[str] = []
    for name in names:
        found = _paths(name, passed_over)
        ours = [path for path in found if own and os.path.exists(path) and _identity(path) in own]
        kept = [path for path in found if path not in ours]
        left_out.update(dict.fromkeys(ours))
        if not kept:
            message = f"the input {name} is what this very run will write; leave it out, or give another --output"
            raise InputError(message)
        paths += kept
    if left_out:
        say(f"left out of the input, as this run will write it: {', '.join(left_out)}")
    passed_over.tell(say, verbose=verbose)
    sources = [_source(path) for path in paths]
    _tell_of_repeats(sources, say)
    return sources


def _tell_of_repeats(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Say which files are named more than once: a glob and its directory, say, by mistake."""
    times = Counter(source.path for source in sources)
    repeated = [path for path, n in times.items() if n > 1]
    if repeated:
        others = f" and {len(repeated) - 1:,} more" if len(repeated) > 1 else ""
        say(f"named more than once, and counted as often: {repeated[0]} ({times[repeated[0]]} times){others}")


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _paths(name: str, passed_over: _PassedOver) -> list[str]:
    if os.path.isdir(name):
        found = sorted(_walk(name, passed_over))
        if not found:
            message = f"the directory {name} has no files in it"
            raise InputError(message)
        return found
    if os.path.lexists(name):
        return [name]
    if glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))
        found = []
        for match in matches:
            found += sorted(_walk(match, passed_over)) if os.path.isdir(match) else [match]
        if not found:
            message = f"no file matches {name}"
            raise InputError(message)
        return found
    message = f"no such file or directory: {name}"
    raise InputError(message)


def _walk(folder: str, passed_over: _PassedOver) -> Iterator[str]:
    def fail(error: OSError) -> None:
        message = f"cannot read the directory {error.filename}: {error.strerror}"
        raise InputError(message) from error

    for parent, folders, files in os.walk(folder, onerror=fail):
        passed_over.hidden += [os.path.join(parent, name) for name in (*files, *folders) if name.startswith(".")]
        folders[:] = [name for name in folders if not name.startswith(".")]
        passed_over.linked += [path for name in folders if os.path.islink(path := os.path.join(parent, name))]
        yield from (os.path.join(parent, name) for name in files if not name.startswith("."))


def _source(path: str) -> Source:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            message = f"not a regular file: {path}"
            raise InputError(message)
        with open(path, "rb"):
            pass
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise InputError(message) from error
    return Source(os.path.abspath(path), status.st_size, status.st_mtime_ns)


def _check_unchanged(source: Source, descriptor: int) -> None:
    """Raise InputChangedError unless the open file is as the job found it, by size and time of change."""
    _check_status(source, os.fstat(descriptor))


def _check_status(source: Source, status: os.stat_result) -> None:
    if status.st_size != source.size or status.st_mtime_ns != source.modified:
        message = (
            f"{source.path} changed while the job was running: it had {source.size} bytes when the job began "
            f"and has {status.st_size} now; run the job again when nothing writes to the file"
        )
        raise InputChangedError(message)


def check_sources(sources: Sequence[Source]) -> None:
    """Raise InputChangedError or InputError unless all sources are as the job found them."""
    for source in sources:
        try:
            status = os.stat(source.path)
        except OSError as error:
            message = f"cannot read {source.path}, an input of the job: {error.strerror}"
            raise InputError(message) from error
        _check_status(source, status)


def split_sources(
    sources: Sequence[Source], chunk_size: int, cursor: Cursor, *, whole_files: bool = False
) -> Iterator[tuple[Chunk, Cursor]]:
    """Yield the chunks of all sources from ``cursor`` on, each with the cursor just after it.

    With ``whole_files`` each source is one chunk, however long; an empty one too.

    Raises:
        InputError: a source cannot be read any more.
        InputChangedError: a source is not as it was when the job was made.
    """
    for index in range(cursor.source, len(sources)):
        source = sources[index]
        start = cursor if index == cursor.source else Cursor(cursor.chunk, index)
        if source.size == 0 and not whole_files:
            continue
        try:
            with open(source.path, "rb") as file:
                _check_unchanged(source, file.fileno())
                if whole_files:
                    # The cursor goes on to the next file: of an empty one the place does not tell that it was taken.
                    yield _whole(file, start, source), Cursor(start.chunk + 1, index + 1)
                    cursor = Cursor(start.chunk + 1, index)
                    continue
                for chunk in split(file, start, chunk_size, source.size):
                    cursor = Cursor(chunk.id + 1, index, chunk.offset + chunk.length, chunk.line + chunk.lines)
                    yield chunk, cursor
                _check_unchanged(source, file.fileno())
        except OSError as error:
            message = f"cannot read {source.path}: {error.strerror}"
            raise InputError(message) from error


def _whole(file: BinaryIO, start: Cursor, source: Source) -> Chunk:
    """Return a source as one chunk."""
    for chunk in split(file, start, _UNLIMITED, source.size, _UNLIMITED):
        return chunk
    return Chunk(start.chunk, start.source, 0, 0, 1, 0)


class ChunkReader:
    """Reads chunks; keeps the last file open, as neighbours in one source come after each other."""

    def __init__(self, sources: Mapping[int, Source], roots: InputRoots | None = None) -> None:
        self._sources = sources
        self._roots = roots or InputRoots()
        self._file: BinaryIO | None = None
        self._index = -1

    def read(self, chunk: Chunk) -> Lines:
        """Return the lines of a chunk.

        Raises:
            InputError: its source cannot be opened here.
            ForbiddenError: its source is not within the roots.
            InputChangedError: its source is not as it was when the job was made.
        """
        source = self._sources[chunk.source]
        try:
            if self._file is None or chunk.source != self._index:
                self.close()
                self._file = self._roots.open(source.path)
                self._index = chunk.source
            self._file.seek(chunk.offset)
            raw = self._file.read(chunk.length)
            _check_unchanged(source, self._file.fileno())
        except OSError as error:
            message = f"this worker cannot read {source.path}: {error.strerror}; is the input there on its machine too?"
            raise InputError(message) from error
        offset = chunk.offset
        if offset == 0 and raw.startswith(_BYTE_ORDER_MARK):
            offset = len(_BYTE_ORDER_MARK)
            raw = raw[offset:]
        return Lines(raw, source.path, offset, chunk.line, chunk.lines if raw else 0)

    def close(self) -> None:
        """Close the file that was read last."""
        if self._file is not None:
            self._file.close()
            self._file = None
