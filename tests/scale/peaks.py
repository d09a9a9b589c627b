"""Peaks: the most memory that the processes of a run had, as Linux tells it."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path

from tests.chaos.commands import children_of

_LOOK_SECONDS = 0.05


class Peaks:
    """Looks at a process and all below it until told to stop. ``megabytes`` is by role: master, worker, redis."""

    def __init__(self, pid: int) -> None:
        self.megabytes: dict[str, float] = {}
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self._look(self._pid)

    def _look(self, pid: int) -> None:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            role = "master" if pid == self._pid else "worker" if b"word_counter worker" in command else ""
            if re.match(rb"\S*(valkey|redis)-server ", command):
                role = "redis"
            if role and found is not None:
                self.megabytes[role] = max(self.megabytes.get(role, 0.0), int(found[1]) * 1024 / 1e6)
        for child in children_of(pid):
            self._look(child)
