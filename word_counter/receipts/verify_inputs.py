"""Verifying inputs: whether each is still the one that a receipt names.

Each file is read once, in the memory of a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from word_counter.errors import InputChangedError, InputError
from word_counter.files.digest import Digest, chunk_line
from word_counter.files.locations import absolute
from word_counter.inputs.sources import status_of
from word_counter.inputs.streams import Openings, Stream
from word_counter.job.model import STDIN, Source
from word_counter.receipts.verification import Fault, Verification, reason_of
from word_counter.settings.plurals import count


def check_inputs(inputs: Sequence[Mapping[str, Any]], moved: Sequence[tuple[str, str]], found: Verification) -> None:
    """Look at each input that a receipt lists, and add to ``found`` what does not hold of it."""
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
            return f"it was edited: it has {count(status.size, 'byte')}, and had {source.size:,}"
        # A packed file is what it holds, however it is packed.
        size = source.size if source.member else status.size
        now = replace(source, size=size, modified=status.modified)
        with openings.opened(now) as file:
            digest, size = _digest_of(Stream(now, file).blocks(), listed["chunks"])
    except (OSError, InputError, InputChangedError) as error:
        return reason_of(error)
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
