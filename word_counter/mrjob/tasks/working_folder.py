"""Working folders: where the tasks of a job work, with what was sent to them, as mrjob gives each task one.

A job has a folder in each process that works for it, for as long as that keeps the job's phases. A guard, a small
process of its own, removes it when this process dies, and kills what it had started; see
:mod:`word_counter.mrjob.tasks.commands`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping

from word_counter.errors import InputChangedError, InputError
from word_counter.job.side_file import SideFile
from word_counter.mrjob.tasks.uploads import FILE, Upload, digest_of_file
from word_counter.mrjob.util import unarchive
from word_counter.settings.user_folders import temporary_folder

#: Waits for the end of its input, which is that of this process, however it comes; the 0 is its process group.
_GUARD = 'read -r _; rm -rf -- "$1"; kill -9 0'
#: Of files that were sent: they may be run, as under mrjob, and not be changed.
_MODE = 0o500


class JobFolder:
    """The folder of a job in this process."""

    def __init__(self, uploads: Mapping[str, Upload], files: Mapping[str, SideFile], script: str) -> None:
        """Take what is to be there.

        Args:
            uploads: what was sent, by name.
            files: the content of what travelled, by the same names.
            script: the path of the job's own file, which is put there too.
        """
        self.uploads = uploads
        self.script = script
        self._files = files
        self._root = ""
        self._guard: _Guard | None = None
        self._tasks = 0

    @property
    def names(self) -> dict[str, str]:
        """Where what is there comes from, by the names that it has in a task's folder."""
        own = {os.path.basename(self.script): self.script} if self.script else {}
        return own | {name: upload.path for name, upload in self.uploads.items()}

    @property
    def sent(self) -> str:
        """The folder with what was sent.

        Raises:
            InputError: a file that does not travel is not here, or something is no packed file that can be read.
            InputChangedError: it is not the one that the job was made with.
        """
        if not self._root:
            self._root = root = tempfile.mkdtemp(prefix="word-counter-mrjob-", dir=temporary_folder())
            self._guard = _Guard(root)
            weakref.finalize(self, _remove, root, self._guard, os.getpid())
            os.mkdir(os.path.join(root, "sent"))
            for name, upload in self.uploads.items():
                self._put(os.path.join(root, "sent", name), name, upload)
        return os.path.join(self._root, "sent")

    @property
    def process_group(self) -> int:
        """The process group that ends with this process and with this folder."""
        assert self.sent  # noqa: S101 (which makes the guard)
        assert self._guard is not None  # noqa: S101 (for type checkers)
        return self._guard.start()

    @contextlib.contextmanager
    def visited(self) -> Iterator[None]:
        """Make the folder with what was sent the current one, if anything was: a job may read it when it is made."""
        if not self.uploads:
            yield
            return
        before = os.getcwd()
        os.chdir(self.sent)
        try:
            yield
        finally:
            os.chdir(before)

    def make_task_folder(self) -> str:
        """Make a folder for one task, with links to all that is to be there; errors as of :attr:`sent`."""
        sent = self.sent
        self._tasks += 1
        folder = os.path.join(self._root, str(self._tasks))
        os.mkdir(folder)
        for name, origin in self.names.items():
            os.symlink(os.path.join(sent, name) if name in self.uploads else origin, os.path.join(folder, name))
        return folder

    def kill_commands(self) -> None:
        """Kill all that was started in the process group."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.start()

    def _put(self, target: str, name: str, upload: Upload) -> None:
        packed = upload.path
        if upload.digest and digest_of_file(upload.path) != upload.digest:
            message = f"{upload.path} is not the file that the job was made with; run the job again"
            raise InputChangedError(message)
        if upload.digest and upload.kind == FILE:
            os.symlink(upload.path, target)
            return
        if not upload.digest:
            packed = target if upload.kind == FILE else f"{self._root}/packed"
            with open(packed, "wb") as file:
                file.write(self._files[name].content)
        if upload.kind == FILE:
            os.chmod(target, _MODE)
            return
        try:
            os.mkdir(target)
            unarchive(packed, target)
        except Exception as error:
            message = f"cannot unpack {upload.path}, which was sent to the tasks: {error}"
            raise InputError(message) from error
        if packed != upload.path:
            os.unlink(packed)


class _Guard:
    """A process that outlives this one by the time that it takes to tidy up, and leads a process group."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> int:
        """Start it unless it runs; return its process group."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", self._root],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        return self._process.pid

    def kill(self) -> None:
        """Kill it and its group; harmless when it has ended."""
        process = self._process
        if process is not None and process.poll() is None:  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process is not None and process.stdin is not None:
            process.stdin.close()


def _remove(root: str, guard: _Guard, pid: int) -> None:
    if os.getpid() != pid:  # a fork of that process lets go of what is not its own
        return
    guard.kill()
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(root + os.sep):
            del sys.modules[name]  # another job may send another module of this name
    shutil.rmtree(root, ignore_errors=True)
