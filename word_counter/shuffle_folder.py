"""The shuffle folder: the files of a job as its master sees to them: they are made with the job and go with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from word_counter.errors import ShuffleError, UsageError, WordCounterError
from word_counter.job import JobState
from word_counter.plan import Plan
from word_counter.runs.files import RunFiles, folder_of
from word_counter.runs.places import REDIS
from word_counter.store import Store

_UNDER_WAY = {state.value for state in JobState if not state.ended}


def run_files_of(fields: Mapping[str, str], job_id: str) -> RunFiles | None:
    """Return the files of a job, given its fields in the store; None when it shuffles by Redis, or cannot be read."""
    try:
        plan = Plan.from_json(fields.get("plan", ""))
    except UsageError:
        return None
    return None if plan.shuffle == REDIS else RunFiles(folder_of(plan.shuffle, job_id, fields.get("made_by", "")))


class ShuffleFolder:
    """The folder of the job that a master is in charge of, when it shuffles by files; else nothing."""

    def __init__(self, plan: Plan, store: Store, warn: Callable[[str], None]) -> None:
        self._plan = plan
        self._store = store
        self._warn = warn
        self._made_by = ""
        #: Where it is; nothing: the job shuffles by Redis.
        self.folder = ""
        self.files: RunFiles | None = None

    @contextlib.contextmanager
    def left(self, *, private: bool) -> Iterator[None]:
        """At the end remove the folder, if the job has ended, or its store, when that is ``private``, ends now."""
        try:
            yield
        finally:
            if self.files is not None:
                with contextlib.suppress(WordCounterError):  # Redis may be away: it stays, as the job does
                    if private or self._has_ended():
                        self._remove()

    def enter(self) -> None:
        """Make the folder of a job that has no files yet, or find that of one that was begun.

        Raises:
            ShuffleUnseenError: there should be files by now, and they are not to be seen.
            ShuffleError: it cannot be made.
        """
        if self._plan.shuffle == REDIS:
            return
        made_by = self._store.fields().get("made_by", "")
        if self.files is not None and made_by != self._made_by:
            self._remove()  # Redis lost the job, which was made again
        self._made_by = made_by
        self.folder = folder_of(self._plan.shuffle, self._plan.job_id, made_by)
        self.files = RunFiles(self.folder)
        if not self.files.seen:
            if (snapshot := self._store.snapshot()) is not None and snapshot.mapped:
                self.files.check()
            self.files.make()

    def _has_ended(self) -> bool:
        fields = self._store.fields()
        return fields.get("made_by") != self._made_by or fields.get("state") not in _UNDER_WAY

    def _remove(self) -> None:
        if self.files is not None:
            try:
                self.files.remove()
            except ShuffleError as error:
                self._warn(f"files of the shuffle stay in {self.folder}: {error}")
