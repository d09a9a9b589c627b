"""The receipt of a job, on every engine: it adds up, and names all inputs and results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import jobs
from tests.contract.conftest import EngineUnderTest
from tests.packed import PACKERS
from tests.step_jobs import CountsOfCounts
from word_counter import Job
from word_counter.jobs.word_count import WordCount
from word_counter.receipts.verify import verify

_LINES = [f"w{number % 7} x{number % 3}" for number in range(50)]


def receipt_of(engine: EngineUnderTest, inputs: Any, job: type[Job], **settings: Any) -> dict[str, Any]:
    outcome = engine.run(inputs, job, chunk_size=7, partitions=3, **settings)
    assert verify(str(engine.output)).holds
    content: dict[str, Any] = json.loads(Path(outcome.receipt).read_text())
    return content


def test_tells_what_the_job_came_to(engine: EngineUnderTest, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(_LINES) + "\n")
    (tmp_path / "b.txt.gz").write_bytes(PACKERS["gzip"]("\n".join(_LINES).encode()))

    receipt = receipt_of(engine, [tmp_path / "a.txt", tmp_path / "b.txt.gz"], WordCount)

    assert receipt["counts"]["lines_read"] == receipt["counts"]["lines_mapped"] == 100
    (phase,) = receipt["phases"]
    assert phase["pairs_out_of_map"] == phase["pairs_into_reduce"] >= 10
    assert phase["keys"] == receipt["results"]["keys"] == 10
    assert [(one["packing"], one["lines"]) for one in receipt["inputs"]] == [("", 50), ("gzip", 50)]
    assert receipt["attempts"] == {"committed": 16 + 3, "failed": {}, "deaths": 0, "retries": 0}
    assert sum(receipt["workers"].values()) == 19


@pytest.mark.parametrize("job", [jobs.Collecting, jobs.Averaging, jobs.Topping, jobs.ByChunk])
def test_every_pair_goes_into_the_reduce(engine: EngineUnderTest, tmp_path: Path, job: type[Job]) -> None:
    (tmp_path / "pairs.txt").write_text("".join(f'["k{number % 5}", {number}]\n' for number in range(40)))

    (phase,) = receipt_of(engine, tmp_path / "pairs.txt", job)["phases"]

    assert phase["pairs_out_of_map"] == phase["pairs_into_reduce"] > 0


def test_steps_have_a_phase_each(engine: EngineUnderTest, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(_LINES) + "\n")

    phases = receipt_of(engine, tmp_path / "a.txt", CountsOfCounts)["phases"]

    assert len(phases) > 1
    assert all(phase["pairs_out_of_map"] == phase["pairs_into_reduce"] > 0 for phase in phases)
