"""Scheduler: every case of ``decide``, and what holds for any snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.job.model import Cursor, JobState, Stage
from word_counter.job.snapshot import (
    BAD_DATA,
    CHANGED,
    CRASHED,
    EXPIRED,
    HUNG,
    RAISED,
    REFUSED,
    TOO_MANY,
    Batch,
    Failure,
    Origin,
    Refusal,
    Running,
    Snapshot,
    Suspicion,
    TaskAttempt,
)
from word_counter.master.actions import (
    Action,
    Fail,
    Forget,
    Merge,
    Policy,
    Queue,
    Retry,
    Revoke,
    Skip,
    Split,
    StartReduce,
    Why,
)
from word_counter.master.scheduler import FULL_MEMORY, batch_size, decide, leaving, pause_seconds

NOW = 1_000_000_000


def _job(state: JobState = JobState.MAPPING, **facts: Any) -> Snapshot:
    """Return the snapshot of a job with ten chunks, of which none is committed, and nothing to do."""
    usual: dict[str, Any] = {
        "now": NOW,
        "state": state,
        "epoch": 1,
        "created": NOW - 60_000,
        "partitions": 4,
        "cursor": Cursor(chunk=10),
        "split_done": True,
        "mapped": 10 if state is JobState.REDUCING else 0,
        "batches": (_batch("b", "map:0" if state is JobState.MAPPING else "reduce:0"),),
    }
    return Snapshot(**{**usual, **facts})


def _batch(id_: str, *tasks: str, lease: int | None = 5_000, attempt: int = 1) -> Batch:
    """Return a batch whose lease runs out so many ms from now; None: nobody started it."""
    deadline = None if lease is None else NOW + lease
    return Batch(id_, tuple(TaskAttempt(task, attempt) for task in tasks), deadline)


def _failure(task: str = "map:1", attempt: int = 1, kind: str = RAISED, record: int | None = None) -> Failure:
    return Failure(task, attempt, "worker-7", kind, "what it said", NOW, record)


_MISTAKE = Origin("NameError", "/jobs/mine.py", 7)


def _of(kind: type, actions: list[Action]) -> list[Any]:
    return [action for action in actions if isinstance(action, kind)]


class TestCase1Fail:
    @pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
    def test_nothing_is_done_about_a_job_that_has_ended(self, state: JobState) -> None:
        assert decide(_job(state, failed=(_failure(),), split_done=False), Policy(timeout=1), {"b"}) == []

    def test_a_job_that_takes_longer_than_it_may_fails_and_nothing_else(self) -> None:
        snapshot = _job(split_done=False, failed=(_failure(),))

        (action,) = decide(snapshot, Policy(timeout=59))

        assert isinstance(action, Fail)
        assert "59 seconds" in action.reason
        assert not _of(Fail, decide(snapshot, Policy(timeout=61)))

    def test_partials_that_fill_the_memory_for_longer_than_is_borne_fail_the_job(self) -> None:
        snapshot = _job(split_done=False, batches=())
        policy = Policy(memory=0.9, full_for=121, full_patience=120)

        (action,) = decide(snapshot, policy)

        assert isinstance(action, Fail)
        assert "90%" in action.reason
        assert not _of(Fail, decide(snapshot, replace(policy, full_for=119)))
        assert _of(Fail, decide(_job(split_done=False), policy)), "what runs only adds to it"
        assert _of(Fail, decide(_job(state=JobState.REDUCING, mapped=10), policy)), "nor does reducing free it"

    @pytest.mark.parametrize("kind", [RAISED, CRASHED, HUNG, EXPIRED])
    def test_a_task_that_failed_in_its_last_attempt_fails_the_job(self, kind: str) -> None:
        (action,) = decide(_job(failed=(_failure("map:1", 3, kind),)), Policy(max_attempts=3))

        assert isinstance(action, Fail)
        assert action.reason == "map:1 failed in 3 attempts, on worker-7 at last: what it said"
        (only,) = decide(_job(failed=(_failure("map:1", 1, kind),)), Policy(max_attempts=1))
        assert isinstance(only, Fail)
        assert only.reason == "map:1 failed in 1 attempt, on worker-7: what it said"

    @pytest.mark.parametrize("kind", [BAD_DATA, CHANGED, REFUSED, TOO_MANY])
    def test_what_would_come_out_the_same_again_fails_the_job_at_once(self, kind: str) -> None:
        (action,) = decide(_job(failed=(_failure(kind=kind),), split_done=False), Policy(max_attempts=99))

        assert isinstance(action, Fail)
        assert action.reason == "what it said"

    def test_a_job_that_all_live_workers_leave_to_others_fails_after_a_while_and_names_them(self) -> None:
        refusals = (Refusal("w-1", "give it --allow x", NOW), Refusal("w-2", "give it --allow x", NOW))
        snapshot = _job(refusals=refusals)

        assert not _of(Fail, decide(snapshot, Policy(refused_for=4.9, refused_patience=5)))
        (action,) = decide(snapshot, Policy(refused_for=5.1, refused_patience=5))

        assert isinstance(action, Fail)
        assert action.reason == "no live worker may do this job:\n- w-1, w-2: give it --allow x"

    def test_only_what_a_worker_refused_since_it_started_counts(self) -> None:
        refusals = (Refusal("w-1", "", NOW), Refusal("w-2", "", NOW), Refusal("w-3", "", NOW))
        live = {"w-1": NOW - 5, "w-2": NOW + 5, "w-4": NOW}

        assert leaving(_job(refusals=refusals), live) == [refusals[0]]


class TestCase2Revoke:
    def test_a_batch_whose_lease_ran_out_is_revoked(self) -> None:
        batches = (
            _batch("late", "map:0", lease=0),
            _batch("fine", "map:1", lease=1),
            _batch("new", "map:2", lease=None),
        )

        assert _of(Revoke, decide(_job(batches=batches), Policy())) == [Revoke("late", Why.EXPIRED)]

    def test_a_batch_that_the_queue_lost_is_revoked(self) -> None:
        batches = (_batch("lost", "map:0", lease=None), _batch("held", "map:1", lease=None))

        assert _of(Revoke, decide(_job(batches=batches), Policy(), {"lost"})) == [Revoke("lost", Why.LOST)]

    def test_a_batch_whose_task_another_attempt_made_is_revoked(self) -> None:
        running = (Running("map:0", 1, "b", "w", NOW, beaten=True),)

        assert _of(Revoke, decide(_job(running=running), Policy())) == [Revoke("b", Why.BEATEN)]


class TestCase3Failures:
    def test_a_failed_task_waits_longer_each_time(self) -> None:
        pauses = []
        for attempt in range(1, 8):
            failure = _failure(attempt=attempt)
            (retry,) = _of(Retry, decide(_job(failed=(failure,)), Policy(max_attempts=99)))
            assert retry.failure == failure
            pauses.append(retry.after_seconds)

        for pause, plain in zip(pauses, [1, 2, 4, 8, 8, 8, 8], strict=True):
            assert plain <= pause <= plain * 1.25

    def test_tasks_that_failed_together_do_not_come_back_together(self) -> None:
        assert len({pause_seconds(f"map:{n}", 1) for n in range(100)}) > 50

    def test_a_pause_never_overflows(self) -> None:
        assert 8 <= pause_seconds("map:0", 10**9) <= 10

    def test_a_failure_is_forgotten_when_another_attempt_is_at_the_task(self) -> None:
        snapshot = _job(batches=(_batch("second", "map:1", attempt=2),), failed=(_failure("map:1", 1),))

        assert decide(snapshot, Policy(max_attempts=1)) == [Forget(_failure("map:1", 1))]

    def test_a_failure_is_not_forgotten_for_its_own_batch_that_goes_on_with_other_tasks(self) -> None:
        failure = _failure("map:1", 2)
        snapshot = _job(batches=(_batch("b", "map:1", "map:2", attempt=2),), failed=(failure,))

        (retry,) = decide(snapshot, Policy())

        assert isinstance(retry, Retry)
        assert retry.failure == failure

    def test_nor_for_an_earlier_attempt_that_has_come_to_its_end_too(self) -> None:
        earlier = _batch("b", "map:1", "map:2")
        running = (Running("map:1", 1, "b", "w", NOW),)

        gone = _job(batches=(earlier,), failed=(_failure("map:1", 2),))

        assert not _of(Forget, decide(gone, Policy()))
        assert _of(Forget, decide(replace(gone, running=running), Policy()))

    @pytest.mark.parametrize("kind", [RAISED, EXPIRED, BAD_DATA])
    def test_a_chunk_that_failed_for_good_is_set_aside_where_that_is_wanted(self, kind: str) -> None:
        failure = _failure(attempt=4, kind=kind)

        assert decide(_job(failed=(failure,)), Policy(max_attempts=4, skip=True)) == [Skip(failure)]

    @pytest.mark.parametrize("kind", [CHANGED, REFUSED, TOO_MANY])
    def test_what_is_no_fault_of_one_chunk_is_never_set_aside(self, kind: str) -> None:
        (action,) = decide(_job(failed=(_failure(kind=kind),)), Policy(skip=True))

        assert isinstance(action, Fail)

    def test_a_reduce_task_is_never_set_aside(self) -> None:
        snapshot = _job(JobState.REDUCING, failed=(_failure("reduce:1", 4),))

        (action,) = decide(snapshot, Policy(max_attempts=4, skip=True))

        assert isinstance(action, Fail)

    def test_what_was_raised_before_at_the_same_line_fails_the_job_though_attempts_are_left(self) -> None:
        again = replace(_failure("map:2"), origin=_MISTAKE, repeats=1)
        snapshot = _job(batches=(_batch("second", "map:2", attempt=2),), failed=(_failure("map:1"), again))

        assert decide(snapshot, Policy()) == [Fail("what it said", again)]
        reducing = replace(again, task="reduce:1")
        assert decide(_job(JobState.REDUCING, failed=(reducing,)), Policy(skip=True)) == [
            Fail("what it said", reducing)
        ]

    def test_what_was_raised_for_the_first_time_is_tried_again_at_once(self) -> None:
        first = replace(_failure(), origin=_MISTAKE)

        assert _of(Retry, decide(_job(failed=(first,)), Policy())) == [Retry(first, 0.0)]

    @pytest.mark.parametrize("policy", [Policy(retry_errors=True), Policy(skip=True)])
    def test_what_is_raised_again_has_all_its_attempts_where_that_is_asked_for(self, policy: Policy) -> None:
        again = replace(_failure(), origin=_MISTAKE, repeats=7)

        (retry,) = _of(Retry, decide(_job(failed=(again,)), policy))

        assert retry.after_seconds >= 1

    @pytest.mark.parametrize("kind", [RAISED, CRASHED, HUNG, EXPIRED])
    def test_what_may_pass_and_what_was_not_raised_has_all_its_attempts_too(self, kind: str) -> None:
        passing = replace(_MISTAKE, transient=True) if kind == RAISED else None
        failures = tuple(replace(_failure(f"map:{n}", kind=kind), origin=passing, repeats=9) for n in range(1, 4))

        actions = decide(_job(failed=failures), Policy())

        assert [retry.failure for retry in _of(Retry, actions)] == list(failures)

    @pytest.mark.parametrize("kind", [CRASHED, HUNG])
    def test_a_chunk_that_killed_its_process_is_gone_through_record_by_record(self, kind: str) -> None:
        failure = _failure(kind=kind)

        (retry,) = _of(Retry, decide(_job(failed=(failure,)), Policy(skip=True)))

        assert retry.suspicion == Suspicion()

    def test_a_record_at_which_a_process_died_is_suspected_first_and_left_out_when_it_dies_again(self) -> None:
        first = _failure(attempt=2, kind=CRASHED, record=17)
        (retry,) = _of(Retry, decide(_job(failed=(first,)), Policy(skip=True)))
        assert retry.suspicion == Suspicion(suspect=17, skip=(), free=1)
        assert retry.after_seconds == 0

        again = _failure(attempt=3, kind=CRASHED, record=17)
        snapshot = _job(failed=(again,), suspicions={"map:1": retry.suspicion})
        (retry,) = _of(Retry, decide(snapshot, Policy(skip=True)))

        assert retry.suspicion == Suspicion(suspect=None, skip=((17, "what it said"),), free=2)

    def test_another_record_that_dies_takes_the_suspicion_over(self) -> None:
        failure = _failure(attempt=3, kind=CRASHED, record=20)
        snapshot = _job(failed=(failure,), suspicions={"map:1": Suspicion(suspect=17, free=1)})

        (retry,) = _of(Retry, decide(snapshot, Policy(skip=True)))

        assert retry.suspicion == Suspicion(suspect=20, free=2)

    def test_attempts_that_found_a_bad_record_do_not_count(self) -> None:
        known = Suspicion(None, ((3, "died"), (8, "died")), free=4)
        snapshot = _job(failed=(_failure(attempt=7, kind=EXPIRED),), suspicions={"map:1": known})

        (retry,) = _of(Retry, decide(snapshot, Policy(max_attempts=4, skip=True)))

        assert retry.suspicion == known
        assert retry.after_seconds == pause_seconds("map:1", 2)  # a worker that ended is tried again at once


class TestCase4Queue:
    def test_tasks_that_waited_long_enough_are_queued_in_batches(self) -> None:
        due = tuple(TaskAttempt(f"map:{n}", 2) for n in range(5))
        snapshot = _job(due=due, waiting=5, mapped=5, totals={"map_ms": 500})

        assert _of(Queue, decide(snapshot, Policy())) == [Queue(due[:2]), Queue(due[2:4]), Queue(due[4:])]

    def test_a_suspected_task_goes_alone(self) -> None:
        due = (TaskAttempt("map:1", 2), TaskAttempt("map:2", 2), TaskAttempt("map:3", 2))
        snapshot = _job(due=due, waiting=3, mapped=5, suspicions={"map:2": Suspicion()})

        assert _of(Queue, decide(snapshot, Policy())) == [Queue((due[1],)), Queue((due[0], due[2]))]

    def test_reduce_tasks_are_queued_one_by_one(self) -> None:
        due = (TaskAttempt("reduce:1", 2), TaskAttempt("reduce:2", 2))

        actions = decide(_job(JobState.REDUCING, due=due, waiting=2), Policy())

        assert actions == [Queue((due[0],)), Queue((due[1],))]


class TestCase5Split:
    @pytest.mark.parametrize(("workers", "queued", "room"), [(1, 0, 6), (1, 4, 2), (4, 0, 12), (4, 11, 1)])
    def test_so_many_batches_are_kept_ahead_of_the_workers(self, workers: int, queued: int, room: int) -> None:
        batches = (*(_batch(f"b{n}", f"map:{n}", lease=None) for n in range(queued)), _batch("r", "map:99"))

        actions = decide(_job(split_done=False, batches=batches), Policy(workers=workers))

        assert actions == [Split(room, 1)]

    def test_no_more_than_that(self) -> None:
        batches = tuple(_batch(f"b{n}", f"map:{n}", lease=None) for n in range(6))

        assert decide(_job(split_done=False, batches=batches), Policy()) == []

    def test_nothing_more_is_split_when_the_memory_is_full_or_all_is_split(self) -> None:
        assert decide(_job(split_done=False), Policy(memory=FULL_MEMORY)) == []
        assert decide(_job(split_done=True), Policy()) == []

    @pytest.mark.parametrize(
        ("mapped", "milliseconds", "size"), [(0, 0, 1), (10, 0, 100), (10, 20_000, 1), (10, 500, 4), (1_000, 10, 100)]
    )
    def test_batches_are_made_as_long_as_is_worth_their_way(self, mapped: int, milliseconds: int, size: int) -> None:
        snapshot = _job(split_done=False, mapped=mapped, totals={"map_ms": milliseconds})

        assert batch_size(snapshot) == size
        assert decide(snapshot, Policy()) == [Split(6, size)]


class TestCase6SecondAttempts:
    def _slow(self, seconds: float, **facts: Any) -> Snapshot:
        running = (Running("map:0", 1, "b", "w", NOW - int(seconds * 1000)),)
        return _job(mapped=9, running=running, **facts)

    def test_a_slow_task_gets_a_second_attempt_when_a_worker_is_idle(self) -> None:
        policy = Policy(workers=2, medians={Stage.MAP: 2.0})

        assert decide(self._slow(6.1), policy) == [Queue((TaskAttempt("map:0", 2),))]
        assert decide(self._slow(5.9), policy) == []

    def test_no_task_is_slow_before_it_took_some_seconds(self) -> None:
        assert decide(self._slow(4.9), Policy(workers=2, medians={Stage.MAP: 0.001})) == []
        assert decide(self._slow(5.1), Policy(workers=2)) != []

    def test_not_when_all_workers_are_busy_or_something_else_waits(self) -> None:
        assert decide(self._slow(99), Policy(workers=1)) == []
        assert decide(self._slow(99, waiting=1), Policy(workers=2)) == []
        queued = (_batch("b", "map:0"), _batch("c", "map:1", lease=None))
        assert decide(self._slow(99, batches=queued), Policy(workers=4)) == []

    def test_not_a_third_one(self) -> None:
        both = (_batch("b", "map:0"), _batch("c", "map:0", attempt=2))

        assert decide(self._slow(99, batches=both), Policy(workers=4)) == []

    def test_not_beyond_the_attempts_that_a_task_may_have(self) -> None:
        last = (Running("map:0", 3, "b", "w", NOW - 99_000),)
        snapshot = _job(mapped=9, running=last, batches=(_batch("b", "map:0", attempt=3),))

        assert decide(snapshot, Policy(workers=2, max_attempts=3)) == []
        assert decide(snapshot, Policy(workers=2, max_attempts=4)) != []

    def test_numbered_after_those_beside_it_that_came_to_nothing(self) -> None:
        first = (Running("map:0", 1, "b", "w", NOW - 99_000, latest=2),)
        snapshot = _job(mapped=9, running=first)

        assert decide(snapshot, Policy(workers=2)) == [Queue((TaskAttempt("map:0", 3),))]
        assert decide(snapshot, Policy(workers=2, max_attempts=2)) == []

    def test_the_slowest_first_and_no_more_than_workers_are_idle(self) -> None:
        batches = tuple(_batch(f"b{n}", f"map:{n}") for n in range(3))
        running = tuple(Running(f"map:{n}", 1, f"b{n}", "w", NOW - 10_000 * (n + 1)) for n in range(3))

        actions = decide(_job(mapped=7, batches=batches, running=running), Policy(workers=5))

        assert actions == [Queue((TaskAttempt("map:2", 2),)), Queue((TaskAttempt("map:1", 2),))]


class TestCase7StartReduce:
    def test_when_all_is_split_and_committed(self) -> None:
        assert decide(_job(mapped=10, batches=()), Policy()) == [StartReduce()]

    def test_at_once_for_input_without_lines(self) -> None:
        assert decide(_job(cursor=Cursor(), batches=()), Policy()) == [StartReduce()]

    def test_not_before(self) -> None:
        assert not _of(StartReduce, decide(_job(mapped=9), Policy()))
        assert not _of(StartReduce, decide(_job(mapped=10, split_done=False), Policy()))

    def test_again_when_the_last_master_died_before_it_had_queued_the_reduce_tasks(self) -> None:
        assert decide(_job(JobState.REDUCING, batches=()), Policy()) == [StartReduce()]
        assert decide(_job(JobState.REDUCING, batches=(), waiting=1), Policy()) == []


class TestCase8Merge:
    def test_when_every_partition_is_reduced(self) -> None:
        assert decide(_job(JobState.REDUCING, batches=(), reduced=4), Policy()) == [Merge()]

    def test_not_before(self) -> None:
        assert decide(_job(JobState.REDUCING, reduced=3), Policy()) == []


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    state = draw(st.sampled_from([JobState.MAPPING, JobState.REDUCING, JobState.DONE]))
    stage = "reduce" if state is JobState.REDUCING else "map"
    tasks = draw(st.lists(st.integers(0, 9), unique=True, max_size=10).map(lambda ns: [f"{stage}:{n}" for n in ns]))
    places = draw(st.lists(st.sampled_from(["batch", "failed", "due"]), min_size=len(tasks), max_size=len(tasks)))
    by_place: dict[str, list[str]] = {"batch": [], "failed": [], "due": []}
    for task, place in zip(tasks, places, strict=True):
        by_place[place].append(task)
    lease = st.none() | st.integers(-9_000, 9_000)
    batches = tuple(_batch(f"b-{task}", task, lease=draw(lease)) for task in by_place["batch"])
    kinds = st.sampled_from([RAISED, CRASHED, HUNG, EXPIRED, BAD_DATA, CHANGED, REFUSED, TOO_MANY])
    failed = tuple(
        _failure(task, draw(st.integers(1, 6)), draw(kinds), draw(st.none() | st.integers(0, 9)))
        for task in by_place["failed"]
    )
    due = tuple(TaskAttempt(task, draw(st.integers(2, 6))) for task in by_place["due"])
    careful = draw(st.lists(st.sampled_from(tasks), unique=True)) if tasks else []
    planned = draw(st.integers(0, 10))
    return _job(
        state,
        batches=batches,
        failed=failed,
        due=due,
        waiting=len(due) + draw(st.integers(0, 3)),
        suspicions={task: Suspicion(free=draw(st.integers(0, 3))) for task in careful},
        running=tuple(
            Running(batch.tasks[0].task, 1, batch.id, "w", NOW - draw(st.integers(0, 60_000)), draw(st.booleans()))
            for batch in batches
            if batch.deadline is not None
        ),
        cursor=Cursor(chunk=planned),
        mapped=draw(st.integers(0, planned)),
        reduced=draw(st.integers(0, 4)),
        split_done=draw(st.booleans()),
        totals={"map_ms": draw(st.integers(0, 100_000))},
    )


policies = st.builds(
    Policy,
    max_attempts=st.integers(1, 6),
    skip=st.booleans(),
    timeout=st.sampled_from([0.0, 10.0, 1e6]),
    workers=st.integers(1, 8),
    memory=st.floats(0, 1),
    full_for=st.floats(0, 300),
)


class TestForAnySnapshot:
    @given(snapshots(), policies, st.data())
    def test_each_task_and_batch_is_dealt_with_once_at_the_most(
        self, snapshot: Snapshot, policy: Policy, data: st.DataObject
    ) -> None:
        lost = {batch.id for batch in snapshot.batches if batch.deadline is None and data.draw(st.booleans())}

        actions = decide(snapshot, policy, lost)

        if _of(Fail, actions):
            assert len(actions) == 1
            return
        if snapshot.state.ended:
            assert actions == []
            return
        settled = [action.failure.task for action in actions if isinstance(action, Retry | Skip)]
        settled += [action.failure.task for action in actions if isinstance(action, Forget)]
        assert sorted(settled) == sorted(failure.task for failure in snapshot.failed)
        queued = [attempt for action in _of(Queue, actions) for attempt in action.tasks]
        if snapshot.due:
            assert sorted(queued) == sorted(snapshot.due)
        revoked = [action.batch for action in _of(Revoke, actions)]
        assert len(set(revoked)) == len(revoked)
        assert lost <= set(revoked) <= {batch.id for batch in snapshot.batches}

    @given(snapshots(), policies)
    def test_a_stage_never_begins_before_the_last_one_is_whole(self, snapshot: Snapshot, policy: Policy) -> None:
        actions = decide(snapshot, policy)

        if _of(StartReduce, actions) and snapshot.state is JobState.MAPPING:
            assert snapshot.split_done
            assert snapshot.mapped == snapshot.planned
        if _of(Merge, actions):
            assert snapshot.state is JobState.REDUCING
            assert snapshot.reduced == snapshot.partitions

    @given(snapshots(), policies)
    def test_what_is_ahead_of_the_workers_is_bounded(self, snapshot: Snapshot, policy: Policy) -> None:
        ahead = sum(batch.deadline is None for batch in snapshot.batches)

        for split in _of(Split, decide(snapshot, policy)):
            assert not snapshot.split_done
            assert split.batches >= 1
            assert 1 <= split.chunks_each <= 100
            assert ahead + split.batches <= max(6, 3 * policy.workers)

    @given(snapshots(), policies)
    def test_a_job_at_which_nobody_works_is_never_left_alone(self, snapshot: Snapshot, policy: Policy) -> None:
        state = JobState.MAPPING if snapshot.state.ended else snapshot.state
        alone = replace(snapshot, state=state, batches=(), running=(), waiting=0, due=(), mapped=snapshot.planned)

        assert decide(alone, replace(policy, memory=0.5))
