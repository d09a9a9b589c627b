"""The examples run as their own first lines say, and give what a person would count."""

from __future__ import annotations

import json
import subprocess
import sys
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
