"""Replay: runs one chunk of a job again on this machine, as a worker ran it, to find out what went wrong.

For a debugger it runs in this process. Otherwise it runs in a child process, whose death can be reported.

The job spec in Redis says which code, params and side files to use. It must be signed with our own secret, because the
code that it names is loaded. The bytes of the chunk are checked to be the same. Nothing is written to Redis.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from word_counter.compute.isolated_process import run_isolated
from word_counter.compute.skip_bad_records import SetAside, SkipBadRecords
from word_counter.compute.stages import MapOutput, pairs_of, run_map
from word_counter.errors import (
    InputChangedError,
    JobFailedError,
    JobGoneError,
    JobNotFoundError,
    ShuffleError,
    UsageError,
)
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import header_of, reread
from word_counter.inputs.input_format import InputFormat
from word_counter.job.job_spec import JobSpec, read_spec
from word_counter.job.mapper import Lines
from word_counter.job.model import Chunk, RunningTask, Source, Stage, task_name
from word_counter.job.pairs import Pairs
from word_counter.job.side_file import checked
from word_counter.job.step import Phase
from word_counter.loading.code_fingerprint import LoadedJob
from word_counter.security.signed_spec import check_signed
from word_counter.shuffle.job_files import run_files_of
from word_counter.shuffle.partitioning import decode_partial, key_text, restore
from word_counter.shuffle.run_format import Reference
from word_counter.store.job_store import JobStore


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose value in a replay differs from the committed one. Values are JSON texts; None: there is none."""

    partition: int
    key: str
    committed: str | None
    replayed: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """A chunk that is ready to be run.

    Attributes:
        spec: the spec of its job.
        chunk: the chunk.
        source: where the chunk is from: the path of a file, or the results of a phase.
        number: the number of its phase, from 0.
        phase: that phase, with its mapper and its reducer.
        records: its lines, or pairs.
        skip_bad: how its last attempt treated bad records.
        committed: the partials that it committed, by partition; None: none, or they are gone.
        notes: what the user should know about the replay.
    """

    spec: JobSpec
    chunk: Chunk
    source: str
    number: int
    phase: Phase
    records: Lines | Pairs
    skip_bad: SkipBadRecords
    committed: Mapping[int, str] | None
    notes: list[str] = field(default_factory=list)

    def run_isolated(self) -> MapOutput:
        """Map it in a child process, like :meth:`run`.

        Raises:
            JobFailedError: like :meth:`run`; or the process died: says how, and at which record if that is known.
        """
        ending = run_isolated(lambda tell: self._described(replace(self.skip_bad, before=tell)))
        if ending.died and not self.skip_bad.at_once:  # once more, record by record, to find the one
            by_record = run_isolated(lambda tell: self._described(replace(self.skip_bad, at_once=True, before=tell)))
            ending = by_record if by_record.died else ending
        if ending.died:
            where = "" if ending.told is None else f" at {self.records.place(ending.told)}"
            message = f"the process that ran chunk {self.chunk.id} {ending.died}{where}\n{ending.frames}".rstrip()
            raise JobFailedError(message)
        said = ending.answer
        records: list[Lines | Pairs] = list(self.records.each()) if said["aside"] else []
        set_aside = {int(index): (why, records[int(index)]) for index, why in said["aside"].items()}
        aside = SetAside(set_aside, said["raised"])
        partials = {int(partition): text for partition, text in said["partials"].items()}
        return MapOutput(partials, said["lines"], said["pairs"], said["counters"], aside)

    def _described(self, skip_bad: SkipBadRecords) -> dict[str, Any]:
        output = run_map(self.phase, self.records, self.spec.partitions, skip_bad, self._task)
        aside = {index: why for index, (why, _) in output.aside.records.items()}
        said = {"partials": output.partials, "lines": output.lines, "pairs": output.pairs, "counters": output.counters}
        return {**said, "aside": aside, "raised": output.aside.raised}

    @property
    def _task(self) -> RunningTask:
        return RunningTask(self.spec.job_id, Stage.MAP, self.number, self.chunk.id)

    def run(self, *, at_once: bool = False) -> MapOutput:
        """Map it in this process.

        Args:
            at_once: raise the error of the first bad record, even if the job skips such records.

        Raises:
            JobFailedError: like :func:`word_counter.compute.stages.run_map`; the user's own exception is its
                ``__cause__``.
        """
        return run_map(self.phase, self.records, self.spec.partitions, None if at_once else self.skip_bad, self._task)

    def partials(self, output: MapOutput) -> dict[int, str]:
        """Return the partials of an output by the numbers of their partitions in the store."""
        first = self.spec.partitions_of(self.number)[0]
        return {first + partition: text for partition, text in sorted(output.partials.items())}

    def pairs(self, output: MapOutput) -> list[tuple[int, list[tuple[Any, Any]]]]:
        """Return the partials of an output: the number of each partition, and pairs of key and intermediate value."""
        return [
            (partition, [(restore(group), value) for group, value in decode_partial(text)])
            for partition, text in self.partials(output).items()
        ]

    def differences(self, output: MapOutput) -> list[Difference]:
        """Return how an output differs from the committed partials."""
        made, kept = self.partials(output), self.committed or {}
        found = []
        for partition in sorted({*made, *kept}):
            now, then = _values(made.get(partition)), _values(kept.get(partition))
            keys = [key for key in {**then, **now} if then.get(key) != now.get(key)]
            found += [Difference(partition, key, then.get(key), now.get(key)) for key in keys]
        return found


