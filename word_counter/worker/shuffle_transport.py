"""The exchange: how the partials and results of one job get from task to task: by Redis alone, or by files it names."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.compute.stages import run_reduce
from word_counter.job.step import Phase
from word_counter.security.shuffle_roots import ShuffleRoots
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.run_files import RunFiles
from word_counter.store.task_store import TaskStore


class ShuffleTransports:
    """Makes the exchange of each job that a process works on, and keeps the last one's files."""

    def __init__(self, roots: ShuffleRoots) -> None:
        self._roots = roots
        self._last: tuple[str, RunFiles | None] = "", None

    def of(self, store: TaskStore, folder: str) -> ShuffleTransport:
        """Return the exchange of a job with a folder of run files, or with none.

        Raises:
            ForbiddenError: the roots do not allow that folder.
            ShuffleError: what its store needs is not there.
        """
        if folder and self._last[0] != folder:
            self._roots.check(folder)
            self._last = folder, RunFiles(folder)
        return ShuffleTransport(store, self._last[1] if folder else None)


class ShuffleTransport:
    """What the tasks of one job give each other. ``files``: those it shuffles by; None: all is in Redis."""

    def __init__(self, store: TaskStore, files: RunFiles | None) -> None:
        self._store = store
        self._files = files

    def kept(self, phase: Phase, chunk: int, partials: Mapping[int, str]) -> Mapping[int, str]:
        """Return what is to be committed of the partials of a chunk.

        Raises:
            ShuffleError: their files cannot be written.
        """
        if self._files is None:
            return partials
        return self._files.keep(chunk, partials, folds=phase.make_reducer().folds)

    def reduce(
        self, phase: Phase, partition: int, attempt: int, counters: dict[str, int], weight: KeySkew
    ) -> dict[str, int]:
        """Reduce a partition, and stage its results; return the amounts that its receipt names.

        Raises:
            ShuffleError: a file of the job cannot be read or written, or is not as it was.
            WordCounterError: as :func:`word_counter.compute.stages.run_reduce`.
        """
        partials = self._store.partials(partition)
        if self._files is None:
            segments = run_reduce(phase, partials, counters, weight)
            return self._store.stage_results(partition, attempt, segments)
        entries = self._files.entries(partials, folds=phase.make_reducer().folds)
        segments = run_reduce(phase, (), counters, weight, entries=entries)
        written: dict[str, int] = {}
        references = self._files.keep_segments(partition, segments, written)
        return self._store.stage_results(partition, attempt, references) | written

    def segments(self, partition: int, first: int, number: int) -> list[bytes]:
        """Return some segments of a partition's results; ShuffleError when their file is not as it was."""
        found = self._store.segments_of(partition, first, number)
        return found if self._files is None else list(map(self._files.content, found))
