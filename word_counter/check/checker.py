"""Checker: finds out before a long run whether a sample gives the same results however it is cut, ordered and hashed.

It asks:

1. Does the job run at all? A job that raises, or yields a key or value that JSON cannot hold, is refused.
2. Does it give the same results when it runs again? A job that uses ``random`` or the time does not.
3. When its input is cut into other chunks, and combined again? A mean of means does not.
4. When the chunks come in another order? "The first value" does not. In a real run values come in the order of the
   input, so a reducer may say that it needs that order (``in_input_order``, ``order``). Then this is not tried.
5. In other processes with other hash seeds? ``hash()`` and the order of a set do not.

Small samples come first. An example is made smaller by delta debugging (A. Zeller and R. Hildebrandt, "Simplifying and
Isolating Failure-Inducing Input", 2002).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from word_counter.check.counterexample import Counterexample, Fault, Run, simplest
from word_counter.check.hash_seed_process import HashSeedProcess
from word_counter.check.trial_run import Record, Seen, Shape, TrialRun, combines, run_trial
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import run_map
from word_counter.errors import UsageError, WordCounterError
from word_counter.job.job import Job
from word_counter.job.mapper import Lines
from word_counter.job.model import Stage
from word_counter.job.step import Phase
from word_counter.loading.job_reference import refer_to

#: The hash seeds that are tried.
SEEDS = (0, 1, 2)
#: The most records in a sample, and the sizes that are tried one after the other.
MOST_RECORDS = 2048
_SIZES = (8, 64, 512, MOST_RECORDS)
#: A larger sample is tried only if it takes no longer than this, in seconds. An example is shrunk for at most as long.
_PATIENCE_SECONDS = 20.0
#: A sample of up to so many records is small enough to be tried in every way at once.
_SMALL = 64
#: How often a small sample is run again to see whether its results depend on chance.
_AGAIN = 5

_CUTS = [Shape(cut) for cut in ("each", "first", "last", "middle", 1, 2, 3)]
_CUTS += [replace(shape, again=True) for shape in _CUTS[:-2]]
_ORDERS = [Shape("each", 0), Shape("first", 0), *(Shape("each", seed) for seed in (1, 2, 3)), Shape(1, 4)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check."""

    records: int  #: how many were tried
    counterexample: Counterexample | None = None  #: None: none was found
    set_aside: int = 0  #: records of the sample that raised, and were left out as bad


#: Tries a sample; returns a counterexample or None.
_Attempt = Callable[[Sequence[Record]], Counterexample | None]


def check(
    job: Job,
    sample: Sequence[Record],
    *,
    max_bad_records: int = 0,
    seeds: Sequence[int] = SEEDS,
    patience_seconds: float = _PATIENCE_SECONDS,
    tell: Callable[[str], None] = lambda _: None,
) -> Verdict:
    """Check a job.

    Args:
        job: the job.
        sample: the records to try it with.
        max_bad_records: so many records of the sample may raise; they are left out.
        seeds: the hash seeds to try it with, each in a process of its own.
        patience_seconds: after about so long, no larger part of the sample is tried, and no smaller example sought.
        tell: called with how the sample is tried next, in words.

    Raises:
        UsageError: the job is incomplete, or other processes cannot import it; or there is nothing to try.
    """
    params = job.param_values()
    phases = job.phases(params, job.side_files())
    code, files = refer_to(job), [os.path.abspath(path) for path in job.files]
    tell("record by record")
    good = list(_without_bad(phases[0], sample, max_bad_records))
    if not good:
        message = "every record of the sample raises" if sample else "the sample is empty"
        raise UsageError(f"nothing can be said of job {job.name}: {message}")
    with ExitStack() as stack:

        def start() -> list[HashSeedProcess]:
            return [stack.enter_context(HashSeedProcess(seed, code, params, files)) for seed in seeds]

        verdict = _check(_Examiner(phases, start, tell), good, patience_seconds)
        return replace(verdict, set_aside=len(sample) - len(good))


def _without_bad(phase: Phase, sample: Sequence[Record], most: int) -> Iterator[Record]:
    """Yield the records of a sample, except for the first ``most`` that raise."""
    for record in sample:
        if most and _can_be_set_aside(phase, record):
            most -= 1
            continue
        yield record


