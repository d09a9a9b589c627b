"""Where results go: errors about outputs that cannot be written, before a job starts and at its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, environment, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")


@contextmanager
def _standard_output(kind: str) -> Iterator[int | None]:
    """Yield a descriptor that takes nothing, or None."""
    descriptor = os.open("/dev/full", os.O_WRONLY) if kind == "full" else None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _run(folder: Path, kind: str, *args: str, closed: bool = False) -> subprocess.CompletedProcess[str]:
    with _standard_output(kind) as descriptor:
        return subprocess.run(
            [sys.executable, "-m", "word_counter", *args],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            preexec_fn=(lambda: os.close(1)) if closed else None,
        )


@full
@pytest.mark.parametrize("engine", ["redis", "inline"])
def test_results_that_standard_output_does_not_take_are_an_error_of_one_line(folder: Path, engine: str) -> None:
    (folder / "text.txt").write_text("a b\n")

    ended = _run(folder, "full", "run", "text.txt", "--output", "-", "--engine", engine, "--progress", "none")

    assert ended.returncode == 2
    assert "Error: cannot write to standard output: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


def test_a_standard_output_that_is_closed_is_told_of_at_once(folder: Path) -> None:
    (folder / "text.txt").write_text("a b\n")

    ended = _run(folder, "", "run", "text.txt", "--output", "-", closed=True)

    assert ended.returncode == 2
    assert ended.stderr == "Error: standard output is closed; name a file with --output\n"


def test_results_in_a_file_need_no_standard_output(folder: Path) -> None:
    (folder / "text.txt").write_text("a b\n")

    ended = _run(folder, "", "run", "text.txt", "--output", "results.json", closed=True)

    assert ended.returncode == 0, ended.stderr
    assert (folder / "results.json").read_text() == '{\n  "a": 1,\n  "b": 1\n}\n'


@full
def test_tables_that_standard_output_does_not_take_are_an_error_of_one_line(
    folder: Path, server: EmbeddedRedis
) -> None:
    ended = _run(folder, "full", "jobs", "--json", "--redis", server.url)

    assert ended.returncode == 2
    assert ended.stderr == "Error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("output", ["", "newd/", ".", "link.json", "taken.json"])
@pytest.mark.parametrize("engine", ["redis", "inline"])
def test_an_output_that_cannot_be_is_a_usage_error_and_nothing_is_made(folder: Path, output: str, engine: str) -> None:
    (folder / "text.txt").write_text("a b\n")
    (folder / "link.json").symlink_to("nowhere/results.json")
    (folder / "taken.json.quarantine.jsonl").write_text("notes of mine\n")
    before = sorted(path.name for path in folder.iterdir())

    ended = word_counter("run", "text.txt", "--output", output, "--engine", engine, folder=folder)

    assert ended.code == 2
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(("out-", "err-"))) == before


@pytest.mark.parametrize("engine", ["redis", "inline"])
def test_a_run_over_its_own_folder_does_not_count_its_own_results(folder: Path, engine: str) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "text.txt").write_text("a b a\n")
    args = ["run", "in", "--output", "in/results.json", "--engine", engine, "--workers", "1"]
    first = word_counter(*args, folder=folder)
    results = (folder / "in" / "results.json").read_bytes()

    second = word_counter(*args, folder=folder)
    named = word_counter(*args, "in/results.json", folder=folder)

    assert (first.code, second.code, named.code) == (0, 0, 2)
    assert (folder / "in" / "results.json").read_bytes() == results
    assert "left out of the input" not in first.err
    assert second.err.count("left out of the input") == 1
    assert named.err.startswith("Error: the input in/results.json is what this very run will write")
