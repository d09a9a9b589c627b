"""Output formats: the format (*form*) in which results are written, chosen by name or by the output's suffix."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from word_counter.errors import OutputError
from word_counter.files.drafts import library
from word_counter.files.locations import is_database
from word_counter.outputs import text

_BY_SUFFIX = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}
#: Suffixes of compressed files, which are refused: results are not compressed.
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".zip"})
#: The forms that can go to standard output too, and the functions that write them.
_TEXTS: dict[str, Callable[..., None]] = {
    "json": text.write_object,
    "jsonl": text.write_json_lines,
    "csv": text.write_table,
    "tsv": text.write_tab_table,
    "lines": text.write_lines,
}


def form_of(output: str, chosen: str, own: str) -> str:
    """Return the form of an output.

    Args:
        output: a path, a URL or "-".
        chosen: the form that was asked for; "auto": by the output's suffix, and JSON for a name without one.
        own: "lines" when the job writes its own lines; else "json".

    Raises:
        OutputError: that output cannot have that form, or its suffix is that of none.
    """
    if own == "lines":
        if chosen != "auto" or is_database(output):
            message = (
                "this job writes lines of its own, as its output protocol says, to a file: leave --output-format out"
            )
            raise OutputError(message)
        return own
    suffix = os.path.splitext(output)[1].lower()
    if is_database(output):
        form = "postgresql"
    elif chosen == "auto" and suffix in _COMPRESSED:
        message = f"the output {output} would not be compressed: leave {suffix} out of its name"
        raise OutputError(message)
    elif chosen == "auto" and suffix and suffix not in _BY_SUFFIX:
        message = (
            f"the output {output} ends in {suffix}, which is no format of results: end its name in "
            f"{', '.join(_BY_SUFFIX)}, or say how it is written with --output-format json, jsonl, csv, tsv, parquet, "
            "sqlite or mr-out"
        )
        raise OutputError(message)
    else:
        form = _BY_SUFFIX.get(suffix, "json") if chosen == "auto" else chosen
    if chosen not in {"auto", form} or (form == "postgresql") != is_database(output):
        message = f"the form {chosen} does not fit the output {output}: a table of PostgreSQL is a postgresql:// URL"
        raise OutputError(message)
    if output == "-" and form not in _TEXTS:
        message = (
            f"{form} does not go to standard output: name a {'folder' if form == 'mr-out' else 'file'} with --output"
        )
        raise OutputError(message)
    return form


def check_form(form: str, output: str) -> None:
    """Raise OutputError, which says what to install, when the library that a form needs is missing."""
    if form == "parquet":
        library("pyarrow", "parquet", output)


def writer_of(form: str) -> Callable[..., Any]:
    """Return the function that writes rows to a file in a form, like those of :mod:`word_counter.outputs.text`."""
    if form == "parquet":
        from word_counter.outputs.parquet import write_parquet

        return write_parquet
    if form == "sqlite":
        from word_counter.outputs.sqlite import write_sqlite

        return write_sqlite
    return text.write_part if form == "mr-out" else _TEXTS[form]
