"""Sample: the first records of some files, which a check can leave out one by one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from word_counter.check.trial_run import Record
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.input_format import InputFormat, chosen_format
from word_counter.job.model import Cursor, Source
from word_counter.job.step import Phase


def read_sample(
    sources: Sequence[Source], records: int, phase: Phase | None = None, input_format: str = ""
) -> list[Record]:
    """Return about so many records for a phase: the first of each source, equally many of each, or whole sources.

    Args:
        sources: where the records are.
        records: how many.
        phase: the first phase of the job; None: records are lines.
        input_format: what a record is, instead of what the phase says.

    Raises:
        UsageError: there is no such format, or it is none for this phase.
        InputError: a source cannot be read.
    """
    whole_files = phase is not None and phase.whole_files
    kind = InputFormat.parse(chosen_format(input_format, phase) if phase is not None else input_format or "lines")
    each = max(1, records // max(1, len(sources)))
    found: list[Record] = []
    for source in sources[:records]:
        for chunk, _, content in split_sources(
            [source], Cursor(), Cutting(each, whole_files=whole_files, records=kind)
        ):
            with closing(ChunkReader({0: source}, records=kind)) as reader:
                read = reader.read(chunk, content)
                lines = [read] if whole_files else read.each()
                found += [Record(line.source, line.offset, line.line, line.raw, line.reading) for line in lines]
            break
    return found
