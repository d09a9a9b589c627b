"""The inline engine: all in this process, for trying a job out and for tests.

It takes the same way as the others, with at least two chunks and two partitions where the input allows, so that
a job which only works in one piece shows it here; and it raises the user's own exception, for a debugger.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext, redirect_stdout
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from word_counter import config
from word_counter.care import Care
from word_counter.chunk_reader import ChunkReader
from word_counter.engines.base import Engine
from word_counter.errors import RecordError, UsageError
from word_counter.job import Cursor, Inputs, Job, JobState, Source
from word_counter.merge import Summary, parts_of, summarised
from word_counter.observer import Observer, Outcome, Progress
from word_counter.outputs.quarantine import quarantine_path
from word_counter.pieces import Cutting, Piece, split_sources
from word_counter.records import InputFormat, chosen_format
from word_counter.side_file import read_side_files
from word_counter.sinks import Sink
from word_counter.sources import find_sources
from word_counter.split import cut
from word_counter.stages import MapOutput, pairs_of, run_map, run_reduce
from word_counter.step import Phase


class InlineEngine(Engine):
    """Runs a job in this process, task by task. Holds all partials in memory.

    What fails is raised at once: there are no further attempts, and no chunk is set aside. Settings that promise what
    it cannot keep are refused.
    """

    def run(self, inputs: Inputs | None, job: Job, observer: Observer, settings: Mapping[str, Any]) -> Outcome:
        """Run the job.

        Raises:
            UsageError: the request cannot be carried out.
            Exception: whatever the user's code raised, with a note that says where in the input.
        """
        began = time.monotonic()
        chosen = config.load(settings, job.settings)
        _refuse(chosen, settings)
        phases = job.phases(job.param_values(), read_side_files(job.files))
        job_id = chosen.job_id or "inline"
        sink = Sink.of(chosen, job.form)
        sink.check(job_id)
        named = inputs if inputs is not None else job.inputs
        sources = find_sources(
            named,
            sink.files(job_id),
            observer.warned,
            verbose=chosen.verbose,
            selection=chosen.selection,
        )
        observer.started(job_id, "")
        records = InputFormat.parse(chosen_format(chosen.input_format, phases[0]))
        cutting = Cutting.of(sources, chosen.chunk_size, records)
        pieces = _pieces(sources, replace(cutting, whole_files=phases[0].whole_files))
        partitions = max(2, chosen.partitions)
        first = phases[0]
        progress = Progress(
            state=JobState.MAPPING,
            seconds=time.monotonic() - began,
            files=len(sources),
            bytes=sum(source.size for source in sources),
            partitions=partitions,
            workers=1,
        )
        observer.progressed(progress)
        counters: dict[str, int] = {}
        bad: list[str] = []
        lines = mapped = chunks = 0
        outputs: list[MapOutput] = []
        # What user code prints must not mix with results on standard output.
        aside = redirect_stdout(sys.stderr) if chosen.output == "-" else nullcontext()
        try:
            with closing(ChunkReader(dict(enumerate(sources)), records=records)) as reader, aside:
                for chunk, _, content in pieces:
                    read = reader.read(chunk, content)
                    output = run_map(first, read, partitions, Care(chosen.max_bad_records - len(bad)))
                    bad += output.aside.entries().values()
                    outputs.append(output)
                    lines += output.lines
                    mapped += chunk.length
                    chunks = len(outputs)
                    progress = replace(
                        progress,
                        seconds=time.monotonic() - began,
                        bytes_mapped=mapped,
                        lines=lines,
                        bytes=max(progress.bytes, mapped),
                        chunks=chunks,
                        chunks_mapped=chunks,
                    )
                    observer.progressed(progress)
                results = _reduced(first, outputs, partitions, counters)
                for number, phase in enumerate(phases[1:], 1):
                    where = f"the results of phase {number}, partition"
                    found = [pairs_of(texts, f"{where} {n}") for n, texts in enumerate(results)]
                    outputs = [run_map(phase, pairs, partitions) for pairs in found]
                    results = _reduced(phase, outputs, partitions, counters)
        except RecordError as error:
            if not isinstance(error.__cause__, Exception):
                raise  # a sys.exit() in a mapper must not look like an orderly end
            error.__cause__.add_note(str(error).partition("\n")[0])
            raise error.__cause__ from None
        seconds = time.monotonic() - began
        progress = replace(progress, bytes=mapped, split_done=True)
        observer.progressed(replace(progress, state=JobState.REDUCING, seconds=seconds, partitions_reduced=partitions))
        summary = Summary()
        parts = [summarised(part, summary) for part in parts_of(results, sink.form)]
        sink.write(parts, job_id, aside=bad or None)
        return Outcome(
            job_id=job_id,
            output=sink.output,
            output_format=sink.form,
            files=len(sources),
            bytes=mapped,
            lines=lines,
            chunks=chunks,
            keys=summary.keys,
            seconds=time.monotonic() - began,
            bad_records=len(bad),
            quarantine=quarantine_path(sink.output, job_id) if bad else "",
            counters=counters,
            largest=summary.largest,
        )


def _reduced(phase: Phase, outputs: list[MapOutput], partitions: int, counters: dict[str, int]) -> list[list[str]]:
    """Reduce every partition of what the map tasks of a phase gave; add to the counters what they counted."""
    for output in outputs:
        for name, n in output.counters.items():
            counters[name] = counters.get(name, 0) + n
    return [
        list(run_reduce(phase, [output.partials[n] for output in outputs if n in output.partials], counters))
        for n in range(partitions)
    ]


def _refuse(chosen: config.Settings, given: Mapping[str, Any]) -> None:
    """Raise UsageError when settings promise what only workers can keep.

    A job's or the environment's limits for single tasks are passed over, as they have no value that switches them off.
    """
    for name, off in (("timeout", 0), ("resume", False), ("standby", False), ("on_bad_chunk", "fail")):
        if (value := getattr(chosen, name)) != off:
            message = (
                f"the inline engine cannot keep {name.replace('_', '-')} {value}: it runs all in one process; "
                "leave it out, or use --engine redis"
            )
            raise UsageError(message)
    for name, only in (("max_attempts", 1), ("task_timeout", None), ("lease_seconds", None)):
        if given.get(name) is not None and getattr(chosen, name) != only:
            message = f"the inline engine has no {name.replace('_', '-')}: it tries each task once, in this process"
            raise UsageError(message)


def _pieces(sources: list[Source], cutting: Cutting) -> Iterator[Piece]:
    """Yield the pieces; of input that fits in one, two halves, unless it is of rows or can be read but once."""
    pieces = split_sources(sources, Cursor(), cutting)
    begin = list(islice(pieces, 2))
    if not cutting.whole_files and len(begin) == 1 and begin[0].chunk.lines > 1:
        ((chunk, after, content),) = begin
        half = replace(cutting, chunk_size=(chunk.lines + 1) // 2)
        if content is None:
            yield from split_sources(sources, Cursor(), half)
            return
        if cutting.records.kind != "csv":
            parts = cut([content], Cursor(0, chunk.source), half.chunk_size)
            yield from (Piece(part, after, text) for part, text in parts)
            return
    yield from chain(begin, pieces)
