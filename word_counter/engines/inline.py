"""Inline engine: runs a job in this process, for trying it out and for tests.

It works like the other engines, with at least two chunks and two partitions where the input allows it. So a job that
works only in one piece fails here already. It raises the user's own exception, for a debugger.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext, redirect_stdout
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from word_counter.compute.merge import Summary, parts_of, summarised
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import MapOutput, pairs_of, run_map, run_reduce
from word_counter.engines.base import Engine
from word_counter.errors import BadRecordError, JobLoadError, RecordError, UsageError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import Piece, check_headers, split_sources
from word_counter.inputs.input_format import InputFormat, chosen_format
from word_counter.inputs.line_splitter import cut
from word_counter.inputs.path_filter import PathFilter
from word_counter.inputs.sources import find_sources
from word_counter.job.job import Job
from word_counter.job.model import Chunk, Cursor, Done, Inputs, JobState, RunningTask, Source, Stage
from word_counter.job.step import Phase
from word_counter.loading.code_fingerprint import digest_of_code
from word_counter.loading.job_hints import hints
from word_counter.loading.job_reference import refer_to
from word_counter.master.make_spec import make_spec
from word_counter.observer import Observer, Outcome, Progress
from word_counter.outputs.quarantine import quarantine_path
from word_counter.outputs.receipt_file import receipt_path
from word_counter.outputs.sink import Sink
from word_counter.receipts.accounting import Accounting
from word_counter.receipts.receipt import Run, check_accounting, receipt_of
from word_counter.settings import config
from word_counter.shuffle.key_skew import KeySkew


class InlineEngine(Engine):
    """Runs a job in this process, task by task. Holds all partials in memory.

    An error is raised at once: there are no retries, and no chunk goes into quarantine. Settings that this engine
    cannot honour are refused.
    """

    def run(self, inputs: Inputs | None, job: Job, observer: Observer, settings: Mapping[str, Any]) -> Outcome:
        """Run the job.

        Raises:
            UsageError: the request cannot be carried out.
            Exception: the error of the user's code, with a note that says where in the input it happened.
        """
        began = time.monotonic()
        chosen = config.load(settings, job.settings)
        _refuse(chosen, settings)
        files = job.side_files()
        phases = job.phases(job.param_values(), files)
        job_id = chosen.job_id or "inline"
        sink = Sink.of(chosen, job.form)
        sink.check(job_id)
        named = inputs if inputs is not None else job.inputs
        sources = find_sources(
            named,
            sink.files(job_id),
            observer.warned,
            verbose=chosen.verbose,
            path_filter=PathFilter(chosen.include, chosen.exclude),
            encoding=chosen.encoding or job.encoding,
        )
        records = InputFormat.parse(chosen_format(chosen.input_format, phases[0]))
        check_headers(sources, records)
        observer.started(job_id, "")
        for hint in hints(job):
            observer.warned(hint)
        cutting = Cutting.of(sources, chosen.chunk_size, records)
        pieces = _pieces(
            sources,
            replace(cutting, whole_files=phases[0].whole_files, empty_files=phases[0].empty_files),
            observer.warned,
        )
        partitions = max(2, chosen.partitions)
        progress = Progress(
            state=JobState.MAPPING,
            seconds=time.monotonic() - began,
            files=len(sources),
            bytes=sum(source.size for source in sources),
            partitions=partitions,
            workers=1,
        )
        observer.progressed(progress)
        tasks = _Tasks(job_id, phases, partitions, Accounting(sources, len(phases)), chosen.max_bad_records)
        # What user code prints must not mix with results on standard output.
        aside = redirect_stdout(sys.stderr) if chosen.output == "-" or sys.stdout is None else nullcontext()
        try:
            with closing(ChunkReader(dict(enumerate(sources)), records=records)) as reader, aside:
                for chunk, _, content in pieces:
                    tasks.map(reader, chunk, content)
                    progress = replace(
                        progress,
                        seconds=time.monotonic() - began,
                        bytes_mapped=tasks.bytes,
                        lines=tasks.lines,
                        bytes=max(progress.bytes, tasks.bytes),
                        chunks=tasks.chunks,
                        chunks_mapped=tasks.chunks,
                    )
                    observer.progressed(progress)
                results = tasks.reduce()
        except RecordError as error:
            if not isinstance(error.__cause__, Exception) or isinstance(error.__cause__, BadRecordError):
                raise  # a sys.exit() in a mapper must not look like a normal end, and of a bad record all is said
            error.__cause__.add_note(str(error).partition("\n")[0])
            raise error.__cause__ from None
        seconds = time.monotonic() - began
        progress = replace(progress, bytes=tasks.bytes, split_done=True)
        observer.progressed(replace(progress, state=JobState.REDUCING, seconds=seconds, partitions_reduced=partitions))
        check_accounting(tasks.accounting, job_id)
        summary = Summary.of(sink.top)
        parts = [summarised(part, summary) for part in parts_of(results, sink.form)]
        chosen = replace(chosen, partitions=partitions)
        spec = make_spec(chosen, job_id, job, _code_of(job), digest_of_code(job), sources, files)

        def run() -> Run:
            now = time.monotonic() - began
            return Run(
                engine="inline", seconds=now, keys=summary.keys, counters=tasks.counters, write_seconds=now - seconds
            )

        bad = tasks.bad
        sink.write(parts, job_id, aside=bad or None, receipt=receipt_of(spec, tasks.accounting, run))
        return Outcome(
            job_id=job_id,
            output=sink.output,
            output_format=sink.form,
            files=len(sources),
            bytes=tasks.bytes,
            lines=tasks.lines,
            chunks=tasks.chunks,
            keys=summary.keys,
            seconds=time.monotonic() - began,
            repeated=tasks.accounting.repeated(),
            bad_records=len(bad),
            quarantine=quarantine_path(sink.output, job_id) if bad else "",
            receipt=receipt_path(sink.output, job_id),
            counters=tasks.counters,
            largest=summary.largest,
        )


class _Clock:
    """Measures how long a task takes, from when the clock is made."""

    def __init__(self) -> None:
        self._began = time.time_ns() // 1_000_000
        self._clock = time.perf_counter()

    def done(self, amounts: Mapping[str, int], digest: str = "") -> Done:
        """Return the finished task, for the accounting."""
        return Done(amounts, "inline", self._began, time.perf_counter() - self._clock, digest)


def _code_of(job: Job) -> str:
    """Return the reference of a job, or its name when no other process could import it."""
    try:
        return refer_to(job)
    except JobLoadError:
        return job.name


class _Tasks:
    """Runs the tasks of a job one after the other, and adds up their counts."""

    def __init__(
        self, job_id: str, phases: Sequence[Phase], partitions: int, accounting: Accounting, max_bad_records: int
    ) -> None:
        self._job_id = job_id
        self.accounting = accounting
        self.counters: dict[str, int] = {}
        self.bad: list[str] = []
        self.lines = self.bytes = self.chunks = 0
        self._phases = phases
        self._partitions = partitions
        self._max_bad_records = max_bad_records
        self._outputs: list[MapOutput] = []

    def map(self, reader: ChunkReader, chunk: Chunk, content: bytes | None) -> None:
        """Map a chunk of the input. ``content`` has its bytes if they are known already."""
        clock = _Clock()
        fetched = reader.fetch(chunk, content)
        skip_bad = SkipBadRecords(self._max_bad_records - len(self.bad))
        task = RunningTask(self._job_id, Stage.MAP, 0, chunk.id)
        output = run_map(self._phases[0], reader.lines(fetched), self._partitions, skip_bad, task)
        amounts = {"pairs": output.pairs, "lines": output.lines, "lines_set_aside": output.aside.lines}
        self.accounting.chunk(chunk, clock.done(amounts, fetched.digest))
        self.bad += output.aside.entries().values()
        self._outputs.append(output)
        self.lines += output.lines
        self.bytes += chunk.length
        self.chunks += 1

    def reduce(self) -> list[list[str]]:
        """Reduce the first phase, map and reduce all further ones, and return the results of each partition."""
        results = self._reduced(0)
        for number, phase in enumerate(self._phases[1:], 1):
            where = f"the results of phase {number}, partition"
            for n, texts in enumerate(results):
                clock = _Clock()
                task = RunningTask(self._job_id, Stage.MAP, number, n)
                output = run_map(phase, pairs_of(texts, f"{where} {n}"), self._partitions, task=task)
                self.accounting.mapped(number, clock.done({"pairs": output.pairs}))
                self._outputs.append(output)
            results = self._reduced(number)
        return results

    def _reduced(self, number: int) -> list[list[str]]:
        """Reduce every partition of a phase's map outputs, and add up their counters."""
        for output in self._outputs:
            for name, n in output.counters.items():
                self.counters[name] = self.counters.get(name, 0) + n
        results = []
        for n in range(self._partitions):
            clock, skew = _Clock(), KeySkew()
            partials = [output.partials[n] for output in self._outputs if n in output.partials]
            task = RunningTask(self._job_id, Stage.REDUCE, number, n)
            results.append(list(run_reduce(self._phases[number], partials, self.counters, skew, task=task)))
            amounts = {"reduced_keys": skew.keys, "reduced_values": skew.values}
            self.accounting.reduced(number, clock.done(amounts))
        self._outputs.clear()
        return results


