"""Sources: what lines come from, found and checked, whatever kind they are of."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from word_counter.errors import InputError
from word_counter.files.urls import plain
from word_counter.inputs.base import Search
from word_counter.inputs.encodings import encoding_named
from word_counter.inputs.kind_table import kind_of, paths_of, sources_at
from word_counter.inputs.path_filter import PathFilter
from word_counter.job.model import STDIN, STDIN_PATH, Inputs, Source
from word_counter.settings.plurals import count

_ALL = PathFilter()


def find_sources(
    inputs: Inputs,
    written: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
    *,
    verbose: bool = False,
    path_filter: PathFilter = _ALL,
    encoding: str = "",
) -> list[Source]:
    """Return the sources that files, directories, globs and ``-`` name, in their order; directories and globs sorted.

    A directory stands for all files below it but hidden ones; directories that links in it lead to are not entered.
    What is named twice is a source twice.

    Args:
        inputs: the names.
        written: what the job itself will write. Directories and globs do not stand for that.
        say: gets a line when something was left out for that or for being behind a link, or a file is named twice.
        path_filter: which files below directories, that globs match and in archives are wanted.
        encoding: that of files which do not begin with a byte order mark, by any of its names; nothing: UTF-8.
        verbose: say also what was left out for being hidden.

    Raises:
        InputError: nothing is named, a name stands for nothing that can be read, or for what the job will write.
        UsageError: there is no such encoding, or none that can be read.
    """
    names = [plain(os.fspath(name)) for name in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    if not names:
        message = "no input was named: give at least one file, directory or glob"
        raise InputError(message)
    own = {_identity(path) for path in written if os.path.exists(path)}
    left_out: dict[str, None] = {}
    search = Search(path_filter, encoding_named(encoding), frozenset(names))
    paths: list[str] = []
    for name in names:
        found = paths_of(name, search)
        ours = [path for path in found if path in written or (own and os.path.exists(path) and _identity(path) in own)]
        kept = [path for path in found if path not in ours]
        left_out.update(dict.fromkeys(ours))
        if not kept:
            message = f"the input {name} is what this very run will write; leave it out, or give another --output"
            raise InputError(message)
        paths += kept
    if left_out:
        say(f"left out of the input, as this run will write it: {', '.join(left_out)}")
    sources = [source for path in paths for source in sources_at(path, search)]
    _tell_of_what_was_passed_over(search, say, verbose=verbose)
    _tell_of_what_is_no_text(search, say)
    if not sources:
        message = f"{', '.join(paths)}: no files in there{search.that_fit}"
        raise InputError(message)
    _tell_of_repeats(sources, say)
    return sources


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _tell_of_what_was_passed_over(search: Search, say: Callable[[str], None], *, verbose: bool) -> None:
    """Say what directories hold and do not stand for: links, which surprise, always."""
    for paths, what, advice in (
        (search.linked, "linked folder", "; name them as inputs to read them"),
        (search.hidden if verbose else [], "hidden file or folder, or receipt", ""),
        (search.unnamed, "pipe, socket or device", "; name them as inputs to read them"),
    ):
        if paths:
            say(f"{what} left out of the input: {_first_of(paths)}{advice}")


def _tell_of_what_is_no_text(search: Search, say: Callable[[str], None]) -> None:
    """Say which files hold something else than lines, by their beginnings, and what can be done about them."""
    if search.binary:
        path, what = search.binary[0]
        paths = [path for path, _ in search.binary]
        end = os.path.splitext(path.rpartition("!")[2])[1]
        pattern = f"*{end}" if end else os.path.basename(path)
        say(
            f"looks like no text: {_first_of(paths)} ({what}); its bytes are read as lines all the same. Leave such "
            f"files out with --exclude '{pattern}', or name those that are wanted with --include"
        )
    if search.old_breaks:
        say(
            f"the lines of {_first_of(search.old_breaks)} end with a carriage return alone, which ends no line here: "
            "write it anew, as by tr '\\r' '\\n'"
        )


def _first_of(paths: Sequence[str]) -> str:
    return paths[0] + (f" and {len(paths) - 1:,} more" if len(paths) > 1 else "")


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


def check_sources(sources: Sequence[Source], *, all_read: bool = False) -> None:
    """Raise InputChangedError or InputError unless all sources are as the job found them.

    Args:
        sources: the sources.
        all_read: whether the whole input has been split, so that what can be read but once is not wanted again.
    """
    once = next((source for source in sources if kind_of(source).once), None)
    if once is not None and not all_read:
        name = "standard input" if once.packing == STDIN else once.name
        message = (
            f"a part of the job's input came from {name}, which cannot be read again; run the job anew, "
            "or over a file next time"
        )
        raise InputError(message)
    for source in {source.path: source for source in sources}.values():
        kind = kind_of(source)
        try:
            now = kind.now(source)
        except OSError as error:
            message = f"cannot read {source.path}, an input of the job: {error.strerror}"
            raise InputError(message) from error
        kind.check(source, now)
