"""Isolated process: what its work returns, raises and reports, and how it died."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from word_counter.compute.isolated_process import Tell, run_isolated
from word_counter.errors import JobLoadError


def test_what_it_returns_is_the_answer() -> None:
    ending = run_isolated(lambda _: {"pid": os.getpid(), "text": "\udcff"})

    assert ending.answer["pid"] != os.getpid()
    assert (ending.answer["text"], ending.died) == ("\udcff", "")


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
