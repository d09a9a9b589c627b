"""Shuffle roots: the folders and URLs below which a worker may write and read run files.

By default there are none: otherwise a batch cannot make a worker write files. The real path is checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from word_counter.errors import ForbiddenError
from word_counter.files.urls import is_url
from word_counter.security.real_paths import RealPaths


class ShuffleRoots:
    """Says which folders of run files a worker may use."""

    def __init__(self, roots: Iterable[str] = ()) -> None:
        named = list(roots)
        self._urls = [root.rstrip("/") + "/" for root in named if is_url(root)]
        self._paths = RealPaths.of(root for root in named if not is_url(root))

    def check(self, folder: str) -> None:
        """Raise ForbiddenError, which says what to do, unless a folder (a path or a URL) is below one of the roots."""
        parent, _, name = folder.rpartition("/")
        allowed = name not in {"", ".", ".."} and (
            not {".", ".."} & {*folder.split("/")} and any(folder.startswith(root) for root in self._urls)
            if is_url(folder)
            else os.path.isabs(folder) and self._paths.hold(os.path.realpath(folder))
        )
        if not allowed:
            message = (
                f"this worker may not write files of a shuffle below {parent or '/'}; if it should, start it with "
                f"--shuffle-root {parent or '/'}"
            )
            raise ForbiddenError(message)
