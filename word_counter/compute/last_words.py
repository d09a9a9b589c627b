"""Last words: where the code of a child process is, as faulthandler writes it when the process is asked or dies.

A process that hangs can say nothing by itself. A signal makes faulthandler write the stack into a pipe, whatever the
process is at, even inside a C function.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import time
from multiprocessing.connection import Connection
from typing import Any

#: The signal by which a process is asked. A real-time one, where there are any, is hardly ever somebody else's.
_ASK = getattr(signal, "SIGRTMIN", signal.SIGUSR2) + (7 if hasattr(signal, "SIGRTMIN") else 0)
#: How long an answer is waited for, and how long nothing must have come for it to be whole, in seconds.
_ANSWER_SECONDS = 2.0
_QUIET_SECONDS = 0.05
#: How long before an answer is looked for again, in seconds.
LOOK_SECONDS = 0.02
#: Where the frames of this package begin, and those of the shipped jobs, which count as user code.
_PACKAGE = f'File "{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}{os.sep}'
_SHIPPED = f"{_PACKAGE}jobs{os.sep}"


class LastWords:
    """A pipe for the last words of one child process. ``context`` is that of multiprocessing that starts it."""

    def __init__(self, context: Any) -> None:
        self._ours, self.theirs = context.Pipe(duplex=False)  #: theirs is for the child, and closed by started()
        self._words = b""
        self._asked = 0.0
        self._grew = 0.0

    def started(self) -> None:
        """Close the child's end of the pipe here: the child has been started."""
        self.theirs.close()

    @property
    def asked(self) -> bool:
        """Whether the process has been asked and may still answer."""
        return self._asked > 0

    def ask(self, pid: int) -> None:
        """Ask a process where its code is."""
        self._words, self._asked = b"", time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, _ASK)

    def withdraw(self) -> None:
        """Do not wait for an answer any more."""
        self._asked = 0.0

    def have_come(self) -> bool:
        """Return whether the answer is whole, or it is no use to wait any longer."""
        self._read()
        now = time.monotonic()
        return bool(self._words and now - self._grew > _QUIET_SECONDS) or now - self._asked > _ANSWER_SECONDS

    def frames(self) -> str:
        """Return the frames of the user's code, the innermost first, from all that came; empty when nothing did."""
        self._read()
        found = []
        for line in self._words.decode("utf-8", "replace").splitlines():
            if _PACKAGE in line and _SHIPPED not in line:
                break
            if line.startswith("  File "):
                found.append(line)
        return "\n".join(found)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while self._ours.poll():
                more = os.read(self._ours.fileno(), 65_536)
                if not more:
                    return
                self._words += more
                self._grew = time.monotonic()

    def close(self) -> None:
        """Close the pipe."""
        self._ours.close()


def tell_last_words(pipe: Connection) -> None:
    """Let this process write its stack into a pipe when it dies of a fault, and whenever it is asked."""
    os.set_blocking(pipe.fileno(), False)  # a dying process waits for no reader
    faulthandler.enable(pipe.fileno(), all_threads=False)
    faulthandler.register(_ASK, pipe.fileno(), all_threads=False)
