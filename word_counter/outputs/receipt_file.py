"""Receipt file: where the receipt of a job is, beside its results."""

from __future__ import annotations

import json
import os

from word_counter.errors import OutputError
from word_counter.files.locations import files_at, is_database
from word_counter.settings.config import PARTS

#: The first field of a receipt, and so its first bytes.
FORMAT = "word_counter receipt 1"
_HEAD = b'{\n  "format": ' + json.dumps(FORMAT).encode()


def receipt_path(output: str, job_id: str) -> str:
    """Return the path of the receipt that belongs to an output, and to no other one in its folder.

    That of ``results.json`` is ``results.receipt.json``, that of parts is ``mr-out.receipt.json``, that of any other
    NAME is ``NAME.receipt.json``. For tables of a database NAME is the job's id, in the current directory. Standard
    output has none.
    """
    if output == "-":
        return ""
    if is_database(output):
        return f"{job_id}.receipt.json"
    folder, name = os.path.split(output)
    prefix = PARTS.removesuffix("*")
    stem = "results" if name == "results.json" else prefix.rstrip("-") if name.startswith(prefix) else name
    return os.path.join(folder, f"{stem}.receipt.json")


def check_receipt_free(path: str) -> None:
    """Raise OutputError when there is another file where the receipt would be."""
    if path and files_at(path).there(path) and not is_receipt(path):
        message = (
            f"{path} is in the way: the receipt of the results would be there, and it is not a receipt; "
            "move it, or give another --output"
        )
        raise OutputError(message)


def is_receipt(path: str) -> bool:
    """Return whether a file begins like a receipt of this package."""
    try:
        return files_at(path).head(path, len(_HEAD)) == _HEAD
    except OSError:
        return False
