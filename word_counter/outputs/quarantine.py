"""Quarantine file: the bad chunks and records of a job beside its results, one JSON object on each line."""

from __future__ import annotations

import contextlib
import json
import os

from word_counter.errors import OutputError
from word_counter.files.locations import files_at, is_database
from word_counter.settings.config import PARTS

#: The most bytes that are read of a line that may be a quarantine entry. Entries are much shorter.
_LONGEST_ENTRY_BYTES = 1024 * 1024


def quarantine_path(output: str, job_id: str) -> str:
    """Return the path of the quarantine file that belongs to an output, and to no other one in its folder.

    That of ``results.json`` is ``quarantine.jsonl``, that of any other NAME is ``NAME.quarantine.jsonl``. For standard
    output and tables of a database NAME is the job's id, in the current directory.
    """
    if output == "-" or is_database(output):
        return f"{job_id}.quarantine.jsonl"
    folder, name = os.path.split(output)
    return os.path.join(folder, "quarantine.jsonl" if name in {"results.json", PARTS} else f"{name}.quarantine.jsonl")


def check_free(path: str) -> None:
    """Raise OutputError when there is another file where the quarantine file would be."""
    if files_at(path).there(path) and not _is_quarantine(path):
        message = (
            f"{path} is in the way: bad records would be listed there, and it is not a quarantine file; "
            "move it, or give another --output"
        )
        raise OutputError(message)


def remove_quarantine(path: str) -> None:
    """Remove the quarantine file of an earlier job, if there is one."""
    if _is_quarantine(path):
        with contextlib.suppress(OSError):
            files_at(path).remove(path)


def _is_quarantine(path: str) -> bool:
    """Whether this package wrote a quarantine file, by its first line. An empty file may be another program's."""
    try:
        first, _, _ = files_at(path).head(path, _LONGEST_ENTRY_BYTES).partition(b"\n")
        content = json.loads(first)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= {"file", "offset", "line", "reason"}
