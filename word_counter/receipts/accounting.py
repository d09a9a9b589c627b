"""Accounting: adds up the receipts of a job's committed tasks, and checks that nothing is missing or counted twice.

Every line that was read must be mapped or in quarantine. Chunks must follow each other without a gap. Every pair that
comes out of a map must go into a reduce. This module knows nothing of Redis: an engine enters its tasks, in the order
of the input.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from word_counter.files.digest import Digest, chunk_line
from word_counter.inputs.kind_table import kind_of
from word_counter.job.model import Chunk, Done, Source
from word_counter.settings.plurals import count


@dataclass(slots=True)
class _Stage:
    """When the tasks of a stage ran, by the clocks of the workers that ran them."""

    tasks: int = 0
    task_seconds: float = 0.0
    began: float = 0.0
    ended: float = 0.0

    def add(self, done: Done) -> None:
        began = done.started / 1000
        self.began = min(self.began, began) if self.tasks else began
        self.ended = max(self.ended, began + done.seconds)
        self.tasks += 1
        self.task_seconds += done.seconds

    def listed(self) -> dict[str, Any]:
        seconds = max(0.0, self.ended - self.began)
        return {"tasks": self.tasks, "seconds": round(seconds, 3), "task_seconds": round(self.task_seconds, 3)}


@dataclass(slots=True)
class _Phase:
    """The totals of a map and its reduce. Pairs are counted after combining: a combined key counts once a chunk."""

    map: _Stage = field(default_factory=_Stage)
    reduce: _Stage = field(default_factory=_Stage)
    pairs_out_of_map: int = 0
    pairs_into_reduce: int = 0
    keys: int = 0


class _Input:
    """The chunks that were read of a source."""

    def __init__(self) -> None:
        self.lengths = array("Q")
        self.bytes = 0
        self.lines = 0
        self.known = True  #: whether the digests of all chunks are known
        self._digest = Digest()

    def add(self, chunk: Chunk, digest: str) -> None:
        self.lengths.append(chunk.length)
        self.bytes += chunk.length
        self.lines += chunk.lines
        self.known &= bool(digest)
        self._digest.update(chunk_line(chunk.length, digest))

    @property
    def digest(self) -> str | None:
        return self._digest.text if self.known else None


class Accounting:
    """The accounting of one job."""

    def __init__(self, sources: Sequence[Source], phases: int) -> None:
        self._sources = sources
        self._inputs = [_Input() for _ in sources]
        self._phases = [_Phase() for _ in range(phases)]
        self._workers: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []

    def chunk(self, chunk: Chunk, done: Done) -> None:
        """Enter the map task of a chunk of the input."""
        input_, name = self._inputs[chunk.source], self._sources[chunk.source].name
        lines = chunk.lines if done.skipped else done.amounts.get("lines", 0)
        # A header is a line but no record. So is a byte order mark without text.
        header = chunk.lines - lines if not chunk.offset else 0
        if chunk.offset != input_.bytes:
            self._problems.append(
                f"chunk {chunk.id} of {name} begins at byte {chunk.offset} rather than {input_.bytes}"
            )
        if lines + header != chunk.lines or header < 0:
            self._problems.append(f"of chunk {chunk.id} of {name} {lines} of {count(chunk.lines, 'line')} were mapped")
        aside = lines if done.skipped else done.amounts.get("lines_set_aside", 0)
        self._counts.update(lines_read=chunk.lines, lines_mapped=lines - aside, lines_set_aside=aside)
        self._counts.update(header_lines=header, chunks=1, chunks_set_aside=done.skipped)
        self._counts.update(chunks_reused=done.amounts.get("reused", 0))
        input_.add(chunk, done.digest)
        self.mapped(0, done)

    def mapped(self, phase: int, done: Done) -> None:
        """Enter a map task of a later phase. Those of the first phase are entered by :meth:`chunk`."""
        entry = self._phases[phase]
        entry.pairs_out_of_map += done.amounts.get("pairs", 0)
        if not done.skipped:
            entry.map.add(done)
            self._workers[done.worker] += 1

    def reduced(self, phase: int, done: Done) -> None:
        """Enter a reduce task."""
        entry = self._phases[phase]
        entry.pairs_into_reduce += done.amounts.get("reduced_values", 0)
        entry.keys += done.amounts.get("reduced_keys", 0)
        entry.reduce.add(done)
        self._workers[done.worker] += 1

    def problems(self) -> str:
        """Return what does not add up; "" when all does."""
        found = list(self._problems)
        for source, input_ in zip(self._sources, self._inputs, strict=True):
            if not kind_of(source).travels(source) and input_.bytes != source.size:
                size = count(source.size, kind_of(source).unit.name)
                found.append(f"{input_.bytes} of {size} of {source.name} were read")
        for number, phase in enumerate(self._phases, 1):
            if phase.pairs_out_of_map != phase.pairs_into_reduce:
                where = f" of phase {number}" if len(self._phases) > 1 else ""
                found.append(
                    f"{count(phase.pairs_out_of_map, 'pair')} came out of the map{where}, and "
                    f"{phase.pairs_into_reduce:,} went into its reduce"
                )
        return "; ".join(found[:3])

    def counts(self) -> dict[str, int]:
        """Return how much was read and mapped, by name."""
        names = (
            "chunks",
            "chunks_reused",
            "chunks_set_aside",
            "lines_read",
            "lines_mapped",
            "lines_set_aside",
            "header_lines",
        )
        return {**{name: self._counts[name] for name in names}, "bytes_read": sum(one.bytes for one in self._inputs)}

    def phases(self) -> list[dict[str, Any]]:
        """Return the totals of each phase, in the form that a receipt has."""
        return [
            {
                "pairs_out_of_map": phase.pairs_out_of_map,
                "pairs_into_reduce": phase.pairs_into_reduce,
                "keys": phase.keys,
                "map": phase.map.listed(),
                "reduce": phase.reduce.listed(),
            }
            for phase in self._phases
        ]

    def workers(self) -> dict[str, int]:
        """Return how many tasks each worker committed."""
        return dict(sorted(self._workers.items()))

    def repeated(self) -> list[tuple[str, str]]:
        """Return the sources that hold the same bytes as one before them, by name, and that one's; each was counted.

        Empty sources are left out. Equal content that is cut into other chunks, as it is packed differently, is missed.
        """
        first: dict[tuple[int, str], str] = {}
        found: list[tuple[str, str]] = []
        for source, input_ in zip(self._sources, self._inputs, strict=True):
            if not input_.bytes or (digest := input_.digest) is None:
                continue
            if other := first.get((input_.bytes, digest)):
                found.append((source.name, other))
            else:
                first[input_.bytes, digest] = source.name
        return found

    def inputs(self) -> Iterator[dict[str, Any]]:
        """Yield what was read of each source, in the form that a receipt has."""
        return (
            {
                "path": source.path,
                "member": source.member,
                "packing": source.packing,
                **({"encoding": source.encoding} if source.encoding else {}),
                "size": source.size,
                "bytes": input_.bytes,
                "lines": input_.lines,
                "blake3_of_chunks": input_.digest,
                "chunks": input_.lengths.tolist(),
            }
            for source, input_ in zip(self._sources, self._inputs, strict=True)
        )
