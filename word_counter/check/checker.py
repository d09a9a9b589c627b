"""The check before the long run: does a sample give the same results however it is cut, ordered and hashed?

What is asked, and what is refused:

1. Does it run at all? A key or a value that JSON cannot hold is refused, as is what raises.
2. Does it give the same when it is run again? Not so with ``random``, or with the time.
3. And when it is cut into other chunks, and combined again? Not so with a mean of means.
4. And when the chunks come in another order? Not so with "the first value". The values of a run do come in the order of
   the input, so a reducer may say that it wants just that (``in_input_order``, ``order``); then it is not asked.
5. And in other processes, whose hash seeds are others? Not so with ``hash()``, or with the order of a set.

Small samples are tried before larger ones, and an example that was found is made smaller by leaving lines out, for as
long as it still shows the same (delta debugging, after A. Zeller and R. Hildebrandt, "Simplifying and Isolating
Failure-Inducing Input", 2002).
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
from word_counter.job.side_file import read_side_files
from word_counter.job.step import Phase
from word_counter.loading.job_reference import refer_to

#: The hash seeds that are tried.
SEEDS = (0, 1, 2)
#: How many records a sample has at the most, and those that are tried before it.
MOST_RECORDS = 2048
_SIZES = (8, 64, 512, MOST_RECORDS)
#: A sample is not made larger when trying that would take longer, in seconds, nor an example smaller.
_PATIENCE_SECONDS = 20.0
#: An example of so many records is small enough to be tried in every way.
_SMALL = 64
#: So often a small example is run again before chance is taken not to play.
_AGAIN = 5

_CUTS = [Shape(cut) for cut in ("each", "first", "last", "middle", 1, 2, 3)]
_CUTS += [replace(shape, again=True) for shape in _CUTS[:-2]]
_ORDERS = [Shape("each", 0), Shape("first", 0), *(Shape("each", seed) for seed in (1, 2, 3)), Shape(1, 4)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to: of how many records, and what was found; None: nothing."""

    records: int
    counterexample: Counterexample | None = None


#: Tries a sample, and returns what is wrong with it.
_Attempt = Callable[[Sequence[Record]], Counterexample | None]


