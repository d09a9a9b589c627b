"""Input roots: the files and directories that a worker may read input from, whatever a batch names.

The real path is checked, so that neither ``..`` nor a symbolic link leads out of the roots. The file that was opened
must be the one at the real path that was checked: what the path led to before or after does not matter. A hard link
cannot be told from the file that it links to. To make one on Linux, a user needs rights on that file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from word_counter.errors import ForbiddenError, InputError
from word_counter.files.remote_reader import open_url
from word_counter.files.urls import is_url, plain
from word_counter.security.real_paths import RealPaths

#: The longest list of roots, in bytes. It fits one environment variable on Linux (128 KiB), with room for escapes.
_LONGEST_LIST = 60_000


class InputRoots:
    """Opens files within its roots only; with no roots, any file."""

    def __init__(self, roots: Iterable[str] = ()) -> None:
        listed = list(roots)
        self._urls = [root.rstrip("/") for root in listed if is_url(root)]
        self._roots = RealPaths.of(root for root in listed if not is_url(root))
        self._limited = bool(listed)

    def open(self, path: str) -> BinaryIO:
        """Return a file, open for reading.

        Raises:
            ForbiddenError: it is not within the roots.
            InputError: it is not a regular file.
            OSError: it cannot be opened.
        """
        if is_url(path):
            self._check_url(path)
            return open_url(path)
        if self._limited:
            self._check_path(path, os.path.realpath(path))  # before it is opened, as opening a device may have effects
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._check_opened(path, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return open(descriptor, "rb")

    def check(self, path: str) -> None:
        """Raise ForbiddenError unless a file is within the roots now. The file is not opened."""
        if is_url(path):
            self._check_url(path)
        elif self._limited:
            self._check_path(path, os.path.realpath(path))

    def _check_opened(self, path: str, opened: os.stat_result) -> None:
        if not stat.S_ISREG(opened.st_mode):
            message = f"not a regular file: {path}"
            raise InputError(message)
        if self._limited:
            real = os.path.realpath(path)
            self._check_path(path, real)
            if not os.path.samestat(opened, os.stat(real, follow_symlinks=False)):
                message = f"{path} led somewhere else while it was opened"
                raise ForbiddenError(message)

    def _check_url(self, url: str) -> None:
        inside = any(url == root or url.startswith(f"{root}/") for root in self._urls)
        if self._limited and (not inside or ".." in url.split("/")):
            message = (
                f"this worker may not read {url}: it is outside its input roots; "
                f"if it should, start it with --input-root {url.rpartition('/')[0]}"
            )
            raise ForbiddenError(message)

    def _check_path(self, path: str, real: str) -> None:
        if not self._roots.hold(real):
            leads = f", which leads to {real}," if real != os.path.abspath(path) else ""
            message = (
                f"this worker may not read {path}{leads}: it is outside its input roots; "
                f"if it should, start it with --input-root {os.path.dirname(real)}"
            )
            raise ForbiddenError(message)


def roots_of(named: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return the roots for a run's own workers: what was named, and where links in it led when they were found.

    Args:
        named: the files and directories of the command line. Globs and paths that do not exist are skipped.
        found: the paths of all sources.
    """
    named = [plain(name) for name in named]
    urls = {url for url in named if is_url(url) and not re.search(r"[*?\[]", url)}
    urls |= {url for url in found if is_url(url)}
    found = [path for path in found if not is_url(path)]
    named_roots = RealPaths.of(name for name in named if os.path.lexists(name))
    roots = named_roots | {real for real in map(os.path.realpath, found) if not named_roots.hold(real)}
    while sum(len(os.fsencode(root)) + 8 for root in roots) > _LONGEST_LIST:
        roots = frozenset(map(os.path.dirname, roots))  # too many to list: their parents instead
    while sum(len(url) + 8 for url in urls) > _LONGEST_LIST:
        urls = {url.rstrip("/").rpartition("/")[0] for url in urls}  # likewise
    return sorted(roots | urls)
