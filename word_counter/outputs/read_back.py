"""Results read back, where their form keeps what they are."""

from __future__ import annotations

import json
from typing import Any

from word_counter.files.locations import files_at
from word_counter.outputs.part_files import parts_at


def read_results(output: str, form: str) -> dict[str, Any]:
    """Return the results in an output, in the order in which they stand there.

    Raises:
        ValueError: they have a form that other libraries read.
        OSError: there are none.
    """
    files = files_at(output)
    if form == "mr-out":
        parts = parts_at(output).values()
        if not parts:
            raise FileNotFoundError(output)
        # Not splitlines, which ends a line at other characters, too.
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