def _can_be_set_aside(phase: Phase, record: Record) -> bool:
    """Whether a run could skip this record as bad. A job that raises in ``close``, say, is not the record's fault."""
    try:
        lines = Lines(record.raw, record.source, record.offset, record.line, reading=record.reading)
        return bool(run_map(phase, lines, 1, SkipBadRecords(1, at_once=True)).aside.records)
    except WordCounterError:
        return False


def _check(examiner: _Examiner, sample: Sequence[Record], patience_seconds: float) -> Verdict:
    tried, took = 0, 0.0
    for size in _SIZES:
        if tried == len(sample) or (tried and took * size / tried > patience_seconds):
            break
        part = _spread(sample, size)
        tried = len(part)
        began = time.monotonic()
        for attempt in examiner.attempts(part):
            counterexample = attempt(part)
            if counterexample is not None:
                counterexample = shrink(counterexample, attempt, time.monotonic() + patience_seconds)
                return Verdict(tried, simplest(counterexample))
        took = time.monotonic() - began - examiner.waited
        examiner.waited = 0.0
    return Verdict(tried)


def _spread(sample: Sequence[Record], size: int) -> list[Record]:
    """Return so many records, taken evenly from the whole sample, in its order."""
    step = max(1, len(sample) / size)
    return [sample[int(number * step)] for number in range(min(size, len(sample)))]


def shrink(counterexample: Counterexample, attempt: _Attempt, deadline: float) -> Counterexample:
    """Return a counterexample that needs each of its records, or the smallest one found when time is up."""
    parts = 2
    while len(counterexample.sample) > 1:
        sample = counterexample.sample
        size = math.ceil(len(sample) / parts)
        for start in range(0, len(sample), size):
            if time.monotonic() > deadline:
                return counterexample
            smaller = attempt(sample[:start] + sample[start + size :])
            if smaller is not None and smaller.fault is counterexample.fault:
                counterexample = smaller
                parts = max(parts - 1, 2)
                break
        else:
            if parts >= len(sample):
                break
            parts = min(len(sample), parts * 2)
    return counterexample


