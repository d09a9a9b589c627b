"""Samples: the first lines of some files, as records that a check can leave out one by one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from word_counter.chunk_reader import ChunkReader
from word_counter.job import Cursor, Source
from word_counter.pieces import split_sources
from word_counter.trial import Record


def read_sample(sources: Sequence[Source], records: int, *, whole_files: bool = False) -> list[Record]:
    """Return about so many records: the first lines of each source, as many of each, or sources as a whole."""
    each = max(1, records // max(1, len(sources)))
    found: list[Record] = []
    for source in sources[:records]:
        for chunk, _, content in split_sources([source], each, Cursor(), whole_files=whole_files):
            with closing(ChunkReader({0: source})) as reader:
                read = reader.read(chunk, content)
                lines = [read] if whole_files else read.each()
                found += [Record(line.source, line.offset, line.line, line.raw) for line in lines]
            break
    return found
