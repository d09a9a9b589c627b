"""Orphan cleanup: removes the folders of run files that killed masters have left behind.

A job on a private server ends with its master: no other master can take it over. So the master locks the mark file in
the job's folder. The system releases the lock when the master ends, however it ends. A folder whose mark says that it
is locked, but is not, is an orphan. The folder of a job in a given Redis is removed when the job ends or is purged.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from secrets import token_hex
from typing import BinaryIO

from word_counter.shuffle.run_files import MARK, PREFIX
from word_counter.shuffle.run_locations import FolderLocation

_HELD = b"the runs of a job of word_counter, which end with the process that has locked this file\n"


def hold(folder: str) -> BinaryIO | None:
    """Lock a folder's mark, so that the folder counts as an orphan when this process ends.

    Returns:
        The open file that holds the lock; None where files cannot be locked: then the mark is unchanged.
    """
    temporary = os.path.join(folder, f"{MARK}.{token_hex(4)}.tmp")
    file: BinaryIO | None = None
    try:
        file = open(temporary, "xb")  # noqa: SIM115 (it stays open as long as the job lasts)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before another process can see its content
        file.write(_HELD)
        file.flush()
        os.replace(temporary, os.path.join(folder, MARK))
    except OSError:
        if file is not None:
            file.close()
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return None
    return file


def sweep(root: str) -> list[str]:
    """Remove the folders below ``root`` whose masters are gone, and return their names."""
    place = FolderLocation(root)
    swept: list[str] = []
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(root)):
            with contextlib.suppress(OSError):
                if name.startswith(PREFIX) and _is_orphaned(os.path.join(root, name, MARK)):
                    place.remove(name)
                    swept.append(name)
    return swept


def _is_orphaned(mark: str) -> bool:
    """Whether a mark says that a process has locked it, but none has."""
    with open(mark, "rb") as file:
        if file.read(len(_HELD) + 1) != _HELD:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
