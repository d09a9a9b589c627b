"""Secret: the key with which a master signs batches and its workers check them.

It is the first of these that is there:

1. The setting ``secret`` (``WORD_COUNTER_SECRET``). It must be the same on all machines of a master and its workers.
2. For a private server, a fresh secret, as no other process needs it.
3. A file that only this user can read, made at first use. So a master and workers that one user starts on one machine
   share a secret without any setting, and ``resume`` can check a job that an earlier command made.

A run with local workers gives them a secret of that run alone, derived from the job's name and the master's secret. So
its batches go to its own workers only, which may load its job and read its inputs. And the processes that run the
user's code never hold the secret of other runs.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from secrets import token_hex

from word_counter.errors import NoHomeError, UsageError
from word_counter.files.private_folders import make_private
from word_counter.security.signing import make_secret, sign
from word_counter.settings.config import Settings
from word_counter.settings.user_folders import state_folder

#: The file in the user's state folder.
_FILE = "secret"


def find_secret(settings: Settings, *, alone: bool = False, warn: Callable[[str], None] = lambda _: None) -> str:
    """Return the secret of a master or a worker.

    Args:
        settings: the secret that was set, and whether a Redis was given.
        alone: nobody else needs to know it, so that a fresh one will do where none can be kept.
        warn: is told when it had to.

    Raises:
        UsageError: there is none and none can be stored; or other users may read or write the file that holds it.
    """
    if settings.secret:
        return settings.secret
    if not settings.redis:
        return make_secret()
    try:
        return user_secret(state_folder())
    except (OSError, NoHomeError) as error:
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        if alone:
            warn(
                f"no secret can be kept ({why}), so that no other command can resume this job; set WORD_COUNTER_SECRET"
            )
            return make_secret()
        message = (
            f"no secret is set and none can be kept ({why}): "
            "set WORD_COUNTER_SECRET, the same for the master and its workers"
        )
        raise UsageError(message) from error


def local_secret(secret: str, job_id: str) -> str:
    """Return the secret of a run's own workers."""
    return sign(job_id, secret, purpose="local workers")


def user_secret(folder: str) -> str:
    """Return the secret that is stored in a folder. It is made at first use.

    Raises:
        UsageError: the file may have been read or written by others.
        OSError: it can be neither read nor made.
    """
    path = os.path.join(folder, _FILE)
    try:
        return _read(path)
    except FileNotFoundError:
        make_private(folder)
        _make(path)
        return _read(path)


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, encoding="ascii", errors="replace") as file:
        status = os.fstat(file.fileno())
        private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077
        text = file.read(1000).strip() if private and status.st_uid == os.geteuid() else ""
    if not text:
        message = (
            f"{path} should hold a secret that nobody but you can read: remove it, and a new one will be made, "
            "or set WORD_COUNTER_SECRET"
        )
        raise UsageError(message)
    return text


def _make(path: str) -> None:
    """Make the file, complete or not at all. When another process makes it at the same time, one of the two stays."""
    temporary = f"{path}.{token_hex(4)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(make_secret() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
