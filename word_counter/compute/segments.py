"""Segments: the pieces of a phase's results, and how they are split into chunks for the next phase.

A chunk of segments is like one of lines, with these differences: its source is the number of a partition, its offset
the number of its first segment, and its length the number of its segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from word_counter.job.model import Chunk, Cursor

#: How many segments, of about 128 KiB each, make a chunk.
_SEGMENTS_A_CHUNK = 16


def split_segments(segments: Mapping[int, int], cursor: Cursor) -> Iterator[tuple[Chunk, Cursor]]:
    """Yield the chunks of partitions from ``cursor`` on, each with the cursor just after it.

    Args:
        segments: how many segments each partition of a phase has, in the order of the partitions.
        cursor: where to go on; a source below the first partition means the start.
    """
    for partition, end in segments.items():
        if partition < cursor.source:
            continue
        offset = cursor.offset if partition == cursor.source else 0
        while offset < end:
            length = min(_SEGMENTS_A_CHUNK, end - offset)
            chunk = Chunk(cursor.chunk, partition, offset, length, 1, 0)
            offset += length
            cursor = Cursor(chunk.id + 1, partition, offset, 1)
            yield chunk, cursor
