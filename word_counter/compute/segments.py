"""Segments: the pieces of a phase's results that the next phase maps, and how they are split into chunks.

A chunk of segments is like one of lines, but that its source is the number of a partition, its offset that of its
first segment, and its length how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from word_counter.job.model import Chunk, Cursor

#: So many segments, of 128 KiB or so, make a chunk.
_SEGMENTS_A_CHUNK = 16


def split_segments(segments: Mapping[int, int], cursor: Cursor) -> Iterator[tuple[Chunk, Cursor]]:
    """Yield the chunks of partitions from ``cursor`` on, each with the cursor just after it.

    Args:
        segments: how many segments each partition of a phase has, in the order of the partitions.
        cursor: where to go on; a source below the first partition stands for the start.
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
