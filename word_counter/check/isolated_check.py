"""Isolated check: runs a check in a child process, so that a job whose code ends the process is refused for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from word_counter.check.checker import Verdict, check
from word_counter.check.counterexample import Counterexample, Fault
from word_counter.check.trial_run import Record, Shape, run_trial
from word_counter.compute.isolated_process import Tell, run_isolated
from word_counter.job.job import Job

#: How much of the time limit a single record may take, when the one at which a job hangs is looked for.
_SHARE_OF_A_RECORD = 0.25


def check_isolated(job: Job, sample: Sequence[Record], *, max_bad_records: int = 0, seconds: float = 0.0) -> Verdict:
    """Check a job in a child process, like :func:`word_counter.check.checker.check`.

    Args:
        job: the job.
        sample: the records to try it with.
        max_bad_records: so many records of the sample may raise; they are left out.
        seconds: how long the check may take, 0: as long as it likes. To find the record at which a job hangs, or that
            kills its process, it takes up to as long again.

    Raises:
        UsageError: likewise.
    """

    def checked(tell: Tell) -> tuple[int, int, dict[str, Any] | None]:
        verdict = check(job, sample, max_bad_records=max_bad_records, tell=tell)
        return (
            verdict.records,
            verdict.set_aside,
            None if verdict.counterexample is None else verdict.counterexample.to_json(),
        )

    def one_by_one(tell: Tell) -> None:
        phases = job.phases(job.param_values(), job.side_files())
        for number, record in enumerate(sample):
            tell(number)
            run_trial(phases, [record], Shape())
        tell(None)

    ending = run_isolated(checked, seconds=seconds)
    if not ending.died:
        records, set_aside, told = ending.answer
        return Verdict(records, None if told is None else Counterexample.of_json(told), set_aside)
    alone = run_isolated(one_by_one, seconds=seconds, silent_seconds=seconds * _SHARE_OF_A_RECORD)
    found = alone.died and alone.told is not None and alone.hung == ending.hung
    example = (sample[alone.told],) if found else ()
    if ending.hung:
        error = f"it had not ended after {seconds:g} s (--timeout), when the sample was tried {ending.told}"
        stack = (alone if found else ending).frames
        return Verdict(len(sample), Counterexample(Fault.HANGS, "", example, (), f"{error}\n{stack}".rstrip()))
    ending = alone if found else ending
    error = f"the process that ran it {ending.died}\n{ending.frames}".rstrip()
    return Verdict(len(sample), Counterexample(Fault.DIES, "", example, (), error))
