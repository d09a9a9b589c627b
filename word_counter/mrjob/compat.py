"""What mrjob's jobs ask Hadoop about the running task. Of its many answers there is one here: the input's file."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

#: The path of the file that the running task reads.
input_file: ContextVar[str] = ContextVar("input_file", default="")
_INPUT_FILE = {"mapreduce.map.input.file", "map.input.file"}


def jobconf_from_env(variable: str, default: Any = None) -> Any:
    """Return what the task's configuration says of a variable; ``default`` when it says nothing."""
    path = input_file.get() if variable in _INPUT_FILE else ""
    return f"file://{path}" if path else default