class _Examiner:
    """Tries a job in each of the ways listed at the top of this module."""

    def __init__(
        self, phases: Sequence[Phase], start: Callable[[], list[HashSeedProcess]], tell: Callable[[str], None]
    ) -> None:
        self.phases = phases
        self._tell = tell
        self._start = start
        self._seeded: list[HashSeedProcess] | None = None
        self.waited = 0.0  #: seconds spent on starting processes, which do not grow with the sample

    def attempts(self, sample: Sequence[Record]) -> Iterator[_Attempt]:
        """Yield the ways to try a sample, in order. Each is a function that tries any sample in that way."""
        yield self.at_all
        yield self.again
        for shapes in (_CUTS, _ORDERS):
            if len(sample) <= _SMALL:
                yield partial(self.in_shapes, shapes=shapes)
            else:
                yield from (partial(self.in_shapes, shapes=shapes, while_large=shape) for shape in shapes)
        yield self.elsewhere  # last, as starting processes takes longest

    def at_all(self, sample: Sequence[Record]) -> Counterexample | None:
        """Run it."""
        self._tell("in one piece")
        trial = run_trial(self.phases, sample, Shape())
        if not trial.error:
            return None
        if trial.encoding:
            return Counterexample(Fault.ENCODING, "", tuple(sample), (), trial.error)
        bad = any(_can_be_set_aside(self.phases[0], record) for record in sample)
        return Counterexample(Fault.RAISES, "", tuple(sample), (), trial.error, bad_records=bad)

    def again(self, sample: Sequence[Record]) -> Counterexample | None:
        """Run it again, in this process."""
        self._tell("again in one piece")
        first = run_trial(self.phases, sample, Shape(), pairs=True)
        for _ in range(_AGAIN if len(sample) <= _SMALL else 1):
            second = run_trial(self.phases, sample, Shape(), pairs=True)
            counterexample = self._compared(Fault.CHANCE, sample, ("once", first), ("again", second))
            if counterexample is not None:
                return counterexample
        return None

    def elsewhere(self, sample: Sequence[Record]) -> Counterexample | None:
        """Run it in other processes."""
        self._tell("in processes with other hash seeds")
        if self._seeded is None:
            began = time.monotonic()
            self._seeded = self._start()
            for process in self._seeded:
                process.wait()
            self.waited = time.monotonic() - began
        for process in self._seeded:
            process.begin(sample)
        trials = [(f"with PYTHONHASHSEED={process.seed}", process.answer()) for process in self._seeded]
        if trials and all(trial.error for _, trial in trials):
            return Counterexample(Fault.RAISES, "", tuple(sample), (), trials[0][1].error)
        counterexamples = (self._compared(Fault.HASH, sample, trials[0], other) for other in trials[1:])
        return next((counterexample for counterexample in counterexamples if counterexample is not None), None)

    def in_shapes(
        self, sample: Sequence[Record], shapes: Sequence[Shape], while_large: Shape | None = None
    ) -> Counterexample | None:
        """Run it in some shapes (a large sample in one). Compare each with a run in one piece, or in input order."""
        for shape in shapes if while_large is None or len(sample) <= _SMALL else [while_large]:
            plain = replace(shape, shuffle=None) if shape.shuffle is not None else Shape()
            fault = Fault.GROUPING if shape.shuffle is None else Fault.ORDER
            self._tell(f"in {_described(shape, len(sample))}")
            runs = [(_described(one, len(sample)), run_trial(self.phases, sample, one)) for one in (plain, shape)]
            counterexample = self._compared(fault, sample, runs[0], runs[1], shape)
            if counterexample is not None:
                return counterexample
        return None

    def _compared(
        self,
        fault: Fault,
        sample: Sequence[Record],
        first: tuple[str, TrialRun],
        second: tuple[str, TrialRun],
        shape: Shape | None = None,
    ) -> Counterexample | None:
        """Return a counterexample when two trials differ that should be alike."""
        one, other = first[1], second[1]
        if _alike(one, other):
            return None
        seen, its_other = _first_apart(one, other)
        if one.error or other.error or (one.seen and other.seen and one.seen[-1] != other.seen[-1]):
            runs = Run(first[0], one.shown), Run(second[0], other.shown)
        else:  # the results are the same by chance, or because the reducer does not use what differs
            runs = Run(first[0], _only(seen, its_other)), Run(second[0], _only(its_other, seen))
        return Counterexample(fault, self._blamed(fault, sample, seen, shape), tuple(sample), runs)

    def _blamed(self, fault: Fault, sample: Sequence[Record], seen: Seen | None, shape: Shape | None) -> str:
        if seen is None:
            return "the job"
        phase = self.phases[seen.phase]
        mapper, reducer = f"mapper {phase.mapper_name}", f"reducer {phase.reducer.__name__}"
        if fault is Fault.ORDER:
            return reducer
        if shape is None:
            if seen.stage is Stage.REDUCE:  # pairs and results are from different runs of the mapper
                own = not phase.reducer.__module__.startswith("word_counter.")
                return f"{mapper} or {reducer}" if own else mapper
            return mapper if phase.partition is None else f"{mapper} or the job's partition"
        if combines(phase):  # combine is at fault if nothing differs without it
            plain = [run_trial(self.phases, sample, one, combining=False) for one in (Shape(), shape)]
            if _alike(*plain):
                return f"the combine of {reducer}"
        return mapper


def _alike(one: TrialRun, other: TrialRun) -> bool:
    return bool(one.error) == bool(other.error) and (bool(one.error) or one.seen == other.seen)


def _first_apart(one: TrialRun, other: TrialRun) -> tuple[Seen | None, Seen | None]:
    """Return the first outputs of a stage in which two trials differ."""
    for mine, its in zip(one.seen, other.seen, strict=False):
        if mine != its:
            return mine, its
    shorter = min(len(one.seen), len(other.seen))
    rest = [*one.seen[shorter:], *other.seen[shorter:]]
    return (rest[0], rest[0]) if rest else (None, None)


def _only(seen: Seen | None, other: Seen | None) -> Any:
    """Return what is in one output and not in the other, in readable form."""
    if seen is None or other is None:
        return []
    return replace(seen, pairs=tuple(pair for pair in seen.pairs if pair not in set(other.pairs))).shown


def _described(shape: Shape, records: int) -> str:
    """Say how a sample is cut and ordered, as in ``1 | 2 3``: the numbers of its records, a bar between chunks."""
    chunks: list[list[int]] = []
    for size in shape.sizes(records):
        start = chunks[-1][-1] if chunks else 0
        chunks.append(list(range(start + 1, start + size + 1)))
    parts = [" ".join(map(str, chunks[n])) for n in shape.ordered(range(len(chunks)))]
    text = " | ".join(parts)
    name = "chunks" if shape.shuffle is None else "chunks in the order"
    return f"{name} {text}" + (", combined again" if shape.again else "")
