"""Trial runs: samples in all shapes, and examples made as small as possible."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faulty_jobs import GathersInTheMapper, Indexes, KeepsTheFirst, KeepsTheFirstOfTheInput
from tests.jobs import Summing
from tests.step_jobs import LettersByCount
from word_counter import Job
from word_counter.check.checker import shrink
from word_counter.check.counterexample import Counterexample, Fault
from word_counter.check.trial_run import Record, Shape, TrialRun, run_trial

SHAPES = [Shape(cut) for cut in ("whole", "each", "first", "last", "middle", 1, 2)]
SHAPES += [Shape("each", 0), Shape(1, 2), Shape("middle", again=True)]

cuts = st.sampled_from(["whole", "each", "first", "last", "middle"]) | st.integers(0, 99)


def records(*lines: str, source: str = "in.txt") -> list[Record]:
    return [Record(source, 0, number, f"{line}\n".encode()) for number, line in enumerate(lines, 1)]


def trial(job: Job, sample: Sequence[Record], shape: Shape) -> TrialRun:
    return run_trial(job.phases(job.param_values()), sample, shape)


@given(cuts, st.integers(0, 50))
def test_a_shape_cuts_a_sample_into_chunks_without_gaps(cut: str | int, n: int) -> None:
    sizes = Shape(cut).sizes(n)

    assert sum(sizes) == n
    assert not n or all(sizes)


@given(st.none() | st.integers(0, 99), st.integers(0, 20))
def test_an_order_has_every_chunk_once(shuffle: int | None, n: int) -> None:
    assert sorted(Shape("each", shuffle).ordered(range(n))) == list(range(n))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_job_that_is_sound_gives_the_same_in_every_shape(shape: Shape) -> None:
    sums = records('["a", 1]', '["b", 2]', '["a", 0.1]', '["a", 1e300]', '["b", -7]')
    letters = records("abba", "", "cab")

    assert trial(Summing(), sums, shape) == trial(Summing(), sums, Shape())
    assert trial(LettersByCount(), letters, shape) == trial(LettersByCount(), letters, Shape())
    assert trial(LettersByCount(), letters, shape).shown == {"1": ["c"], "3": ["a", "b"]}
    assert trial(GathersInTheMapper(), records("a 1", "b 2", "a 3"), shape).shown == {"a": 4, "b": 2}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_line_is_at_one_place_in_every_shape(shape: Shape) -> None:
    sample = [*records("a", "b", "a"), *records("b", source="other.txt")]

    assert trial(Indexes(), sample, shape).shown == {"a": ["in.txt:1", "in.txt:3"], "b": ["in.txt:2", "other.txt:1"]}


def test_order_is_left_alone_where_a_reducer_is_there_for_it() -> None:
    sample, reverse = records("a 1", "a 2"), Shape("each", 0)

    assert trial(KeepsTheFirst(), sample, reverse).shown == {"a": 2}
    assert trial(KeepsTheFirstOfTheInput(), sample, reverse).shown == {"a": 1}


def test_a_last_line_without_a_line_break_stays_a_line() -> None:
    sample = [Record("a", 0, 1, b"x 1"), Record("b", 0, 1, b"x 2"), Record("b", 4, 2, b"x 4")]

    assert trial(GathersInTheMapper(), sample, Shape()).shown == {"x": 7}


@given(st.sets(st.integers(0, 200), min_size=1, max_size=4), st.integers(201, 400))
def test_an_example_shrinks_to_the_records_that_it_cannot_do_without(needed: set[int], n: int) -> None:
    def attempt(sample: Sequence[Record]) -> Counterexample | None:
        shows = needed <= {record.line for record in sample}
        return Counterexample(Fault.ORDER, "it", tuple(sample), ()) if shows else None

    counterexample = attempt([Record("in.txt", 0, line, b"") for line in range(n)])
    assert counterexample is not None
    smallest = shrink(counterexample, attempt, time.monotonic() + 60)

    assert [record.line for record in smallest.sample] == sorted(needed)


def test_an_example_is_shown_as_it_is_when_time_is_up() -> None:
    counterexample = Counterexample(Fault.ORDER, "it", tuple(records("a", "b")), ())

    assert shrink(counterexample, lambda sample: counterexample, time.monotonic() - 1) is counterexample
