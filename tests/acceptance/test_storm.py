"""A short storm over the real commands, and what is left when a storm is interrupted. `make chaos` runs longer ones."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.commands import children_of
from tests.chaos.measure import measure_deaths
from tests.chaos.storm import Plan, Storm
from tests.processes import ROOT, environment, eventually, is_alive

_FAULTS = faults.named(["worker", "master", "redis", "refusals", "network"])


def test_every_job_of_a_storm_is_exact() -> None:
    plan = Plan(seed="3", jobs=5, seconds=10, faults=tuple(_FAULTS), gap_seconds=1, lease_seconds=1, hung_seconds=90)
    told: list[str] = []

    report = Storm(plan, told.append).run()

    story = "\n".join([*told, report.text()])
    assert report.all_exact, story
    assert len(report.jobs) >= 3, story  # on a busy machine time may run out before there were five
    assert report.faults.total() >= 5, story


def test_the_work_of_the_dead_runs_elsewhere_in_time() -> None:
    seconds = measure_deaths("tests", ["kill-child", "kill-worker"], print)

    assert max(seconds["child: noticed"]) < 1
    assert max(seconds["child: runs elsewhere"]) < 1
    assert max(seconds["worker: runs elsewhere"]) < 15


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running_of_a_storm_that_is_broken_off(number: signal.Signals, folder: Path) -> None:
    with _long_storm(folder) as storm:
        server_guard_workers_master = 6
        eventually(lambda: len(children_of(storm.pid)) >= server_guard_workers_master)
        started = _descendants(storm.pid)

        storm.send_signal(number)

        assert storm.wait(30) != 0
        eventually(lambda: not [pid for pid in started if is_alive(pid)])


@contextmanager
def _long_storm(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.chaos", "--seed", "1", "--deaths", "0", "--faults", "stop-child"]
    env = environment(TMPDIR=str(folder))
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, start_new_session=True) as storm:
        try:
            yield storm
        finally:
            storm.kill()


def _descendants(parent: int) -> list[int]:
    children = children_of(parent)
    return [*children, *(pid for child in children for pid in _descendants(child))]
