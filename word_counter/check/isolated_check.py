"""Checkups: a check made in a child process, so that a job whose code ends its process is refused for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from word_counter.check.checker import Verdict, check
from word_counter.check.counterexample import Fault, Finding
from word_counter.check.trial_run import Record, Shape, run_trial
from word_counter.compute.isolated_process import Tell, run_apart
from word_counter.job.job import Job
from word_counter.job.side_file import read_side_files


def check_apart(job: Job, sample: Sequence[Record], *, max_bad_records: int = 0) -> Verdict:
    """Check a job as :func:`word_counter.check.checker.check` does, in a child process.

    Raises:
        UsageError: as there.
    """

    def checked(_: Tell) -> tuple[int, dict[str, Any] | None]:
        verdict = check(job, sample, max_bad_records=max_bad_records)
        return verdict.records, None if verdict.finding is None else verdict.finding.to_json()

    def one_by_one(tell: Tell) -> None:
        phases = job.phases(job.param_values(), read_side_files(job.files))
        for number, record in enumerate(sample):
            tell(number)
            run_trial(phases, [record], Shape())

    ending = run_apart(checked)
    if not ending.died:
        records, finding = ending.answer
        return Verdict(records, None if finding is None else Finding.of_json(finding))
    alone = run_apart(one_by_one)
    example = (sample[alone.told],) if alone.died else ()
    ending = alone if alone.died else ending
    error = f"the process that ran it {ending.died}\n{ending.frames}".rstrip()
    return Verdict(len(sample), Finding(Fault.DIES, "", example, (), error))
