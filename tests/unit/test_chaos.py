"""The verdicts of the storm: a storm is worthless if it takes wrong results for right ones."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import click
import pytest

from tests.chaos import faults
from tests.chaos.report import Ended, Report
from tests.chaos.work import KINDS, Kind, Verdict, Work, judge, make_work


@pytest.fixture
def work(folder: Path) -> Work:
    return make_work(random.Random(1), "job", folder / "job")


def test_the_oracles_results_are_exact(work: Work) -> None:
    work.output.write_text(work.expected)

    assert judge(work, 0, "")[0] is Verdict.EXACT


def test_any_other_results_are_wrong(work: Work) -> None:
    work.output.write_text(work.expected.replace(": 1", ": 2", 1))

    verdict, note = judge(work, 0, "")

    assert verdict is Verdict.WRONG
    assert " is 2" in note


def test_the_same_results_written_otherwise_are_wrong(work: Work) -> None:
    work.output.write_text(work.expected.replace("\n", "", 1))

    assert judge(work, 0, "")[0] is Verdict.WRONG


def test_success_without_new_results_is_wrong(work: Work) -> None:
    assert judge(work, 0, "")[0] is Verdict.WRONG


def test_results_of_a_job_that_failed_are_wrong(work: Work) -> None:
    work.output.write_text(work.expected)

    assert judge(work, 1, "Error: too bad")[0] is Verdict.WRONG


def test_a_failed_job_leaves_the_old_results_and_says_why(work: Work) -> None:
    assert judge(work, 1, "so\nError: too bad\n") == (Verdict.FAILED, "code 1: Error: too bad")


@pytest.mark.parametrize(("code", "errors"), [(-11, ""), (1, "Traceback (most recent call last):\n  ...\nKeyError: 1")])
def test_a_job_that_ends_by_an_error_of_ours_crashed(work: Work, code: int, errors: str) -> None:
    assert judge(work, code, errors)[0] is Verdict.CRASHED


def test_a_job_without_an_end_hangs(work: Work) -> None:
    assert judge(work, None, "")[0] is Verdict.HUNG


def test_a_report_is_good_only_when_every_job_is_exact() -> None:
    report = Report("seed")
    assert not report.all_exact

    report.jobs.append(Ended("one", "words", Verdict.EXACT, "", 1.0, 1))
    assert report.all_exact

    report.jobs.append(Ended("two", "words", Verdict.HUNG, "where is it?", 99.0, 1))
    assert not report.all_exact
    assert "hung: two (words) after 99 s: where is it?" in report.text()


def test_the_same_seed_makes_the_same_work_and_the_same_faults(folder: Path) -> None:
    made = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        work = make_work(random.Random("seed"), "job", folder / name / "job")
        inputs = [Path(file).read_bytes() for file in work.files]
        planned = list(islice(faults.plan("seed", faults.KINDS, 1.0), 500))
        made.append((work.kind, inputs, work.expected, work.chunk_size, work.partitions, planned))

    assert made[0] == made[1]
    assert {fault.kind for fault in made[0][-1]} == set(faults.KINDS)


def test_faults_are_named_by_kind_and_by_group() -> None:
    assert set(faults.named(["all"])) == set(faults.KINDS)
    assert faults.named(["stall", "master"]) == ["kill-master", "stop-master", "hand-over", "stall"]
    with pytest.raises(click.UsageError, match="'storm'"):
        faults.named(["storm"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_job_has_lines_and_results(folder: Path, kind: Kind) -> None:
    work = make_work(random.Random(2), "job", folder / "job", kind)

    assert work.lines >= 100
    assert work.expected.count("\n") > 10
