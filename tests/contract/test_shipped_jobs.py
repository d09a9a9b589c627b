"""The contract of the shipped jobs, on every engine: the same results as a few lines of plain Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.conftest import EngineUnderTest
from tests.shipped_jobs import CASES, Case, World, make
from word_counter.jobs import shipped
from word_counter.loading.job_reference import make_job


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make(tmp_path_factory.mktemp("world"))


def test_all_of_them_are_here() -> None:
    assert sorted({case.job for case in CASES}) == shipped()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.job)
def test_a_shipped_job_says_what_plain_python_says_however_its_input_is_split(
    engine: EngineUnderTest, world: World, case: Case
) -> None:
    job = make_job(case.job, case.params)

    outcome = engine.run(case.paths(world), job, chunk_size=1000, partitions=1)
    whole = engine.output.read_bytes()
    split = engine.results(case.paths(world), make_job(case.job, case.params), chunk_size=17, partitions=5)

    case.check(world, json.loads(whole))
    assert split == whole
    assert outcome.bad_records == case.bad_lines
    if case.bad_lines:
        kept = Path(outcome.quarantine).read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["text"] for line in kept] == ["this is no line of a log"]
        assert outcome.counters == {"blank lines": 1}
