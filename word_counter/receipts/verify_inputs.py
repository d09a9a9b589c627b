"""Verify inputs: checks whether each input is still the one that a receipt names.

Every file is read once, a block at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from word_counter.errors import InputChangedError, InputError
from word_counter.files.digest import Digest, chunk_line, digest_of
from word_counter.files.locations import absolute
from word_counter.inputs.base import Opened
from word_counter.inputs.kind_table import Openings, kind_of
from word_counter.job.mapper import BYTES
from word_counter.job.model import Chunk, Source
from word_counter.receipts.verification import Fault, Verification, reason_of
from word_counter.settings.plurals import count


def check_inputs(
    inputs: Iterable[Mapping[str, Any]], moved: Sequence[tuple[str, str]], found: Verification
) -> Counter[str]:
    """Check each input that a receipt lists, and add what does not match to ``found``.

    Returns:
        How many ``lines``, ``bytes`` and ``chunks`` they have together, as they are listed.
    """
    totals: Counter[str] = Counter()
    with closing(Openings()) as openings:
        for one in inputs:
            found.inputs += 1
            totals.update(lines=one["lines"], bytes=one["bytes"], chunks=len(one["chunks"]))
            source = Source(
                _place(one["path"], moved), one["size"], 0, one["packing"], one["member"], one.get("encoding", "")
            )
            if kind_of(source).once:
                found.unchecked.append((source.name, "it cannot be read again"))
                continue
            if one["blake3_of_chunks"] is None:
                found.unchecked.append((source.name, "some of it could not be read by the job either"))
                continue
            if what := _input_fault(source, one, openings, found):
                found.faults.append(Fault("input", source.name, what))
    return totals


def _place(path: str, moved: Sequence[tuple[str, str]]) -> str:
    """Return where an input is now."""
    for old, new in moved:
        before, now = (absolute(folder).rstrip("/") for folder in (old, new))
        if path.startswith(f"{before}/"):
            return now + path.removeprefix(before)
    return path


def _input_fault(source: Source, listed: Mapping[str, Any], openings: Openings, found: Verification) -> str:
    """Return what is wrong with an input; "" when it is the one that the job read."""
    try:
        kind = kind_of(source)
        now = kind.now(source)
        if not kind.travels(source) and now.size != source.size:
            return f"it was edited: it has {count(now.size, kind.unit.name)}, and had {source.size:,}"
        with openings.opened(now) as file:  # only the content of a packed file counts
            if kind.unit is BYTES:
                digest, size = _digest_of(file.blocks(), listed["chunks"])
            else:
                digest, size = _digest_of_chunks(file, listed["chunks"])
    except (OSError, InputError, InputChangedError) as error:
        return reason_of(error)
    found.bytes += size
    return "" if digest == listed["blake3_of_chunks"] else "it was edited"


def _digest_of_chunks(file: Opened, lengths: Sequence[int]) -> tuple[str, int]:
    """Return the digest of chunks of these lengths, of a source that is not cut at bytes, and how long they are."""
    whole, offset = Digest(), 0
    for length in lengths:
        content = file.read(Chunk(0, 0, offset, length, 1, 0))
        whole.update(chunk_line(length, digest_of(content)))
        offset += length
    return whole.text, offset


def _digest_of(blocks: Iterable[bytes], lengths: Sequence[int]) -> tuple[str, int]:
    """Return the digest of content that is cut into chunks of these lengths, and how many bytes it has.

    Content after the last chunk counts as one more chunk, which gives another digest.
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
