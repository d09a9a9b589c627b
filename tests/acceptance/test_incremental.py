"""Incremental runs: the same bytes as a full run, and only new chunks are mapped."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.oracle import results_bytes
from tests.processes import word_counter

_JOB = """
from word_counter import Job, Mapper, Param, Sum


class Words(Mapper):
    def map(self, line):
        self.count("lines seen")
        for word in line.split():
            yield self.params["before"] + word, 1


class Counted(Job):
    mapper, reducer = Words, Sum
    params = {"before": Param("", "what each key begins with")}
"""


@pytest.fixture
def job(folder: Path) -> Path:
    (folder / "counted.py").write_text(_JOB)
    (folder / "logs").mkdir()
    for day in range(3):
        (folder / "logs" / f"day{day}").write_text("".join(f"day{day} line{n}\n" for n in range(50)))
    return folder


def run(folder: Path, *args: str) -> tuple[bytes, int, int]:
    """Run; return the results, how many chunks were reused, and how many there were."""
    ended = word_counter(
        *("run", "logs", "--job", "counted.py", "--chunk-size", "20", "--workers", "2", "--incremental", *args),
        folder=folder,
        env={"XDG_CACHE_HOME": str(folder / "cache")},
    )
    assert ended.code == 0, ended.err
    counts = json.loads((folder / "output" / "results.receipt.json").read_text())["counts"]
    assert counts["lines_mapped"] == counts["lines_read"]
    assert f"lines seen {counts['lines_read']}" in " ".join(ended.err.split())
    return (folder / "output" / "results.json").read_bytes(), counts["chunks_reused"], counts["chunks"]


def full(folder: Path, before: str = "") -> bytes:
    """Return the results of a full run."""
    words = " ".join(path.read_text() for path in (folder / "logs").iterdir()).split()
    return results_bytes(Counter(before + word for word in words))


def test_a_folder_that_grew_by_a_day_costs_a_day(job: Path) -> None:
    first, *chunks = run(job)
    assert chunks == [0, 9]
    assert first == full(job)
    (job / "logs" / "day3").write_text("another day\n" * 10)
    with (job / "logs" / "day0").open("a") as file:
        file.write("a late line\n")

    second, *chunks = run(job)

    assert chunks == [8, 10]
    assert second == full(job)


def test_an_edited_job_or_another_param_finds_nothing(job: Path) -> None:
    run(job)

    assert run(job, "--param", "before=x")[1] == 0
    (job / "counted.py").write_text(_JOB.replace("yield self", "yield '>' + self"))
    edited, reused, _ = run(job)

    assert reused == 0
    assert edited == full(job, ">")
