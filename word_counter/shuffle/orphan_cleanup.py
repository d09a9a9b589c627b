"""Orphans: what the runs of a killed process left, which nothing will ever go on with.

A run on a private server ends with its master: nobody can take it over. So its master holds a lock on the mark of its
folder, which the system lets go when the master ends, however it does; a folder whose mark says so and is not
locked is nobody's. The folder of a job in a Redis of others goes when the job ends or is purged.
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
    """Let a folder's mark say that the folder ends with this process; return what holds on to it, open.

    None where files cannot be locked: then the mark says what it did.
    """
    temporary = os.path.join(folder, f"{MARK}.{token_hex(4)}.tmp")
    file: BinaryIO | None = None
    try:
        file = open(temporary, "xb")  # noqa: SIM115 (it is held as long as the job lasts)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before anybody can see what it says
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
    """Remove the folders below ``root`` whose processes are gone; return which those were."""
    place = FolderLocation(root)
    swept: list[str] = []
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(root)):
            with contextlib.suppress(OSError):
                if name.startswith(PREFIX) and _is_left(os.path.join(root, name, MARK)):
                    place.remove(name)
                    swept.append(name)
    return swept


def _is_left(mark: str) -> bool:
    """Whether nobody holds a mark that says that somebody does."""
    with open(mark, "rb") as file:
        if file.read(len(_HELD) + 1) != _HELD:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
