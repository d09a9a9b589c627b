"""The guard: kills whatever the storm started and left, also when the storm itself is killed.

It is a process of its own that hears on a pipe which process groups there are, and kills those when the pipe closes.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from types import TracebackType
from typing import Self

_GUARD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class Guard:
    """Knows the process groups that were started. A context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD], stdin=subprocess.PIPE, start_new_session=True, text=True
        )
        return self

    def add(self, group: int) -> None:
        """Guard a process group."""
        self._tell(f"+{group}")

    def drop(self, group: int) -> None:
        """Forget a process group that has ended."""
        self._tell(f"-{group}")

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait(10)