def open_replay(store: JobStore, secret: str, chunk_id: int) -> Replay:
    """Return a chunk of a job, ready to be run.

    Raises:
        JobNotFoundError: there is no such job.
        UsageError: it has no such chunk, the chunk's data is gone, or the spec is not signed with this secret.
        InputChangedError: the file has changed since the job was made.
        JobLoadError: the code cannot be imported here.
    """
    fields = store.fields()
    if not fields:
        message = f"there is no job {store.job_id} in this Redis"
        raise JobNotFoundError(message)
    sources = store.sources()
    spec = read_spec(fields, store.job_id, sources)
    check_signed(fields, store.job_id, secret)
    chunk = _chunk(store, chunk_id)
    number = bisect_right(json.loads(fields.get("first_chunks", "[0]")), chunk_id) - 1
    notes: list[str] = []
    loaded = LoadedJob(spec.code)
    try:
        loaded.check(spec.code, spec.code_digest)
    except InputChangedError:
        notes.append(f"the code of {spec.code} is not the one that the job ran: what follows is what it gives now")
    files = checked(store.files() if spec.files else {}, spec.files)
    phase = loaded.phase(number, spec.params, files)
    task = task_name(Stage.MAP, chunk_id)
    skip_bad = SkipBadRecords(spec.max_bad_records)
    suspicion = store.connection.hget(store.keys.suspects, task)
    if suspicion is not None:
        skip_bad = SkipBadRecords(spec.max_bad_records, at_once=True, skip=dict(json.loads(suspicion)["skip"]))
        notes.append("this chunk has killed its process before")
    records = _pairs(store, spec, chunk, number) if number else _lines(store, spec, sources, chunk)
    source = spec.results_name(chunk.source) if number else sources[chunk.source].name
    return Replay(spec, chunk, source, number, phase, records, skip_bad, _committed(store, spec, task, chunk_id), notes)


def _chunk(store: JobStore, chunk_id: int) -> Chunk:
    try:
        return store.chunks([chunk_id])[0]
    except JobGoneError:
        message = (
            f"job {store.job_id} has no chunk {chunk_id}; word-counter inspect {store.job_id} lists those there are"
        )
        raise UsageError(message) from None


def _lines(store: JobStore, spec: JobSpec, sources: list[Source], chunk: Chunk) -> Lines:
    def content(chunk_id: int) -> bytes:
        held = store.content(chunk_id)
        if held is not None:
            return held
        source = sources[chunk.source]
        header = header_of(source, records) if chunk.offset and records.headed else b""
        return header + reread(source, chunk)

    records = InputFormat.parse(spec.input_format)
    with closing(ChunkReader(dict(enumerate(sources)), content=content, inline=spec.inline, records=records)) as reader:
        try:
            return reader.read(chunk)
        except InputChangedError:
            path = sources[chunk.source].name
            message = f"chunk {chunk.id} cannot be replayed: {path} has changed since the job began"
            raise InputChangedError(message) from None


def _pairs(store: JobStore, spec: JobSpec, chunk: Chunk, number: int) -> Pairs:
    source = spec.results_name(chunk.source)
    try:
        files = run_files_of(store.fields(), store.job_id)
        segments = store.segments_of(chunk.source, chunk.offset, chunk.length)
        return pairs_of(segments if files is None else map(files.content, segments), source)
    except (JobGoneError, ShuffleError):
        message = (
            f"chunk {chunk.id} cannot be replayed: it is of {source}, which were freed when phase {number + 1} was "
            "reduced, or went with the job's files; chunks of phase 1 are of the input, and can"
        )
        raise UsageError(message) from None


def _committed(store: JobStore, spec: JobSpec, task: str, chunk_id: int) -> Mapping[int, str] | None:
    """Return the partials that a chunk committed; None when it has not, or they were freed."""
    receipt = store.connection.hget(store.keys.receipts(Stage.MAP), task)
    amounts = {} if receipt is None else json.loads(receipt).get("amounts", {})
    found = {
        partition: raw.decode()
        for partition in range(spec.all_partitions)
        if (raw := store.connection.hget(store.keys.partials(partition), str(chunk_id))) is not None
    }
    files = run_files_of(store.fields(), store.job_id)
    if files is not None and any(map(Reference.from_text, found.values())):
        if not files.seen:
            return None
        found = {partition: str(files.partial(text)) for partition, text in found.items()}
    return found if found or amounts.get("pairs") == 0 else None


def _values(partial: str | None) -> dict[str, str]:
    if partial is None:
        return {}
    return {key_text(group): json.dumps(value, sort_keys=True) for group, value in decode_partial(partial)}
