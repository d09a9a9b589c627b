"""Private folders: made for this user alone, and believed only as long as nobody else may write in them."""

from __future__ import annotations

import os
import stat

#: What others may not do.
_WRITE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make_private(folder: str) -> None:
    """Make a folder and those above it that are missing, each for this user alone, whatever the umask; OSError.

    ``os.makedirs`` gives its mode to the last one only.
    """
    above = os.path.dirname(folder)
    if above and not os.path.isdir(above):
        make_private(above)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise


def is_private(*statuses: os.stat_result) -> bool:
    """Whether files and folders are this user's, and nobody else may write to them."""
    return all(status.st_uid == os.geteuid() and not status.st_mode & _WRITE_BY_OTHERS for status in statuses)
