"""Splitting: byte ranges of a source that end on line breaks.

Nothing is decoded and no line is touched: newlines are counted in blocks, and only the block in which a chunk
ends is looked through for the place. A chunk ends after ``chunk_size`` lines, or after the line in which it
reaches so many bytes, :data:`CHUNK_BYTES` at the most, whichever comes first, so that its size in memory is bounded
by more than the user's idea of a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from word_counter.errors import InputError
from word_counter.job.model import Chunk, Cursor
from word_counter.native.kernel import newlines

#: A chunk takes no further line once it has this many bytes.
CHUNK_BYTES = 8 * 1024 * 1024
#: Or, where nobody says how many lines it takes, these or twice as many and so on, so that there are no more chunks
#: than this: enough to keep all workers busy to the end, and no more, as each word of each chunk costs its time. By
#: doubling, an input that grows has its chunks where they were for long.
_FEWEST_BYTES, _CHUNKS = 1024 * 1024, 32
#: More lines, and more bytes, than any source has.
UNLIMITED = 2**62
#: The largest content of a chunk that is cut out of a stream: Redis takes no longer value than 512 MiB.
LONGEST_CONTENT = 500_000_000
#: How much is read at a time.
_BLOCK_BYTES = 1024 * 1024
#: The shortest stride in which newlines are counted, in bytes.
_STEP_BYTES = 8 * 1024
#: So many newlines are stepped through one by one.
_STEPS = 32


def chunk_limits(chunk_size: int, input_bytes: int) -> tuple[int, int]:
    """Return after how many records, and after how many bytes, a chunk ends.

    Args:
        chunk_size: records a chunk; 0: as suits the input.
        input_bytes: how large the input is, as far as that is known.
    """
    if chunk_size:
        return chunk_size, CHUNK_BYTES
    chunk_bytes = _FEWEST_BYTES
    while chunk_bytes < CHUNK_BYTES and chunk_bytes * _CHUNKS < input_bytes:
        chunk_bytes *= 2
    return UNLIMITED, chunk_bytes


def nth_newline(block: bytes, n: int, start: int = 0) -> int:
    """Return the place just after the ``n``-th newline (from 1) of ``block`` at or after ``start``.

    The caller knows that there are so many. Counts in strides that grow, and shrink again near the place, so
    that near and far places both cost about one pass in C up to them.
    """
    low, width = start, _STEP_BYTES
    while n > _STEPS:
        middle = min(low + width, len(block))
        count = newlines(block, low, middle)
        if count < n:
            n -= count
            low = middle
            width *= 2
        elif width > _STEP_BYTES:
            width //= 2
        else:
            break
    for _ in range(n):
        low = block.index(b"\n", low) + 1
    return low


def blocks_of(file: BinaryIO, offset: int, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file from an offset on, up to where it ended when the job was made."""
    file.seek(offset)
    while offset < size and (block := file.read(min(_BLOCK_BYTES, size - offset))):
        offset += len(block)
        yield block


def cut(
    blocks: Iterable[bytes],
    cursor: Cursor,
    chunk_size: int,
    chunk_bytes: int = CHUNK_BYTES,
    *,
    name: str = "",
    keep: bool = True,
) -> Iterator[tuple[Chunk, bytes]]:
    """Yield the chunks of a source that comes as a stream, in order, each with its bytes.

    Args:
        blocks: the source from ``cursor`` on.
        cursor: where the first block starts, and the first chunk's id.
        chunk_size: lines a chunk.
        chunk_bytes: the number of bytes after which a chunk takes no further line.
        name: the source, for errors.
        keep: whether the bytes of chunks are wanted; else none are given.

    Raises:
        InputError: a chunk would be longer than can travel.
    """
    chunk, lines = cursor.chunk, 0
    start, line = cursor.offset, cursor.line
    position = cursor.offset  # of the block in the source
    kept: list[bytes | memoryview] = []
    last = b""
    for block in blocks:
        view = memoryview(block)
        place = 0  # up to where the block is dealt with
        ahead = newlines(block, 0, len(block))
        while ahead:
            by_lines = nth_newline(block, chunk_size - lines, place) if ahead >= chunk_size - lines else None
            full = max(place, start + chunk_bytes - position - 1)
            by_bytes = block.find(b"\n", full) + 1 or None
            ends = [end for end in (by_lines, by_bytes) if end is not None]
            if not ends:
                break
            end = min(ends)
            passed = chunk_size - lines if end == by_lines else newlines(block, place, end)
            lines += passed
            kept.append(view[place:end])
            yield Chunk(chunk, cursor.source, start, position + end - start, line, lines), _joined(kept, keep=keep)
            chunk, line, start, lines = chunk + 1, line + lines, position + end, 0
            ahead -= passed
            place = end
        lines += ahead
        position += len(block)
        last = block[-1:]
        if keep and position - start > LONGEST_CONTENT:
            message = (
                f"{name}: the chunk from byte {start:,} on would be longer than {LONGEST_CONTENT:,} bytes, "
                "which is the most that can travel"
            )
            raise InputError(message)
        if keep and place < len(block):
            kept.append(view[place:])
    if position > start:
        # Whatever follows the last newline is a line too.
        unfinished = 0 if last == b"\n" else 1
        yield Chunk(chunk, cursor.source, start, position - start, line, lines + unfinished), _joined(kept, keep=keep)


def _joined(kept: list[bytes | memoryview], *, keep: bool) -> bytes:
    content = b"".join(kept) if keep else b""
    kept.clear()
    return content
