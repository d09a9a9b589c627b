"""Interrupts: Ctrl-C and TERM while a command runs.

The first one raises KeyboardInterrupt, and the command cleans up: it releases or cancels its job, and stops its workers
and its private server. Further ones within a second change nothing. A later one means that the clean-up takes too long:
then the process ends at once. Its workers and its server end with it in any case, as they hold pipes to it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
#: Interrupts within so many seconds of the first count as the same one: an impatient user, or a terminal and a shell.
_SAME_SECONDS = 1.0
_SHOW_CURSOR = "\x1b[?25h"


class Interrupts:
    """The signals of one command."""

    def __init__(self) -> None:
        self._first: float | None = None

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals meanwhile. Those that this process was told to ignore stay ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._take) for number in numbers}
        try:
            yield
        finally:
            for number, action in before.items():
                signal.signal(number, action)

    def _take(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 (a signal handler)
        now = time.monotonic()
        if self._first is None:
            self._first = now
            raise KeyboardInterrupt
        if now - self._first > _SAME_SECONDS:
            cursor = _SHOW_CURSOR if sys.stderr is not None and sys.stderr.isatty() else ""
            message = (
                f"{cursor}interrupted again, and left at once: a job in a Redis of yours is kept, as word-counter jobs "
                "shows; one on a private server ended with it\n"
            )
            os.write(2, message.encode())
            os._exit(INTERRUPTED)
