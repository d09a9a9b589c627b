"""Sources: what lines come from, found and checked."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from word_counter.errors import InputChangedError, InputError
from word_counter.files.remote_reader import Status, comes_in_ranges, find, open_url
from word_counter.files.remote_reader import status as status_of_url
from word_counter.files.urls import has_password, is_url, plain, refusal
from word_counter.inputs.decompression import HEAD_BYTES, SUFFIXES, archive_kind, packing_of
from word_counter.inputs.path_filter import PathFilter
from word_counter.job.model import STDIN, STDIN_PATH, WHOLE, Inputs, Source
from word_counter.settings.plurals import count

_ALL = PathFilter()


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
    path_filter: PathFilter = _ALL,
) -> list[Source]:
    """Return the sources that files, directories, globs and ``-`` name, in their order; directories and globs sorted.

    A directory stands for all files below it but hidden ones; directories that links in it lead to are not entered.
    What is named twice is a source twice.

    Args:
        inputs: the names.
        written: what the job itself will write. Directories and globs do not stand for that.
        say: gets a line when something was left out for that or for being behind a link, or a file is named twice.
        path_filter: which files below directories, that globs match and in archives are wanted.
        verbose: say also what was left out for being hidden.

    Raises:
        InputError: nothing is named, a name stands for nothing that can be read, or for what the job will write.
    """
    names = [plain(os.fspath(name)) for name in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    if not names:
        message = "no input was named: give at least one file, directory or glob"
        raise InputError(message)
    own = {_identity(path) for path in written if os.path.exists(path)}
    left_out: dict[str, None] = {}
    passed_over = _PassedOver()
    paths: list[str] = []
    for name in names:
        if name == STDIN_PATH:
            paths.append(name)
            continue
        found = _paths(name, passed_over, path_filter)
        ours = [path for path in found if path in written or (own and os.path.exists(path) and _identity(path) in own)]
        kept = [path for path in found if path not in ours]
        left_out.update(dict.fromkeys(ours))
        if not kept:
            message = f"the input {name} is what this very run will write; leave it out, or give another --output"
            raise InputError(message)
        paths += kept
    if left_out:
        say(f"left out of the input, as this run will write it: {', '.join(left_out)}")
    passed_over.tell(say, verbose=verbose)
    sources = [source for path in paths for source in _sources(path, path_filter)]
    if not sources:
        message = f"{', '.join(paths)}: no files in there{_that_fit(path_filter)}"
        raise InputError(message)
    _tell_of_repeats(sources, say)
    return sources


def _tell_of_repeats(sources: Sequence[Source], say: Callable[[str], None]) -> None:
    """Say which files are named more than once: a glob and its directory, say, by mistake.

    Raises:
        InputError: it is standard input, which can be read but once.
    """
    times = Counter(source.name if source.member else source.path for source in sources)
    if times[STDIN_PATH] > 1:
        message = "- is named more than once, and standard input can be read but once; use ./- for a file of that name"
        raise InputError(message)
    repeated = [path for path, n in times.items() if n > 1]
    if repeated:
        others = f" and {len(repeated) - 1:,} more" if len(repeated) > 1 else ""
        say(f"named more than once, and counted as often: {repeated[0]} ({count(times[repeated[0]], 'time')}){others}")


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _paths(name: str, passed_over: _PassedOver, path_filter: PathFilter) -> list[str]:
    if is_url(name):
        return _urls(name, path_filter)
    if os.path.isdir(name):
        found = _wanted(name, _walk(name, passed_over), path_filter)
        if not found:
            message = f"the directory {name} has no files in it{_that_fit(path_filter)}"
            raise InputError(message)
        return found
    if os.path.lexists(name):
        return [name]
    if glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))
        found = []
        for match in matches:
            if os.path.isdir(match):
                found += _wanted(match, _walk(match, passed_over), path_filter)
            elif _is_wanted(os.path.basename(match), path_filter):
                found.append(match)
        if not found:
            message = f"no file matches {name}" + _that_fit(path_filter)
            raise InputError(message)
        return found
    message = f"no such file or directory: {name}"
    raise InputError(message)


def _urls(name: str, path_filter: PathFilter) -> list[str]:
    _refuse_passwords(name)
    if why := refusal(name):
        message = f"the input {name} {why}"
        raise InputError(message)
    urls = find(name)
    if urls == [name]:
        return urls
    folder = re.split(r"[*?\[]", name)[0]
    below = {url: url.removeprefix(folder).lstrip("/") for url in urls}
    wanted = [url for url, path in below.items() if not re.search(r"(^|/)\.", path) and _is_wanted(path, path_filter)]
    if not wanted:
        message = f"no file matches {name}" + _that_fit(path_filter)
        raise InputError(message)
    return wanted


def _refuse_passwords(url: str) -> None:
    if has_password(url):
        shown = re.sub(r"://[^/@]*@", "://...@", url)
        message = f"the input {shown} holds a password, which would stand in Redis; give it where its library looks"
        raise InputError(message)


def _wanted(folder: str, paths: Iterable[str], path_filter: PathFilter) -> list[str]:
    relative = {path: os.path.relpath(path, folder) for path in paths}
    return sorted(path for path, name in relative.items() if _is_wanted(name, path_filter))


def _is_wanted(name: str, path_filter: PathFilter) -> bool:
    """Whether a file is wanted; an archive is looked into for files that are."""
    return path_filter.takes(name) or (bool(archive_kind(name)) and not path_filter.excludes(name))


def _that_fit(path_filter: PathFilter) -> str:
    return " that --include and --exclude leave" if path_filter != _ALL else ""


def _walk(folder: str, passed_over: _PassedOver) -> Iterator[str]:
    def fail(error: OSError) -> None:
        message = f"cannot read the directory {error.filename}: {error.strerror}"
        raise InputError(message) from error

    for parent, folders, files in os.walk(folder, onerror=fail):
        passed_over.hidden += [os.path.join(parent, name) for name in (*files, *folders) if name.startswith(".")]
        folders[:] = [name for name in folders if not name.startswith(".")]
        passed_over.linked += [path for name in folders if os.path.islink(path := os.path.join(parent, name))]
        yield from (os.path.join(parent, name) for name in files if not name.startswith("."))


def _sources(path: str, path_filter: PathFilter) -> list[Source]:
    """Return the source that a file is, or the sources in it when it is an archive."""
    if path == STDIN_PATH:
        if sys.stdin is None or sys.stdin.closed:
            message = "standard input is closed, and so there is nothing to read from -; name files instead"
            raise InputError(message)
        return [Source(path, 0, time.time_ns(), STDIN)]  # what comes is another input each time
    try:
        if not is_url(path) and not stat.S_ISREG(os.stat(path).st_mode):
            message = f"not a regular file: {path}"
            raise InputError(message)
        with open_source(path) as file:
            status = _status(path, file)
            whole, kind = path if is_url(path) else os.path.abspath(path), archive_kind(path)
            if kind:
                from word_counter.inputs.archive import members  # which takes a while, and few need it

                inside = [member for member in members(path, file) if path_filter.takes(member.name)]
                return [Source(whole, member.size, status.modified, kind, member.name) for member in inside]
            packing = _packing(path, file.read(HEAD_BYTES))
            if not packing and is_url(path) and not comes_in_ranges(path):
                packing = WHOLE
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise InputError(message) from error
    return [Source(whole, status.size, status.modified, packing)]


def _packing(path: str, head: bytes) -> str:
    """Return how a file is packed, by its head; InputError when its name says that it is, and it is not."""
    packing = packing_of(head)
    named = SUFFIXES.get(os.path.splitext(path)[1].lower(), "")
    if named and not packing:
        what = "is empty" if not head else "does not begin as one"
        message = f"{path} should be a {named} file by its name, and {what}; rename it if it is none, or leave it out"
        raise InputError(message)
    return packing


def open_source(path: str) -> BinaryIO:
    """Return the file at a path or URL, open for reading; InputError or OSError when it cannot be opened."""
    return open_url(path) if is_url(path) else open(path, "rb")


def _status(path: str, file: BinaryIO) -> Status:
    if is_url(path):
        return status_of_url(path)
    found = os.fstat(file.fileno())
    return Status(found.st_size, found.st_mtime_ns)


def status_of(path: str) -> Status:
    """Return the size and the time of change of what a path or URL names; InputError or OSError when that is gone."""
    if is_url(path):
        return status_of_url(path)
    found = os.stat(path)
    return Status(found.st_size, found.st_mtime_ns)


def check_unchanged(source: Source, file: BinaryIO) -> None:
    """Raise InputChangedError unless the open file is as the job found it, by size and time of change."""
    _check_status(source, _status(source.path, file))


def _check_status(source: Source, status: Status) -> None:
    if (status.size != source.size and not source.member) or status.modified != source.modified:
        message = (
            f"{source.path} changed while the job was running: it had {count(source.size, 'byte')} when the job began "
            f"and has {status.size:,} now; run the job again when nothing writes to the file"
        )
        raise InputChangedError(message)


def check_sources(sources: Sequence[Source], *, all_read: bool = False) -> None:
    """Raise InputChangedError or InputError unless all sources are as the job found them.

    Args:
        sources: the sources.
        all_read: whether the whole input has been split, so that what can be read but once is not wanted again.
    """
    if not all_read and any(source.packing == STDIN for source in sources):
        message = (
            "a part of the job's input came from standard input, which cannot be read again; run the job anew, "
            "or over a file next time"
        )
        raise InputError(message)
    checked = {source.path: source for source in sources if source.packing != STDIN}
    for source in checked.values():
        try:
            found = status_of(source.path)
        except OSError as error:
            message = f"cannot read {source.path}, an input of the job: {error.strerror}"
            raise InputError(message) from error
        _check_status(source, found)
