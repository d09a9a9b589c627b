"""Peaks: the most memory that the processes of a run had, as Linux tells it."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path

from tests.chaos.commands import children_of

#: How often it is looked: what a process has most of is kept by the system, but for what it took just before its end.
_LOOK_SECONDS = 0.2


class Peaks:
    """Looks at a process and all below it until told to stop. ``megabytes`` is by role: master, worker, redis."""

    def __init__(self, pid: int) -> None:
        self.megabytes: dict[str, float] = {}
        self._pid = pid
        self._roles: dict[int, str] = {}
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

    def _role(self, pid: int) -> str:
        if pid == self._pid:
            return "master"
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        if re.match(rb"\S*(valkey|redis)-server ", command):
            return "redis"
        return (
            "" if b" -S -c " in command else "worker"
        )  # the one is the guard of the server; a fork has our own command

    def _look(self, pid: int) -> None:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            role = self._roles.get(pid) or self._role(pid)
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            if role and found is not None:
                self._roles[pid] = role
                self.megabytes[role] = max(self.megabytes.get(role, 0.0), int(found[1]) * 1024 / 1e6)
        for child in children_of(pid):
            self._look(child)
