"""Receipt file: where the receipt of a job is, beside its results, and the list of its inputs when they are many.

The list has one line of JSON for each input, after a first line that says what it is. It is packed with gzip.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from word_counter.errors import OutputError
from word_counter.files.drafts import Written
from word_counter.files.locations import files_at, is_database
from word_counter.settings.config import PARTS

#: The first field of a receipt, and so its first bytes.
FORMAT = "word_counter receipt 1"
_HEAD = b'{\n  "format": ' + json.dumps(FORMAT).encode()
#: The same of a list of inputs, once it is unpacked; and how much of a file is enough to unpack that.
LIST_FORMAT = "word_counter inputs 1"
_LIST_HEAD = b'{"format": ' + json.dumps(LIST_FORMAT).encode()
_LIST_HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt is made of.

    Attributes:
        text: makes its text of the files of the results, the quarantine, and the list of inputs, if there are these.
        inputs: gives the lines of the list; None: the text itself names the inputs.
    """

    text: Callable[[Sequence[Written], Written | None, Written | None], str]
    inputs: Callable[[], Iterable[str]] | None = None


def receipt_path(output: str, job_id: str) -> str:
    """Return the path of the receipt that belongs to an output, and to no other one in its folder.

    That of ``results.json`` is ``results.receipt.json``, that of parts is ``mr-out.receipt.json``, that of any other
    NAME is ``NAME.receipt.json``. For tables of a database NAME is the job's id, in the current directory. Standard
    output has none.
    """
    return _beside(output, job_id, "receipt.json")


def input_list_path(output: str, job_id: str) -> str:
    """Return the path of the list of inputs: that of the receipt, with ``inputs.jsonl.gz`` for ``receipt.json``."""
    return _beside(output, job_id, "inputs.jsonl.gz")


def _beside(output: str, job_id: str, suffix: str) -> str:
    if output == "-":
        return ""
    if is_database(output):
        return f"{job_id}.{suffix}"
    folder, name = os.path.split(output)
    prefix = PARTS.removesuffix("*")
    stem = "results" if name == "results.json" else prefix.rstrip("-") if name.startswith(prefix) else name
    return os.path.join(folder, f"{stem}.{suffix}")


def check_receipt_free(output: str, job_id: str) -> None:
    """Raise OutputError when there is another file where the receipt, or the list of inputs, would be."""
    for path, what, ours in (
        (receipt_path(output, job_id), "receipt", is_receipt),
        (input_list_path(output, job_id), "list of inputs", _is_input_list),
    ):
        if path and files_at(path).there(path) and not ours(path):
            message = (
                f"{path} is in the way: the {what} of the results would be there, and it is not a {what}; "
                "move it, or give another --output"
            )
            raise OutputError(message)


def is_receipt(path: str) -> bool:
    """Return whether a file begins like a receipt of this package."""
    try:
        return files_at(path).head(path, len(_HEAD)) == _HEAD
    except OSError:
        return False


def write_input_list(lines: Iterable[str], job_id: str, file: BinaryIO) -> None:
    """Write the list of the inputs of a job. The same lines give the same bytes."""
    import gzip  # only jobs of many inputs need it

    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        packed.write(_LIST_HEAD + b', "job": ' + json.dumps(job_id).encode() + b"}\n")
        for line in lines:
            packed.write(f"{line}\n".encode("utf-8", "backslashreplace"))


def remove_input_list(path: str) -> None:
    """Remove the list of an earlier job, if there is one."""
    if path and _is_input_list(path):
        with contextlib.suppress(OSError):
            files_at(path).remove(path)


def _is_input_list(path: str) -> bool:
    """Return whether a file begins like a list of inputs of this package."""
    try:
        head = files_at(path).head(path, _LIST_HEAD_BYTES)
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, len(_LIST_HEAD)) == _LIST_HEAD
    except (OSError, zlib.error):
        return False
