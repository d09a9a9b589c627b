"""Input lines: what a receipt says of each input, in the receipt itself or, of many inputs, in a list beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from word_counter.files.drafts import Written
from word_counter.files.locations import files_at
from word_counter.outputs.receipt_file import LIST_FORMAT
from word_counter.receipts.accounting import Accounting

#: Inputs whose lines have more characters than this together are in a list beside the receipt.
MOST_CHARS = 32 * 1024


def input_lines(accounting: Accounting) -> Iterator[str]:
    """Yield a line of JSON for each input, in the order of the input."""
    return (json.dumps(one, ensure_ascii=False) for one in accounting.inputs())


def are_many(accounting: Accounting) -> bool:
    """Return whether the lines of the inputs are too much for the receipt itself."""
    chars = 0
    return any((chars := chars + len(line)) > MOST_CHARS for line in input_lines(accounting))


def inputs_text(accounting: Accounting, apart: Written | None) -> str:
    """Return the text of the field ``inputs``: the inputs, or the name, size and digest of the list that has them."""
    if apart is not None:
        count = sum(1 for _ in accounting.inputs())
        listed = {"list": apart.name, "inputs": count, "size": apart.size, "blake3": apart.digest}
        return json.dumps(listed, ensure_ascii=False)
    lines = ",\n".join(f"    {line}" for line in input_lines(accounting))
    return f"[\n{lines}\n  ]"


def list_of(content: Mapping[str, Any], receipt: str) -> str:
    """Return the path of the list of inputs that the receipt at a path names; "" when it has them itself."""
    inputs = content["inputs"]
    return "" if isinstance(inputs, list) else os.path.join(os.path.dirname(receipt), inputs["list"])


def inputs_in(path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the inputs in a list, one at a time.

    Raises:
        ValueError: it is no list of inputs.
        OSError: it cannot be read.
    """
    import gzip  # here, as a run only writes such a list, if any

    with files_at(path).open(path) as file, gzip.GzipFile(fileobj=file) as lines:
        if json.loads(lines.readline() or b"null").get("format") != LIST_FORMAT:
            message = f"{path} is no list of inputs"
            raise ValueError(message)
        yield from map(json.loads, lines)
