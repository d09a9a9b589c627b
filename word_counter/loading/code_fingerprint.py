"""Code fingerprint: which version of a job's code ran, so that no result mixes two versions, or is of an old one.

A job spec has the digest of the files that define the job's classes, and of those beside them that these import. A
worker refuses the job when its own copy differs. A process that has imported a job checks, before it works for another
run of it, whether a file that it imported has changed. Then it ends, and a fresh process imports the file.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from word_counter.errors import InputChangedError
from word_counter.job.job import Job
from word_counter.job.side_file import SideFile
from word_counter.job.step import Phase
from word_counter.loading.dependency_scan import PACKAGE, own_files
from word_counter.loading.job_reference import classes_of, make_job
from word_counter.loading.user_code import is_installed


def digest_of_code(job: Job) -> str:
    """Return the SHA-256 of the files that define a job's classes, and of those beside them that these import.

    It is "" where there are no files to read.
    """
    files = {file for name in {cls.__module__ for cls in classes_of(job)} for file in _files_of(name)}
    return _digest(files | job.code_files())


def _digest(files: Iterable[str]) -> str:
    found: set[str] = set()
    for file in files:
        try:
            with open(file, "rb") as source:
                found.add(hashlib.sha256(source.read()).hexdigest())
        except OSError:
            return ""
    return hashlib.sha256("".join(sorted(found)).encode()).hexdigest()


def _files_of(module: str) -> set[str]:
    """Return the files of a module's code. For a module that is not the user's own, only its file."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file:
        return set()
    return {file} if is_installed(file) or module.partition(".")[0] == PACKAGE else own_files(file)


class LoadedJob:
    """A job that this process has imported, with the files that were imported for it."""

    def __init__(self, code: str) -> None:
        """Import it; JobLoadError like :func:`word_counter.loading.job_reference.make_job`."""
        before = set(sys.modules)
        self.job = make_job(code)
        self.digest = digest_of_code(self.job)
        names = {cls.__module__ for cls in classes_of(self.job)}
        files = [getattr(sys.modules.get(name), "__file__", None) for name in {*names, *sys.modules} - (before - names)]
        files += self.job.code_files()
        self._files = {file: _version(file) for file in files if file and not is_installed(file)}

    def phase(self, number: int, params: Mapping[str, Any], files: Mapping[str, SideFile]) -> Phase:
        """Return a phase of it, whose mappers and reducer are given these params and side files."""
        return self.job.phases(params, files)[number]

    def is_stale(self) -> bool:
        """Return whether a file that was imported for it has changed since."""
        return any(_version(file) != version for file, version in self._files.items())

    def check(self, code: str, digest: str) -> None:
        """Raise InputChangedError unless this is the version of the code that the job was made with."""
        if digest and self.digest and digest != self.digest:
            message = (
                f"the code of {code} is not the one that the job began with: it was edited meanwhile, "
                "or this worker has another version of it than the master; run the job again"
            )
            raise InputChangedError(message)


def _version(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
