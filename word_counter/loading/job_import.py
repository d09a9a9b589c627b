"""Job import: imports the modules and files that hold jobs. A *place* is the name of such a module or file."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import threading
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType

from word_counter.errors import JobLoadError, UnguardedRunError
from word_counter.jobs import shipped
from word_counter.loading.command_reference import is_command
from word_counter.loading.mrjob_aliases import answers_to_mrjob
from word_counter.loading.user_code import user_traceback

#: Files are imported under names with this prefix, so that they cannot take the name of a real module.
FILE_MODULE = "word_counter_job_"
#: What to do about a job that imports mrjob.
FOR_MRJOB = "; a job written for mrjob goes with --mrjob"
_importing = threading.local()


def is_file(place: str) -> bool:
    """Whether a place is a file of Python source rather than a module."""
    return place.endswith(".py") and not is_command(place)


def refuse_while_importing() -> None:
    """Raise UnguardedRunError when a run or a worker is started while a job's code is being imported.

    That run's workers would import the code too, and so start runs of their own without end.
    """
    place = getattr(_importing, "place", "")
    if place:
        message = (
            f"{place} starts a run or a worker as soon as it is imported, which each worker has to do to get at its "
            'classes; put that part of it under  if __name__ == "__main__":'
        )
        raise UnguardedRunError(message)


def import_place(place: str) -> ModuleType:
    """Import a module or a file. A file may import other files in its folder.

    Raises:
        JobLoadError: it cannot be imported; says why.
    """
    before = getattr(_importing, "place", ""), sys.dont_write_bytecode
    _importing.place = place
    # Python checks bytecode by the size and the second of its source: after an edit it may use the old one.
    sys.dont_write_bytecode = True
    try:
        return _imported(place)
    finally:
        _importing.place, sys.dont_write_bytecode = before


def _imported(place: str) -> ModuleType:
    file = os.path.abspath(place) if is_file(place) else ""
    try:
        if file:
            return _import_file(file)
        for folder in reversed(_own_folders()):
            add_to_path(folder)
        return importlib.import_module(place)
    except JobLoadError:
        raise
    except (Exception, SystemExit) as error:
        message = f"cannot import {place}: {type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError) and error.name == place:
            message += f"; give FILE.py, pkg.module:Class or one of the shipped jobs: {', '.join(shipped())}"
            raise JobLoadError(message) from error
        of_mrjob = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "mrjob"
        if of_mrjob and not answers_to_mrjob():
            message += FOR_MRJOB
        raise JobLoadError(f"{message}\n{user_traceback(error)}") from error


def _own_folders() -> list[str]:
    """Return the folders of the user's own modules, in the order in which Python would search them.

    The folders after all installed packages were added by this package: that of the script whose local workers these
    are, and the current one for ``python -m``. An installed command does not search the current folder by itself.
    """
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    behind = 1 + max((i for i, path in enumerate(sys.path) if path in installed), default=len(sys.path) - 1)
    return list(dict.fromkeys([*sys.path[behind:], *current_folder()]))


def current_folder() -> list[str]:
    """Return the current folder; nothing when it was removed, and nothing can be imported from it."""
    try:
        return [os.getcwd()]
    except OSError:
        return []


def add_to_path(folder: str) -> None:
    """Let user code import from a folder: before installed packages, but after the standard library.

    Otherwise a json.py beside a job would be imported in place of the library's by whatever comes later.
    """
    library = {os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")}
    behind = 1 + max((i for i, path in enumerate(sys.path) if path in library), default=-1)
    if folder not in sys.path[:behind]:
        sys.path[behind:] = [folder, *(path for path in sys.path[behind:] if path != folder)]


def folders_beside(path: str) -> list[str]:
    """Return the folders that a file lies in: that of a link, and that of the file it leads to, which comes last.

    What is looked at last goes first: Python itself, given a link, imports what is beside the file.
    """
    return list(dict.fromkeys(os.path.dirname(name) for name in (os.path.abspath(path), os.path.realpath(path))))


class _SourceLoader(SourceFileLoader):
    """Always compiles the source and ignores bytecode files, so that the code that runs is the code that was signed."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the loader's own)
        return self.source_to_code(self.get_data(self.path), self.path)


def _import_file(path: str) -> ModuleType:
    name = FILE_MODULE + hashlib.sha1(os.fsencode(path), usedforsecurity=False).hexdigest()[:12]
    if name in sys.modules:
        return sys.modules[name]
    if not os.path.isfile(path):
        leads = f": it is a link to {os.readlink(path)}, where there is none" if os.path.islink(path) else ""
        message = f"there is no file {path}{leads}"
        raise JobLoadError(message)
    for folder in folders_beside(path):  # a job file may import what stands beside it
        add_to_path(folder)
    loader = _SourceLoader(name, path)
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        message = f"{path} is not Python source"
        raise JobLoadError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
