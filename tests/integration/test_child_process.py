"""A worker's child process, before it has anything to do."""

from __future__ import annotations

import subprocess
import sys

from tests.processes import environment

_PARENT = """
import signal
from word_counter.settings import config
from word_counter.worker.child_process import ChildSettings, ChildStarter
from word_counter.worker.permissions import Permissions

signal.signal(signal.SIGTERM, lambda *_: None)  # as a worker takes it, which looks for it elsewhere
permissions = Permissions.of(config.load({"redis": "unix:///nobody", "secret": "s"}))
child = ChildStarter(ChildSettings("unix:///nobody", False, 60.0, permissions)).start("early")
child.process.terminate()
child.process.join(20)
print(child.process.exitcode)
child.process.kill()
"""


def test_a_child_that_is_told_to_stop_before_it_has_reached_redis_stops() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PARENT], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout == "-15\n", ended.stderr
