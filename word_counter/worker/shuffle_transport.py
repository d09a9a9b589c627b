"""Shuffle transport: how partials and results get from task to task, through Redis alone or through run files."""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.compute.stages import run_reduce
from word_counter.job.model import RunningTask
from word_counter.job.step import Phase
from word_counter.security.shuffle_roots import ShuffleRoots
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.run_files import RunFiles
from word_counter.store.task_store import TaskStore


class ShuffleTransports:
    """Makes the transport of each job that a process works on, and keeps the files of the last one."""

    def __init__(self, roots: ShuffleRoots) -> None:
        self._roots = roots
        self._last: tuple[str, RunFiles | None] = "", None

    def of(self, store: TaskStore, folder: str) -> ShuffleTransport:
        """Return the transport of a job with a folder of run files; "" for a job that has none.

        Raises:
            ForbiddenError: the roots do not allow that folder.
            ShuffleError: a library that this kind of URL needs is not installed.
        """
        if folder and self._last[0] != folder:
            self._roots.check(folder)
            self._last = folder, RunFiles(folder)
        return ShuffleTransport(store, self._last[1] if folder else None)


class ShuffleTransport:
    """Carries data between the tasks of one job. ``files`` are its run files; None: all goes through Redis."""

    def __init__(self, store: TaskStore, files: RunFiles | None) -> None:
        self._store = store
        self._files = files

    def kept(self, phase: Phase, chunk: int, partials: Mapping[int, str]) -> Mapping[int, str]:
        """Return what to commit for the partials of a chunk: themselves, or references to the file that holds them.

        Raises:
            ShuffleError: the file cannot be written.
        """
        if self._files is None:
            return partials
        return self._files.keep(chunk, partials, folds=phase.make_reducer().folds)

    def reduce(
        self, phase: Phase, partition: int, task: RunningTask, counters: dict[str, int], skew: KeySkew
    ) -> dict[str, int]:
        """Reduce a partition and stage its results; return the amounts for its receipt.

        ``partition`` is its number in the store, that of ``task`` the one within the phase.

        Raises:
            ShuffleError: a file of the job cannot be read or written, or has changed.
            WordCounterError: as :func:`word_counter.compute.stages.run_reduce`.
        """
        partials = self._store.partials(partition)
        if self._files is None:
            segments = run_reduce(phase, partials, counters, skew, task=task)
            return self._store.stage_results(partition, task.attempt, segments)
        entries = self._files.entries(partials, folds=phase.make_reducer().folds)
        segments = run_reduce(phase, (), counters, skew, entries=entries, task=task)
        written: dict[str, int] = {}
        references = self._files.keep_segments(partition, segments, written)
        return self._store.stage_results(partition, task.attempt, references) | written

    def segments(self, partition: int, first: int, number: int) -> list[bytes]:
        """Return some segments of a partition's results; ShuffleError when their file has changed."""
        found = self._store.segments_of(partition, first, number)
        return found if self._files is None else list(map(self._files.content, found))
