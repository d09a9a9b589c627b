"""Every command that the README shows is run: here, or by the test that is named here."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.pages import blocks
from tests.processes import PATIENCE_SECONDS, ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
#: The tests that run the commands which begin so.
ELSEWHERE = {
    "pip install .": ROOT / "tests" / "acceptance" / "test_wheel.py",
    "docker-compose": ROOT / "tests" / "acceptance" / "test_compose.py",
    "INPUT_DIR=": ROOT / "tests" / "acceptance" / "test_compose.py",
}


def commands() -> list[str]:
    """Return the commands of the README's blocks of sh, without their comments."""
    lines = "".join(block.text for block in blocks(README) if block.language == "sh").splitlines()
    return [line.partition(" #")[0].strip() for line in lines]


@pytest.fixture
def checkout(folder: Path) -> Path:
    """A checkout whose .venv is made already: this Python."""
    for given in ("Makefile", "pyproject.toml", "requirements.txt", "setup.py", "input"):
        copy = shutil.copytree if (ROOT / given).is_dir() else shutil.copy
        copy(ROOT / given, folder / given)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    for stamp in (".made", ".run", ".test"):  # in the order in which make makes them
        (folder / ".venv" / stamp).touch()
    return folder


def sh(command: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_the_two_commands_count_words_and_run_tests(checkout: Path) -> None:
    some = [str(ROOT / "tests" / "unit" / "test_fields.py"), "TESTFLAGS="]  # of all tests, which this is one of

    counted = sh("make run", checkout, environment())
    tested = sh(f"make test TESTS={shlex.join(some)}", checkout, environment())

    assert counted.returncode == 0, counted.stderr
    assert json.loads((checkout / "output" / "results.json").read_text(encoding="utf-8"))["the"] > 0
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout


def test_every_other_command_is_run_here_or_elsewhere(folder: Path) -> None:
    path = f"{Path(sys.executable).parent}:{environment()['PATH']}"

    assert {"make run", "make test"} <= set(commands())
    for command in commands():
        tests = [file for begin, file in ELSEWHERE.items() if command.startswith(begin)]
        if command.startswith("make "):
            continue
        if tests:
            assert tests[0].exists()
        else:
            ended = sh(command, folder, environment(PATH=path))
            assert ended.returncode == 0, f"{command}\n{ended.stderr}"
