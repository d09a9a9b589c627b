"""Isolated process: what its work returns, raises and reports, and how it died."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from word_counter.compute.isolated_process import Tell, run_isolated
from word_counter.compute.stages import run_map
from word_counter.errors import JobLoadError
from word_counter.job.mapper import Lines
from word_counter.loading.job_reference import make_job


def test_what_it_returns_is_the_answer() -> None:
    ending = run_isolated(lambda _: {"pid": os.getpid(), "text": "\udcff"})

    assert ending.answer["pid"] != os.getpid()
    assert (ending.answer["text"], ending.died) == ("\udcff", "")


def _spin() -> None:
    while True:
        pass


def test_what_takes_too_long_is_killed_and_tells_where_it_was() -> None:
    def hanging(tell: Tell) -> None:
        tell("first")
        _spin()

    ending = run_isolated(hanging, seconds=0.5)

    assert (ending.answer, ending.died, ending.hung, ending.told) == (None, "took longer than 0.5 s", True, "first")
    assert ending.frames.splitlines()[0].endswith("in _spin")
    assert __file__ in ending.frames


def test_a_shipped_job_that_hangs_tells_where_it_was() -> None:
    job = make_job("grep", {"pattern": "(a+)+$"})
    (phase,) = job.phases(job.param_values())

    ending = run_isolated(lambda _: run_map(phase, Lines(b"a" * 40 + b"b\n"), 1), seconds=1)

    assert ending.hung
    assert f"word_counter{os.sep}jobs{os.sep}grep.py" in ending.frames
    assert "stages.py" not in ending.frames


def test_what_reports_nothing_for_too_long_is_killed_too_and_what_reports_is_not() -> None:
    def working(tell: Tell) -> None:
        for number in range(20):
            tell(number)
            time.sleep(0.1)
        _spin()

    ending = run_isolated(working, silent_seconds=1.5)

    assert (ending.died, ending.told) == ("took longer than 1.5 s", 19)
    assert ending.frames.splitlines()[0].endswith("in _spin")


def test_what_it_raises_is_raised_here() -> None:
    def raising(_: Tell) -> None:
        raise JobLoadError("no such job")

    with pytest.raises(JobLoadError, match="no such job"):
        run_isolated(raising)


@pytest.mark.parametrize(
    ("end", "died", "known"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "was killed by SIGSEGV", True),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by SIGKILL", False),
        (lambda: os._exit(7), "exited with 7", False),
    ],
    ids=["fault", "kill", "exit"],
)
def test_how_it_died_is_told_and_what_it_was_at(end: Callable[[], None], died: str, *, known: bool) -> None:
    def dying(tell: Tell) -> None:
        tell(1)
        tell(2)
        end()

    ending = run_isolated(dying)

    assert (ending.answer, ending.died, ending.told) == (None, died, 2)
    assert (__file__ in ending.frames) is known


def test_processes_that_it_has_begun_may_outlive_it() -> None:
    reader, writer = os.pipe()

    def forking(_: Tell) -> None:
        os.close(writer)
        if os.fork() == 0:
            os.read(reader, 1)  # until this test has ended
        os._exit(3)

    assert run_isolated(forking).died == "exited with 3"
    os.close(writer)
    os.close(reader)
