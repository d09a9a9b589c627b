"""Job files behind links: what they import is beside the file that the link leads to, or beside the link."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import environment, word_counter

_JOB = """
from word_counter import Job, Mapper, Sum
from helper import words

class M(Mapper):
    def map(self, line):
        for word in words(line):
            yield word, 1

class J(Job):
    mapper, reducer = M, Sum
"""
_HELPER = "def words(line):\n    return line.lower().split()\n"
_OTHER_HELPER = "def words(line):\n    return ['other']\n"
_MAIN = """
if __name__ == "__main__":
    from word_counter import run
    run("in.txt", J, output="main.json", workers=1)
"""


@pytest.fixture
def linked(folder: Path) -> Path:
    """A folder with the job in real/, and a link to it in link/."""
    (folder / "in.txt").write_text("A b a\n")
    for name in ("real", "link"):
        (folder / name).mkdir()
    (folder / "real" / "2024-report v1.2.py").write_text(_JOB + _MAIN)
    (folder / "link" / "job.py").symlink_to("../real/2024-report v1.2.py")
    return folder


@pytest.mark.parametrize("engine", ["redis", "inline"])
@pytest.mark.parametrize("beside", ["real", "link"])
def test_a_helper_is_found_beside_either(linked: Path, beside: str, engine: str) -> None:
    (linked / beside / "helper.py").write_text(_HELPER)
    args = ["run", "in.txt", "--job", "link/job.py", "--output", "-", "-q", "--engine", engine]

    ended = word_counter(*args, folder=linked)

    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == {"a": 2, "b": 1}


def test_of_two_helpers_it_is_the_one_that_python_would_take(linked: Path) -> None:
    (linked / "real" / "helper.py").write_text(_HELPER)
    (linked / "link" / "helper.py").write_text(_OTHER_HELPER)

    ended = word_counter("run", "in.txt", "--job", "link/job.py", "--output", "-", "-q", folder=linked)

    assert json.loads(ended.out) == {"a": 2, "b": 1}


def test_a_script_behind_a_link_runs_its_own_job(linked: Path) -> None:
    (linked / "real" / "helper.py").write_text(_HELPER)

    done = subprocess.run(
        [sys.executable, "link/job.py"], cwd=linked, env=environment(), capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stderr
    assert json.loads((linked / "main.json").read_text()) == {"a": 2, "b": 1}


def test_a_link_to_nowhere_is_told_as_such(linked: Path) -> None:
    (linked / "link" / "lost.py").symlink_to("nowhere.py")

    ended = word_counter("run", "in.txt", "--job", "link/lost.py", folder=linked)

    assert ended.code == 2
    assert "link/lost.py: it is a link to nowhere.py, where there is none" in ended.err