def _refuse(chosen: config.Settings, given: Mapping[str, Any]) -> None:
    """Raise UsageError for settings that only an engine with workers can honour.

    Limits for single tasks are refused only if the call gives them. Those of the job or the environment are ignored, as
    no value switches them off.
    """
    for name, off in (
        ("timeout", 0),
        ("resume", False),
        ("standby", False),
        ("incremental", False),
        ("on_bad_chunk", "fail"),
    ):
        if (value := getattr(chosen, name)) != off:
            message = (
                f"the inline engine cannot keep {name.replace('_', '-')} {value}: it runs all in one process; "
                "leave it out, or use --engine redis"
            )
            raise UsageError(message)
    if chosen.shuffle not in {"auto", "redis"}:
        message = "the inline engine cannot keep a shuffle by files: it holds all in memory; leave --shuffle out"
        raise UsageError(message)
    for name, only in (
        ("max_attempts", 1),
        ("retry_errors", False),
        ("task_timeout", None),
        ("lease_seconds", None),
    ):
        if given.get(name) is not None and getattr(chosen, name) != only:
            message = f"the inline engine has no {name.replace('_', '-')}: it tries each task once, in this process"
            raise UsageError(message)


def _pieces(sources: list[Source], cutting: Cutting, say: Callable[[str], None]) -> Iterator[Piece]:
    """Yield the pieces. Input that fits into one is cut into two halves, where it is lines and can be cut again."""
    pieces = split_sources(sources, Cursor(), cutting, say=say)
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