def check(
    job: Job,
    sample: Sequence[Record],
    *,
    max_bad_records: int = 0,
    seeds: Sequence[int] = SEEDS,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> Verdict:
    """Check a job.

    Args:
        job: the job.
        sample: what it is tried with.
        max_bad_records: so many records of the sample may raise: they are left out.
        seeds: the hash seeds under which it is tried, in a process each.
        patience_seconds: no larger part of the sample is tried, and no smaller example sought, after about so long.

    Raises:
        UsageError: the job is not complete, or cannot be imported by other processes; or there is nothing to try.
    """
    params = job.param_values()
    phases = job.phases(params, read_side_files(job.files))
    code, files = refer_to(job), [os.path.abspath(path) for path in job.files]
    good = list(_without_bad(phases[0], sample, max_bad_records))
    if not good:
        message = "every record of the sample raises" if sample else "the sample is empty"
        raise UsageError(f"nothing can be said of job {job.name}: {message}")
    with ExitStack() as stack:

        def start() -> list[HashSeedProcess]:
            return [stack.enter_context(HashSeedProcess(seed, code, params, files)) for seed in seeds]

        return _check(_Examiner(phases, start), good, patience_seconds)


def _without_bad(phase: Phase, sample: Sequence[Record], most: int) -> Iterator[Record]:
    """Yield the records of a sample but for the first so many that raise."""
    for record in sample:
        if most and _can_be_set_aside(phase, record):
            most -= 1
            continue
        yield record


def _can_be_set_aside(phase: Phase, record: Record) -> bool:
    """Whether a run would set a record aside, if it may: what raises at its end, say, is no record's fault."""
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
    """Return so many records of all over the sample, in its order."""
    step = max(1, len(sample) / size)
    return [sample[int(number * step)] for number in range(min(size, len(sample)))]


def shrink(counterexample: Counterexample, attempt: _Attempt, deadline: float) -> Counterexample:
    """Return a finding whose sample cannot do without any of its records, unless time is up before."""
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
    """Tries a job in every way."""

    def __init__(self, phases: Sequence[Phase], start: Callable[[], list[HashSeedProcess]]) -> None:
        self.phases = phases
        self._start = start
        self._seeded: list[HashSeedProcess] | None = None
        self.waited = 0.0  #: for so many seconds for processes to start, which tells nothing of a larger sample

    def attempts(self, sample: Sequence[Record]) -> Iterator[_Attempt]:
        """Yield the ways to try a sample, in their order; each tries any sample in that way."""
        yield self.at_all
        yield self.again
        for shapes in (_CUTS, _ORDERS):
            if len(sample) <= _SMALL:
                yield partial(self.in_shapes, shapes=shapes)
            else:
                yield from (partial(self.in_shapes, shapes=shapes, while_large=shape) for shape in shapes)
        yield self.elsewhere  # last, as to start processes takes longest

    def at_all(self, sample: Sequence[Record]) -> Counterexample | None:
        """Run it."""
        trial = run_trial(self.phases, sample, Shape())
        if not trial.error:
            return None
        if trial.encoding:
            return Counterexample(Fault.ENCODING, "", tuple(sample), (), trial.error)
        bad = any(_can_be_set_aside(self.phases[0], record) for record in sample)
        return Counterexample(Fault.RAISES, "", tuple(sample), (), trial.error, bad_records=bad)

    def again(self, sample: Sequence[Record]) -> Counterexample | None:
        """Run it again, in this process."""
        first = run_trial(self.phases, sample, Shape(), pairs=True)
        for _ in range(_AGAIN if len(sample) <= _SMALL else 1):
            second = run_trial(self.phases, sample, Shape(), pairs=True)
            counterexample = self._compared(Fault.CHANCE, sample, ("once", first), ("again", second))
            if counterexample is not None:
                return counterexample
        return None

    def elsewhere(self, sample: Sequence[Record]) -> Counterexample | None:
        """Run it in other processes."""
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
        """Run it in some shapes (a large sample in one), and compare each with one piece, or with its own order."""
        for shape in shapes if while_large is None or len(sample) <= _SMALL else [while_large]:
            plain = replace(shape, shuffle=None) if shape.shuffle is not None else Shape()
            fault = Fault.GROUPING if shape.shuffle is None else Fault.ORDER
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
        """Return what is wrong when two trials that should be alike are not."""
        one, other = first[1], second[1]
        if _alike(one, other):
            return None
        seen, its_other = _first_apart(one, other)
        if one.error or other.error or (one.seen and other.seen and one.seen[-1] != other.seen[-1]):
            runs = Run(first[0], one.shown), Run(second[0], other.shown)
        else:  # the results are the same: by chance, or as the reducer does not look at what differs
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
            if seen.stage is Stage.REDUCE:  # the pairs were seen at another time than they were reduced
                own = not phase.reducer.__module__.startswith("word_counter.")
                return f"{mapper} or {reducer}" if own else mapper
            return mapper if phase.partition is None else f"{mapper} or the job's partition"
        if combines(phase):  # it is to blame if without it nothing differs
            plain = [run_trial(self.phases, sample, one, combining=False) for one in (Shape(), shape)]
            if _alike(*plain):
                return f"the combine of {reducer}"
        return mapper


def _alike(one: TrialRun, other: TrialRun) -> bool:
    return bool(one.error) == bool(other.error) and (bool(one.error) or one.seen == other.seen)


def _first_apart(one: TrialRun, other: TrialRun) -> tuple[Seen | None, Seen | None]:
    """Return the first of what was seen in two trials that differs."""
    for mine, its in zip(one.seen, other.seen, strict=False):
        if mine != its:
            return mine, its
    shorter = min(len(one.seen), len(other.seen))
    rest = [*one.seen[shorter:], *other.seen[shorter:]]
    return (rest[0], rest[0]) if rest else (None, None)


def _only(seen: Seen | None, other: Seen | None) -> Any:
    """Return what is in one and not in the other, as people read it."""
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
