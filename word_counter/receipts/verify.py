"""Verifying: whether results and inputs are still the ones that a receipt names, and what is not.

Every file is read once, in the memory of a block. A receipt is not signed: what is found here is as true as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from word_counter.errors import InputChangedError, InputError, OutputError, UsageError
from word_counter.files.digest import Digest, chunk_line
from word_counter.files.locations import absolute, files_at, is_database
from word_counter.inputs.sources import status_of
from word_counter.inputs.streams import Openings, Stream
from word_counter.job.job import STDIN, Source
from word_counter.outputs.part_files import parts_at
from word_counter.outputs.receipt_file import FORMAT, receipt_path
from word_counter.settings.config import PARTS

#: How much of a file is read at a time, in bytes.
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold: of the "receipt" itself, of a "result" or of an "input"; which, and what."""

    of: str
    name: str
    what: str


@dataclass(slots=True)
class Verification:
    """What was found. ``unchecked`` are names of what cannot be looked at again, with the reason."""

    receipt: str
    job: str = ""
    results: int = 0  #: how many files of results were looked at
    inputs: int = 0
    bytes: int = 0  #: how much was read
    faults: list[Fault] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found that does not hold."""
        return not self.faults


def verify(output: str, receipt: str = "", moved: Sequence[tuple[str, str]] = ()) -> Verification:
    """Look at results and at the inputs that their receipt names.

    Args:
        output: the results: a file, a folder of parts, a URL, or a table of a database.
        receipt: where the receipt is; nothing: beside the results.
        moved: folders that inputs were in and where what was in them is now.

    Raises:
        UsageError: there is no receipt, or it is none.
    """
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
        found.faults += _inner_faults(content)
        _check_results(output, content["results"], found)
        _check_inputs(content["inputs"], moved, found)
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


def _inner_faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what of a receipt does not go together, so that nobody wrote it so."""
    counts, inputs = content["counts"], content["inputs"]
    known = counts["lines_mapped"] + counts["lines_set_aside"] + counts["header_lines"]
    sums = [
        ("lines read", counts["lines_read"], known, "are mapped, set aside or headers"),
        ("lines read", counts["lines_read"], sum(one["lines"] for one in inputs), "are of its inputs"),
        ("bytes read", counts["bytes_read"], sum(one["bytes"] for one in inputs), "are of its inputs"),
        ("chunks", counts["chunks"], sum(len(one["chunks"]) for one in inputs), "are of its inputs"),
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
        found.faults.append(Fault(of, path, _cannot(error)))
        return
    found.bytes += digest.size
    if (digest.size, digest.text) != (listed["size"], listed["blake3"]):
        what = "it was edited, or is of another job"
        if digest.size != listed["size"]:
            what += f": it has {digest.size:,} bytes, and had {listed['size']:,}"
        found.faults.append(Fault(of, path, what))


def _check_inputs(inputs: Sequence[Mapping[str, Any]], moved: Sequence[tuple[str, str]], found: Verification) -> None:
    with closing(Openings()) as openings:
        for one in inputs:
            found.inputs += 1
            source = Source(_place(one["path"], moved), one["size"], 0, one["packing"], one["member"])
            if source.packing == STDIN:
                found.unchecked.append((source.name, "it cannot be read again"))
                continue
            if one["blake3_of_chunks"] is None:
                found.unchecked.append((source.name, "some of it could not be read by the job either"))
                continue
            if what := _input_fault(source, one, openings, found):
                found.faults.append(Fault("input", source.name, what))


def _place(path: str, moved: Sequence[tuple[str, str]]) -> str:
    """Return where an input is now."""
    for old, new in moved:
        before, now = (absolute(folder).rstrip("/") for folder in (old, new))
        if path.startswith(f"{before}/"):
            return now + path.removeprefix(before)
    return path


def _input_fault(source: Source, listed: Mapping[str, Any], openings: Openings, found: Verification) -> str:
    """Return what does not hold of an input; nothing when it is the one that the job read."""
    try:
        status = status_of(source.path)
        if not source.packing and status.size != source.size:
            return f"it was edited: it has {status.size:,} bytes, and had {source.size:,}"
        # A packed file is what it holds, however it is packed.
        size = source.size if source.member else status.size
        now = replace(source, size=size, modified=status.modified)
        with openings.opened(now) as file:
            digest, size = _digest_of(Stream(now, file).blocks(), listed["chunks"])
    except (OSError, InputError, InputChangedError) as error:
        return _cannot(error)
    found.bytes += size
    return "" if digest == listed["blake3_of_chunks"] else "it was edited"


def _digest_of(blocks: Iterable[bytes], lengths: Sequence[int]) -> tuple[str, int]:
    """Return the digest of content that is cut into chunks of these lengths, and how many bytes it has.

    What comes after the last chunk is one more, which gives another digest.
    """
    whole = Digest()
    left = iter(lengths)
    length = next(left, None)
    chunk, size = Digest(), 0
    for block in blocks:
        size += len(block)
        rest = memoryview(block)
        while rest:
            room = len(rest) if length is None else length - chunk.size
            chunk.update(rest[:room])
            rest = rest[room:]
            if chunk.size == length:
                whole.update(chunk_line(chunk.size, chunk.text))
                chunk, length = Digest(), next(left, None)
    if chunk.size or length is not None:
        whole.update(chunk_line(chunk.size, chunk.text))
    return whole.text, size


def _cannot(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return f"it cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
