"""Folders: where this program keeps things for its user, after the XDG specification, and where temporary files go."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from word_counter.errors import NoHomeError, UsageError, WordCounterError
from word_counter.settings.config import environment


def state_folder() -> str:
    """Return the folder in which this program keeps things for its user.

    Raises:
        NoHomeError: this user has no home, and no other place is named.
    """
    return _folder("XDG_STATE_HOME", ".local/state")


def cache_folder() -> str:
    """Return the folder in which it keeps what can be made again; NoHomeError as above."""
    return _folder("XDG_CACHE_HOME", ".cache")


def _folder(variable: str, default: str) -> str:
    base = environment().get(variable, "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(_home(variable), default), "word_counter")


def _home(variable: str) -> str:
    """Return the user's home. ``expanduser`` would give a ``~`` that it knows no home for back as it is."""
    home = environment().get("HOME", "")
    if not home:
        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            message = (
                f"user {os.getuid()} has no home folder: HOME is not set, and the user is not in the password "
                f"database; set HOME or {variable}"
            )
            raise NoHomeError(message) from None
    if not os.path.isabs(home):
        message = f"the home folder {home!r} is not an absolute path; set HOME or {variable}"
        raise NoHomeError(message)
    return home


def temporary_folder() -> str:
    """Return the folder for temporary files, an absolute path: what ``TMPDIR`` names, else ``/tmp`` or its like.

    Raises:
        UsageError: none of them can be written.
    """
    try:
        return os.path.abspath(tempfile.gettempdir())
    except OSError as error:
        tried = f" ({error.strerror})" if error.strerror else ""
        message = f"there is no folder for temporary files{tried}: set TMPDIR to a folder that can be written"
        raise UsageError(message) from None


@contextmanager
def room_for(what: str, error: type[WordCounterError] = UsageError) -> Iterator[str]:
    """Give the folder for temporary files; what fails there is an error that names it.

    Args:
        what: is done there, as in "sort the results".
        error: what is raised when there is no such folder, or no room in it.
    """
    try:
        place = temporary_folder()
    except UsageError as missing:
        raise error(str(missing)) from None
    try:
        yield place
    except OSError as failed:
        message = f"cannot {what} in {place}: {failed.strerror or failed}; make room there, or set TMPDIR"
        raise error(message) from failed
