"""Reads results back from an output, for the forms that this package can read."""

from __future__ import annotations

import json
from typing import Any

from word_counter.files.locations import files_at
from word_counter.outputs.part_files import parts_at


def read_results(output: str, form: str) -> dict[str, Any]:
    """Return the results in an output, in the order of the file.

    Raises:
        ValueError: their form is one for other programs to read.
        OSError: there are none.
    """
    files = files_at(output)
    if form == "mr-out":
        parts = parts_at(output).values()
        if not parts:
            raise FileNotFoundError(output)
        # Not splitlines(), which also splits at other characters.
        lines = [line for path in parts for line in _text(path).split("\n") if line]
        return {key: value for key, _, value in sorted(line.partition(" ") for line in lines)}
    if form == "json":
        content: dict[str, Any] = json.loads(_text(output))
        return content
    if form == "jsonl":
        with files.open(output) as file:
            rows = map(json.loads, file)
            return {row["key"]: row["value"] for row in rows}
    message = f"the results in {output} are {form}: read them with what reads that"
    raise ValueError(message)


def _text(path: str) -> str:
    with files_at(path).open(path) as file:
        return file.read().decode()
