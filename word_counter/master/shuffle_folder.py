"""Shuffle folder: where the run files of a job are. The master makes it with the job and removes it at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from word_counter.errors import ShuffleError, WordCounterError
from word_counter.files.urls import is_url
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import JobState
from word_counter.settings.memory import machine_memory
from word_counter.shuffle.job_files import shuffle_location_of
from word_counter.shuffle.orphan_cleanup import hold, sweep
from word_counter.shuffle.run_files import RunFiles, folder_of
from word_counter.shuffle.run_locations import AUTO, REDIS
from word_counter.store.job_store import JobStore

#: A private server uses at most one part in so many of the machine's memory. A reduce task takes about five times the
#: memory of the partials it reduces, and several run at a time.
_MOST_MEMORY = 8
_UNDER_WAY = {state.value for state in JobState if not state.ended}


class ShuffleFolder:
    """The run file folder of one job, as its master handles it; nothing while the job shuffles through Redis."""

    def __init__(self, spec: JobSpec, store: JobStore, warn: Callable[[str], None], *, private: bool) -> None:
        """Make it. ``private``: the store ends with this run, and all of its processes are on this machine."""
        self._spec = spec
        self._private = private
        self._store = store
        self._warn = warn
        self._made_by = ""
        self._held: BinaryIO | None = None
        #: Where it is; "" while the job shuffles through Redis.
        self.folder = ""
        self.files: RunFiles | None = None

    @contextlib.contextmanager
    def cleaned_up(self) -> Iterator[None]:
        """Remove the folder on leaving, if the job has ended, or its store ends with this run."""
        try:
            yield
        finally:
            if self.files is not None:
                with contextlib.suppress(WordCounterError):  # when Redis is away, the folder stays, as the job does
                    if self._private or self._has_ended():
                        self._remove()

    def open(self) -> None:
        """Make the folder of a new job, or find that of a job that was begun.

        Raises:
            ShuffleUnseenError: tasks were mapped into files already, but this machine does not see them.
            ShuffleError: the folder cannot be made.
        """
        if self._spec.shuffle in {REDIS, AUTO}:
            return
        made_by = self._store.fields().get("made_by", "")
        if self.files is not None and made_by != self._made_by:
            self._remove()  # Redis lost the job, which was made again
        self._made_by = made_by
        folder = folder_of(shuffle_location_of(self._spec), self._spec.job_id, made_by)
        files = RunFiles(folder)
        if files.seen:
            self.folder, self.files = folder, files
            return
        if (snapshot := self._store.snapshot()) is not None and snapshot.mapped:
            files.check()
        self._make(folder, files)

    def _make(self, folder: str, files: RunFiles) -> None:
        place = shuffle_location_of(self._spec)
        if not is_url(place) and (left := sweep(place)):
            self._warn(f"removed from {place} what killed runs had left there: {', '.join(left)}")
        self.folder, self.files = folder, files
        files.make()
        if self._private and not is_url(place):
            self._held = hold(folder)

    def use_files_if_memory_is_short(self, used: int) -> None:
        """Switch to run files when a private server takes too much of this machine's memory; it uses ``used`` bytes.

        Partials that are committed by then stay in Redis: a partition may have both. It is then reduced as a stream.

        Raises:
            ShuffleError: no files can be made where temporary files go.
        """
        if self.files is not None or not self._private or self._spec.shuffle != AUTO:
            return
        if used < machine_memory() / _MOST_MEMORY:
            return
        self._made_by = self._store.fields().get("made_by", "")
        folder = folder_of(shuffle_location_of(self._spec), self._spec.job_id, self._made_by)
        self._make(folder, RunFiles(folder))
        self._warn(
            f"the private Redis uses {used / 1e6:,.0f} MB, more than an eighth of this machine's memory: "
            f"what is mapped from now on waits in files in {folder} (--shuffle)"
        )

    def _has_ended(self) -> bool:
        fields = self._store.fields()
        return fields.get("made_by") != self._made_by or fields.get("state") not in _UNDER_WAY

    def _remove(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
        if self.files is not None:
            try:
                self.files.remove()
            except ShuffleError as error:
                self._warn(f"files of the shuffle stay in {self.folder}: {error}")
