"""Loaded jobs: the jobs that a worker process has imported, and the side files of the last one."""

from __future__ import annotations

from word_counter.job.side_file import SideFile, checked
from word_counter.job.step import Phase
from word_counter.loading.code_fingerprint import LoadedJob
from word_counter.loading.job_reference import folders_of
from word_counter.queue.payload import Payload
from word_counter.security.allow_list import AllowList
from word_counter.store.task_store import TaskStore


class LoadedJobs:
    """Keeps imported jobs for their next batch. ``allowed`` says which jobs may be loaded."""

    def __init__(self, allowed: AllowList) -> None:
        self._allowed = allowed
        self._jobs: dict[str, LoadedJob] = {}
        self._served: set[str] = set()
        self._files: tuple[str, dict[str, str], dict[str, SideFile]] = "", {}, {}

    def phase(self, store: TaskStore, payload: Payload) -> Phase:
        """Return the phase that a batch belongs to. The job is imported first if it is not yet.

        Raises:
            ForbiddenError: the job may not be loaded here.
            JobLoadError: it cannot be imported.
            InputChangedError: its code here is not that of the master.
        """
        code = payload.code
        if code not in self._jobs:
            self._allowed.check(code)  # before anything of it is imported
            self._jobs[code] = LoadedJob(code)
        self._jobs[code].check(code, payload.code_digest)
        return self._jobs[code].phase(payload.phase, payload.params, self._files_of(store, payload))

    def _files_of(self, store: TaskStore, payload: Payload) -> dict[str, SideFile]:
        """Return the side files of a job. Those of the last job are kept, as its next task needs them too."""
        if not payload.files:
            return {}
        job, digests, files = self._files
        if (job, digests) != (payload.job, payload.files):
            files = checked(store.files(), payload.files)
            self._files = payload.job, payload.files, files
        return files

    def is_stale(self, payload: Payload) -> bool:
        """Return whether a job that is new to this process needs a fresh process to import its code.

        It does when files that were imported for it have changed. It also does when a job file of another folder was
        imported: a module beside that file, ``parsing`` say, would be taken for the one of that name beside this file.
        """
        if payload.job in self._served:
            return False
        self._served.add(payload.job)
        loaded = self._jobs.get(payload.code)
        if loaded is not None:
            return loaded.is_stale()
        folders = folders_of(payload.code)
        return bool(folders) and any(other and other != folders for other in map(folders_of, self._jobs))
