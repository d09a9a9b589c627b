"""Batches of several tasks, when one of their tasks fails."""

from __future__ import annotations

import json
from pathlib import Path

from tests.processes import word_counter

_JOB = """
import time
from pathlib import Path

from word_counter import Job, Mapper, Sum

HERE = Path(__file__).parent


class RaisesOnce(Mapper):
    def map(self, line):
        if line == "bad" and not (HERE / "raised").exists():
            (HERE / "raised").touch()
            raise ValueError("just once")
        time.sleep(0.003)
        yield line[:1], 1


class Count(Job):
    mapper, reducer = RaisesOnce, Sum
"""


def test_a_task_that_raises_once_in_the_middle_of_its_batch_is_tried_again(folder: Path) -> None:
    (folder / "job.py").write_text(_JOB)
    lines = ["bad" if n == 301 else f"x{n}" for n in range(500)]
    (folder / "text.txt").write_text("\n".join(lines) + "\n")
    args = ["--job", "job.py", "--chunk-size", "1", "--workers", "1", "--timeout", "30", "--output", "results.json"]

    ended = word_counter("run", "text.txt", *args, folder=folder)

    assert ended.code == 0, ended.err
    assert "retry of map:301" in ended.err
    assert json.loads((folder / "results.json").read_text()) == {"b": 1, "x": 499}
