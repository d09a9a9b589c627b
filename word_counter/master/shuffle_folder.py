"""The shuffle folder: the files of a job as its master sees to them: they are made with the job and go with it."""

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

#: A private server uses no more than such a part of the memory: a reduce task takes some five times the partials it
#: reduces, and there are several at a time.
_MOST_MEMORY = 8
_UNDER_WAY = {state.value for state in JobState if not state.ended}


class ShuffleFolder:
    """The folder of the job that a master is in charge of, when it shuffles by files; else nothing."""

    def __init__(self, spec: JobSpec, store: JobStore, warn: Callable[[str], None], *, private: bool) -> None:
        """Make it. ``private``: the store ends with this run, whose processes are all on this machine."""
        self._spec = spec
        self._private = private
        self._store = store
        self._warn = warn
        self._made_by = ""
        self._held: BinaryIO | None = None
        #: Where it is; nothing: the job shuffles by Redis.
        self.folder = ""
        self.files: RunFiles | None = None

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """At the end remove the folder, if the job has ended, or its store ends now."""
        try:
            yield
        finally:
            if self.files is not None:
                with contextlib.suppress(WordCounterError):  # Redis may be away: it stays, as the job does
                    if self._private or self._has_ended():
                        self._remove()

    def enter(self) -> None:
        """Make the folder of a job that has no files yet, or find that of one that was begun.

        Raises:
            ShuffleUnseenError: there should be files by now, and they are not to be seen.
            ShuffleError: it cannot be made.
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

    def mind(self, used: int) -> None:
        """Go on by files when a private server, which uses so many bytes, takes too much of this machine's memory.

        What is committed by then stays where it is: a partition may be of both. From then on it is reduced as a stream.

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
