"""Verify: checks whether results and inputs are still the ones that a receipt names.

Every file is read once, a block at a time. A receipt is not signed: the check is as trustworthy as the receipt.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from word_counter.errors import OutputError, UsageError
from word_counter.files.digest import Digest
from word_counter.files.locations import files_at, is_database
from word_counter.files.urls import plain
from word_counter.outputs.part_files import parts_at
from word_counter.outputs.receipt_file import FORMAT, receipt_path
from word_counter.receipts.input_lines import inputs_in, list_of
from word_counter.receipts.verification import Fault, Verification, reason_of
from word_counter.receipts.verify_inputs import check_inputs
from word_counter.settings.config import PARTS
from word_counter.settings.plurals import count

#: How much of a file is read at a time, in bytes.
_BLOCK_BYTES = 1024 * 1024


def verify(output: str, receipt: str = "", moved: Sequence[tuple[str, str]] = ()) -> Verification:
    """Check results, and the inputs that their receipt names.

    Args:
        output: the results: a file, a folder of parts, a URL, or a table of a database.
        receipt: where the receipt is; "": beside the results.
        moved: pairs of a folder that inputs were in and the folder where they are now.

    Raises:
        UsageError: there is no receipt, or the file is not one.
    """
    output, receipt = plain(output), plain(receipt)
    if not is_database(output) and not receipt and os.path.isdir(output):
        output = os.path.join(output, PARTS)
    path = receipt or receipt_path(output, "")
    if not path or (is_database(output) and not receipt):
        message = f"where the receipt of {output} is cannot be told from it: name it with --receipt"
        raise UsageError(message)
    content = _read(path, output)
    found = Verification(path)
    try:
        found.job = content["job"]["id"]
        _check_results(output, content["results"], found)
        totals = _check_inputs(path, content, moved, found)
        found.faults[:0] = _inner_faults(content, totals)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path} is not what word_counter wrote there: {type(error).__name__}: {error}"
        raise UsageError(message) from error
    return found


def _read(path: str, output: str) -> dict[str, Any]:
    try:
        with files_at(path).open(path) as file:
            content = json.loads(file.read())
    except FileNotFoundError as error:
        message = (
            f"there is no receipt {path}: a run writes one beside its results; if that of {output} is somewhere else, "
            "name it with --receipt"
        )
        raise UsageError(message) from error
    except (OSError, ValueError, RecursionError) as error:
        message = f"cannot read the receipt {path}: {error}"
        raise UsageError(message) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        message = f"{path} is no receipt that this version of word_counter knows"
        raise UsageError(message)
    return content


def _check_inputs(
    path: str, content: Mapping[str, Any], moved: Sequence[tuple[str, str]], found: Verification
) -> Counter[str] | None:
    """Check the inputs of a receipt at a path; return their totals, None when their list is not as it was written."""
    if not (listed := list_of(content, path)):
        return check_inputs(content["inputs"], moved, found)
    faults = len(found.faults)
    _check_file(listed, content["inputs"], "receipt", found)
    if len(found.faults) > faults:
        found.unchecked.append((listed, f"{count(content['inputs']['inputs'], 'input')} that it lists"))
        return None
    return check_inputs(inputs_in(listed), moved, found)


def _inner_faults(content: Mapping[str, Any], totals: Mapping[str, int] | None) -> Iterator[Fault]:
    """Yield where the numbers of a receipt contradict each other, so that a run cannot have written it.

    ``totals`` are those of its inputs; None: they are not known.
    """
    counts = content["counts"]
    known = counts["lines_mapped"] + counts["lines_set_aside"] + counts["header_lines"]
    sums = [("lines read", counts["lines_read"], known, "are mapped, set aside or headers")]
    if totals is not None:
        sums += [
            ("lines read", counts["lines_read"], totals["lines"], "are of its inputs"),
            ("bytes read", counts["bytes_read"], totals["bytes"], "are of its inputs"),
            ("chunks", counts["chunks"], totals["chunks"], "are of its inputs"),
        ]
    for number, phase in enumerate(content["phases"], 1):
        out, into = phase["pairs_out_of_map"], phase["pairs_into_reduce"]
        sums.append((f"pairs out of the map of phase {number}", out, into, "went into its reduce"))
    for what, one, other, where in sums:
        if one != other:
            yield Fault("receipt", what, f"it names {one:,}, of which {other:,} {where}")


def _check_results(output: str, results: Mapping[str, Any], found: Verification) -> None:
    if is_database(output):
        from word_counter.outputs.postgres import job_in

        holds = job_in(output)
        if holds != found.job:
            found.faults.append(Fault("result", output, f"it holds the results of job {holds or 'nobody'}"))
        found.unchecked.append((output, "rows of a table are not in a receipt"))
        return
    folder = os.path.dirname(output)
    parts = results["format"] == "mr-out"
    for one in results["files"]:
        path = os.path.join(folder, one["name"]) if parts else output
        _check_file(path, one, "result", found)
        found.results += 1
    if parts:
        listed = {one["name"] for one in results["files"]}
        for path in parts_at(output).values():
            if os.path.basename(path) not in listed:
                found.faults.append(Fault("result", path, "it is no part of these results"))
    if (aside := results["quarantine"]) is not None:
        _check_file(os.path.join(folder, aside["name"]), aside, "result", found)


def _check_file(path: str, listed: Mapping[str, Any], of: str, found: Verification) -> None:
    digest = Digest()
    try:
        with files_at(path).open(path) as file:
            for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
                digest.update(block)
    except (OSError, OutputError) as error:
        found.faults.append(Fault(of, path, reason_of(error)))
        return
    found.bytes += digest.size
    if (digest.size, digest.text) != (listed["size"], listed["blake3"]):
        what = "it was edited, or is of another job"
        if digest.size != listed["size"]:
            what += f": it has {count(digest.size, 'byte')}, and had {listed['size']:,}"
        found.faults.append(Fault(of, path, what))
