"""Counterexample: why a check refuses a job, with the smallest example that it found, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from word_counter.check.trial_run import Record


class Fault(enum.StrEnum):
    """Why a job is refused."""

    RAISES = "raises"  #: its code raises
    DIES = "dies"  #: its code ends the process
    HANGS = "hangs"  #: it takes longer than the check may
    ENCODING = "encoding"  #: it yields or returns what JSON cannot hold
    CHANCE = "chance"  #: its results differ when it runs again
    HASH = "hash"  #: its results differ in another process
    GROUPING = "grouping"  #: its results differ when its input is cut elsewhere
    ORDER = "order"  #: its results differ when its values come in another order


@dataclass(frozen=True, slots=True)
class Run:
    """One of the runs that show a fault: how it was run, and its results, its pairs, or the error that ended it."""

    how: str
    shown: Any


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Why a job is refused, with the smallest example that was found."""

    fault: Fault
    who: str  #: which part of the job is at fault, as in ``the combine of reducer Mean``
    sample: tuple[Record, ...]
    runs: tuple[Run, ...]
    error: str = ""
    bad_records: bool = False  #: whether single records raise, which a run could skip

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        sample = [(one.source, one.offset, one.line, one.raw.decode("latin-1")) for one in self.sample]
        return {**asdict(self), "sample": sample}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the counterexample that :meth:`to_json` turned into ``content``."""
        sample = tuple(Record(source, at, line, raw.encode("latin-1")) for source, at, line, raw in content["sample"])
        runs = tuple(Run(**run) for run in content["runs"])
        return cls(**{**content, "fault": Fault(content["fault"]), "sample": sample, "runs": runs})

    @property
    def what(self) -> str:
        """What is wrong, in one sentence without a full stop."""
        return {
            Fault.RAISES: self.error.partition("\n")[0],
            Fault.DIES: self.error.partition("\n")[0],
            Fault.HANGS: self.error.partition("\n")[0],
            Fault.ENCODING: self.error,
            Fault.CHANCE: f"{self.who} gives something else each time",
            Fault.HASH: f"{self.who} gives something else in each process",
            Fault.GROUPING: f"{self.who} depends on where the input is cut into chunks",
            Fault.ORDER: f"{self.who} depends on the order of its values",
        }[self.fault]

    @property
    def advice(self) -> str:
        """What to do about it."""
        more = ", or allow some such records: --max-bad-records N" if self.bad_records else ""
        return _ADVICE[self.fault] + more


_ADVICE = {
    Fault.RAISES: "correct it",
    Fault.DIES: "correct it, or leave such records out: with --on-bad-chunk skip a run finds them and sets them aside",
    Fault.HANGS: "end its loop, which the stack shows; if it is only slow, give a smaller sample, or more time: "
    "--timeout S, where 0 is no limit",
    Fault.ENCODING: "yield and return text, finite numbers, true, false, null, lists, and dicts with text as keys; "
    "make a sorted list of a set",
    Fault.CHANCE: "a task may run twice, and must give the same: take times from the record, and make random numbers "
    "with a seed from the record",
    Fault.HASH: "hash() and the order of a set are others in each process: use hashlib or zlib.crc32, and sorted()",
    Fault.GROUPING: "combine must return the kind of value that it takes, and it must not matter which values come "
    "together: combine a mean as a sum and a number (or use Mean), and add floats with Sum, or uncombined with "
    "math.fsum in reduce. What a mapper yields for a line must not depend on the lines before it",
    Fault.ORDER: "choose by the values themselves (Min, Max, Collect), or say by what they are sorted with "
    "order(self, value), in mrjob's API with SORT_VALUES; if it is the order of the input that you want, say in the "
    "class: in_input_order = True",
}


def simplest(counterexample: Counterexample) -> Counterexample:
    """Return a counterexample that shows only the results that differ."""
    shown = [run.shown for run in counterexample.runs]
    if not shown or not all(isinstance(results, dict) for results in shown):
        return counterexample
    first, second = shown
    apart = {key for key in {**first, **second} if (key in first, first.get(key)) != (key in second, second.get(key))}
    runs = [Run(run.how, {key: run.shown[key] for key in run.shown if key in apart}) for run in counterexample.runs]
    return replace(counterexample, runs=tuple(runs)) if apart else counterexample
