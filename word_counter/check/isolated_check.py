"""Isolated check: runs a check in a child process, so that a job whose code ends the process is refused for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from word_counter.check.checker import Verdict, check
from word_counter.check.counterexample import Counterexample, Fault
from word_counter.check.trial_run import Record, Shape, run_trial
from word_counter.compute.isolated_process import Tell, run_isolated
from word_counter.job.job import Job


def check_isolated(job: Job, sample: Sequence[Record], *, max_bad_records: int = 0) -> Verdict:
    """Check a job in a child process, like :func:`word_counter.check.checker.check`.

    Raises:
        UsageError: likewise.
    """

    def checked(_: Tell) -> tuple[int, dict[str, Any] | None]:
        verdict = check(job, sample, max_bad_records=max_bad_records)
        return verdict.records, None if verdict.counterexample is None else verdict.counterexample.to_json()

    def one_by_one(tell: Tell) -> None:
        phases = job.phases(job.param_values(), job.side_files())
        for number, record in enumerate(sample):
            tell(number)
            run_trial(phases, [record], Shape())

    ending = run_isolated(checked)
    if not ending.died:
        records, counterexample = ending.answer
        return Verdict(records, None if counterexample is None else Counterexample.of_json(counterexample))
    alone = run_isolated(one_by_one)
    example = (sample[alone.told],) if alone.died else ()
    ending = alone if alone.died else ending
    error = f"the process that ran it {ending.died}\n{ending.frames}".rstrip()
    return Verdict(len(sample), Counterexample(Fault.DIES, "", example, (), error))
