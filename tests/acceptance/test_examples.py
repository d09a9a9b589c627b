"""The examples run as their first lines say, and give what a person would count."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, environment, word_counter

EXAMPLES = ROOT / "examples"
LOGS = str(EXAMPLES / "logs")
LEVELS = {"mail INFO": 4, "mail WARNING": 1, "shop ERROR": 2, "shop INFO": 5, "shop WARNING": 1}
ENGINES = pytest.mark.parametrize("engine", [("--engine", "inline"), ("--workers", "2", "--chunk-size", "3")])


def results(folder: Path) -> Any:
    return json.loads((folder / "output" / "results.json").read_text(encoding="utf-8"))


@ENGINES
def test_my_job_counts_the_levels_of_each_service(folder: Path, engine: tuple[str, ...]) -> None:
    ended = word_counter("run", LOGS, "--job", str(EXAMPLES / "my_job.py"), *engine, folder=folder)

    assert ended.code == 0, ended.err
    assert results(folder) == LEVELS


@ENGINES
def test_response_times_combines_and_counts(folder: Path, engine: tuple[str, ...]) -> None:
    ended = word_counter("run", LOGS, "--job", str(EXAMPLES / "response_times.py"), *engine, folder=folder)

    assert ended.code == 0, ended.err
    assert results(folder) == {
        '["mail","2026-11-20 09h"]': {"requests": 3, "mean_ms": 1610 / 3, "max_ms": 1530},
        '["mail","2026-11-20 10h"]': {"requests": 1, "mean_ms": 44.0, "max_ms": 44},
        '["shop","2026-11-20 09h"]': {"requests": 5, "mean_ms": 798.8, "max_ms": 2310},
        '["shop","2026-11-20 10h"]': {"requests": 2, "mean_ms": 364.0, "max_ms": 640},
    }
    assert "lines without a time" in ended.err
    assert "slow requests" in ended.err


@ENGINES
def test_slow_paths_takes_two_steps_over_a_log(folder: Path, engine: tuple[str, ...]) -> None:
    job = ("--job", str(EXAMPLES / "slow_paths.py"), "--param", "n=2")

    ended = word_counter("run", str(EXAMPLES / "shop" / "access.log"), *job, *engine, folder=folder)

    assert ended.code == 0, ended.err
    mean = float(sum(map(Fraction, (2.31, 1.87, 0.204))) / 3)
    assert results(folder) == {"slowest": [[mean, "/orders"], [0.12, "/cups"]]}


def test_every_example_is_run_here() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")

    assert all(f'"{example.name}"' in tested for example in EXAMPLES.glob("*.py"))


def test_from_python_runs_a_job_and_tells_of_it(folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / "from_python.py"), LOGS],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "     5 shop INFO\n" in ended.stdout
    assert f"13 lines in 2 files, 0 retries: {folder / 'output' / 'levels.json'}\n" in ended.stdout
    assert json.loads((folder / "output" / "levels.json").read_text(encoding="utf-8")) == LEVELS


_FAILS_ONCE = """
import sys
from pathlib import Path

from from_python import Retries

from word_counter import Job, Mapper, Observer, Sum, run

HERE = Path(__file__).parent


class FailsOnce(Mapper):
    def map(self, line):
        print("a line is mapped" + " at length" * 10_000)  # more than a pipe holds
        try:
            (HERE / "failed").touch(exist_ok=False)
        except FileExistsError:
            yield line, 1
        else:
            raise OSError("the disk went away")


class Lines(Job):
    mapper, reducer = FailsOnce, Sum


class RaisesOnEveryEvent(Observer):
    def raising(self, *what):
        raise RuntimeError("broken")

    started = progressed = failed = retried = revoked = warned = printed = raising


if __name__ == "__main__":
    observer = Retries() if sys.argv[1] == "retries" else RaisesOnEveryEvent()
    outcome = run("in.txt", Lines, observer=observer, workers=1, output="out.json")
    print(outcome.results, outcome.retries, *getattr(observer, "retries", []))
"""


@pytest.fixture
def fails_once(folder: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a job whose first line fails at first, with an observer."""
    (folder / "in.txt").write_text("a\nb\n")
    (folder / "fails_once.py").write_text(_FAILS_ONCE)

    def run(observer: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "fails_once.py", observer],
            cwd=folder,
            env={**environment(), "PYTHONPATH": f"{EXAMPLES}:{ROOT}"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def test_the_observer_of_from_python_keeps_what_is_tried_again(
    fails_once: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    ended = fails_once("retries")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("{'a': 1, 'b': 1} 1 map:0: ")
    assert "the disk went away" in ended.stdout
    assert "observer" not in ended.stderr


def test_an_observer_that_raises_on_every_event_leaves_the_job_alone(
    fails_once: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    ended = fails_once("raises")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "{'a': 1, 'b': 1} 1\n"
    told = re.findall(r"RaisesOnEveryEvent\.(\w+)\(\) raised RuntimeError: broken", ended.stderr)
    assert sorted(told) == ["failed", "printed", "progressed", "retried", "started"]


def test_trouble_sets_aside_the_line_that_asks_for_it(folder: Path) -> None:
    (folder / "in.txt").write_text("line 1\nraise me\nline 3\ncrash me\nline 5\n")
    allowed = ("--max-bad-records", "1", "--on-bad-chunk", "skip")

    ended = word_counter(
        "run", "in.txt", "--job", str(EXAMPLES / "trouble.py"), "--workers", "2", *allowed, folder=folder
    )

    assert ended.code == 4, ended.err
    assert results(folder) == {"line": 3}
    quarantine = (folder / "output" / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(entry)["text"] for entry in quarantine] == ["raise me", "crash me"]
