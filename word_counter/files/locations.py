"""Locations: whether an output is a local file, a URL, a database or standard output."""

from __future__ import annotations

import os
import re

from word_counter.errors import OutputError
from word_counter.files.local_files import LocalFiles
from word_counter.files.remote_files import RemoteFiles
from word_counter.files.urls import holds_secret, is_url, plain, refusal

_DATABASE = re.compile(r"postgres(ql)?://", re.IGNORECASE)


def is_database(output: str) -> bool:
    """Return whether an output is a table of a PostgreSQL server."""
    return _DATABASE.match(output) is not None


def checked(output: str) -> str:
    """Return an output; a URL of a local file becomes its path.

    Raises:
        OutputError: it is a URL that cannot be written or that other processes cannot see; or it contains a password,
            which Redis and ``ps`` would show.
    """
    output = plain(output)
    if not is_url(output):
        return output
    if holds_secret(output):
        where = "PGPASSWORD or ~/.pgpass" if is_database(output) else "where its library looks for it"
        shown = f"{output.partition('://')[0]}://..."
        message = (
            f"the output {shown} holds a password or a token, which would stand in Redis: give it in {where} instead"
        )
        raise OutputError(message)
    if why := refusal(output, written=True):
        message = f"the output {output} {why}; give another --output"
        raise OutputError(message)
    return output


def absolute(output: str) -> str:
    """Return an output in a form that holds in any folder: a path becomes absolute; "-" and URLs are unchanged."""
    return output if output == "-" or is_url(output) else os.path.abspath(output)


def files_at(path: str) -> LocalFiles | RemoteFiles:
    """Return the local or remote files for a path or URL; OutputError when a library for the URL is missing."""
    return RemoteFiles(path) if is_url(path) else LocalFiles()
