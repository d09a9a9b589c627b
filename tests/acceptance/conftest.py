"""Job files that a user might write, for the real command to run."""

from __future__ import annotations

from pathlib import Path

import pytest

_SLOW = """
import os
import time
from pathlib import Path

from word_counter import Job, Mapper, Sum

HERE = Path(__file__).parent


class Slow(Mapper):
    def setup(self):
        (HERE / "pids" / f"{os.getpid()}").touch()
        (HERE / "pids" / f"{os.getppid()}").touch()

    def map(self, line):
        if not (HERE / "hurry").exists():
            time.sleep(0.01)
        for word in line.split():
            yield word, 1


class SlowCount(Job):
    mapper, reducer = Slow, Sum
"""


@pytest.fixture
def slow_job(folder: Path) -> Path:
    """A word count that takes 10 ms a line, until there is a file "hurry" beside it; it leaves the ids of its
    processes and of their parents in pids/.
    """
    (folder / "pids").mkdir()
    path = folder / "slow_job.py"
    path.write_text(_SLOW)
    return path


@pytest.fixture
def text(folder: Path) -> Path:
    """A file of 600 lines with words that repeat: longer than it takes to start what is then broken."""
    path = folder / "text.txt"
    path.write_text("".join(f"line {n} word{n % 7} again{n % 50}\n" for n in range(600)))
    return path
