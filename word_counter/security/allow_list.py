"""Allow list: the jobs that a worker may load, whatever a batch names. It is checked before anything is imported.

An entry is a module (``my_pkg``: it and all below it) or a path (``/srv/jobs``, ``my_job.py``: that file, or the files
below that directory). A whole job reference works too: its class is ignored. The shipped jobs are always allowed.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from word_counter.errors import ForbiddenError
from word_counter.loading.command_reference import COMMANDS, is_command
from word_counter.loading.job_import import is_file
from word_counter.loading.job_reference import places
from word_counter.security.real_paths import RealPaths

#: Modules of this package that hold jobs and parts of jobs.
SHIPPED = ("word_counter.jobs", "word_counter.job.reducers")


class AllowList:
    """What a worker may load besides the shipped jobs."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        names = [place for entry in entries for place in _named(entry)]
        self._commands = frozenset(filter(is_command, names))
        places = [name for name in names if not is_command(name)]
        self._modules = frozenset([*SHIPPED, *(name for name in places if not _is_path(name))])
        self._files = RealPaths.of(name for name in places if _is_path(name))

    def check(self, reference: str) -> None:
        """Raise ForbiddenError, which says what to do, unless all that a reference names may be loaded."""
        for place in places(reference):
            if is_command(place):
                allowed, what = place in self._commands, f"run {place.removeprefix(COMMANDS)!r}"
            else:
                allowed, what = self._allows_place(place), f"load {place}"
            if not allowed:
                entry = os.path.realpath(place) if is_file(place) else place
                message = f"this worker may not {what}; if it should, start it with --allow {shlex.quote(entry)}"
                raise ForbiddenError(message)

    def _allows_place(self, place: str) -> bool:
        return self._allows_file(place) if is_file(place) else self._allows_module(place)

    def _allows_module(self, module: str) -> bool:
        return any(module == allowed or module.startswith(f"{allowed}.") for allowed in self._modules)

    def _allows_file(self, file: str) -> bool:
        return self._files.hold(os.path.realpath(file))


def _named(entry: str) -> list[str]:
    """Return the places that an entry names: a path or a command as it is, else those of the reference."""
    if is_command(entry):
        return places(entry) if entry.startswith(f"{COMMANDS}{{") else [entry]
    return [entry] if _is_path(entry) and not _is_reference(entry) else places(entry)


def _is_path(entry: str) -> bool:
    return os.sep in entry or is_file(entry) or entry in {os.curdir, os.pardir}


def _is_reference(entry: str) -> bool:
    return is_file(entry.rpartition(":")[0])
