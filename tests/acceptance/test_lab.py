"""The seven tests of the classic lab: its apps run as they are written, with `run --app`, by real workers.

`make lab TIMES=10` runs the crash test so many times, with the stalls of ten seconds that it has in the classic.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, Ended, word_counter

LAB = Path(__file__).parent.parent / "lab"
TIMES = int(os.environ.get("LAB_TIMES", "1"))
STALL = os.environ.get("LAB_STALL", "1")
BOOKS = ("being_ernest", "dorian_gray", "frankenstein", "grimm", "huckleberry", "metamorphosis", "sherlock", "tom")


@pytest.fixture
def books(folder: Path) -> Path:
    """Eight files of words."""
    made = folder / "books"
    made.mkdir()
    for number, name in enumerate(BOOKS):
        words = (f"{'abcdefg'[n % 7]}{'xyz'[n % 3] * (n % number + 1 if number else 1)}" for n in range(500))
        (made / f"pg-{name}.txt").write_text("\n".join(words) + "\n")
    return made


def lab(
    app: str, folder: Path, *more: str, output: str = "out", workers: int = 2, seconds: float = PATIENCE_SECONDS
) -> Ended:
    args = ["run", "books", "--app", str(LAB / app), "--partitions", "10", "--output-format", "mr-out"]
    args += ["--output", output, "--workers", str(workers), *more]
    ended = word_counter(*args, folder=folder, env={"LAB_STALL": STALL}, seconds=seconds)
    assert ended.code == 0, ended.err
    return ended


def results(folder: Path, output: str = "out") -> dict[str, str]:
    """Return what the parts hold, which is all that there is; each is sorted."""
    names = {path.name for path in (folder / output).iterdir()} - {"mr-out.receipt.json"}
    assert names == {f"mr-out-{n}" for n in range(10)}
    found: dict[str, str] = {}
    for name in names:
        lines = (folder / output / name).read_text().splitlines()
        assert lines == sorted(lines, key=lambda line: line.split(" ", 1)[0])
        found.update((key, value) for key, _, value in (line.partition(" ") for line in lines))
    return found


def test_word_count(folder: Path, books: Path) -> None:
    lab("wc.py", folder)

    expected = Counter(word for path in books.iterdir() for word in re.findall(r"[^\W\d_]+", path.read_text()))
    assert results(folder) == {word: str(n) for word, n in expected.items()}


def test_indexer(folder: Path, books: Path) -> None:
    lab("indexer.py", folder)

    found = defaultdict(set)
    for path in books.iterdir():
        for word in path.read_text().split():
            found[word].add(path.name)
    assert results(folder) == {word: f"{len(names)} {','.join(sorted(names))}" for word, names in found.items()}


def test_map_parallelism(folder: Path, books: Path) -> None:
    lab("mtiming.py", folder)

    seen = results(folder)
    assert len([key for key in seen if key.startswith("times-")]) == 2
    assert any(int(n) >= 2 for key, value in seen.items() if key.startswith("parallel-") for n in value.split())


def test_reduce_parallelism(folder: Path, books: Path) -> None:
    lab("rtiming.py", folder)

    seen = results(folder)
    assert len(seen) == 10
    assert sum(int(n) >= 2 for n in seen.values()) >= 2


def test_job_count(folder: Path, books: Path) -> None:
    lab("jobcount.py", folder)

    assert results(folder) == {"a": str(len(BOOKS))}


def test_early_exit(folder: Path, books: Path) -> None:
    lab("early_exit.py", folder, workers=3)

    final = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert len(results(folder)) == len(BOOKS)
    assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == final


@pytest.mark.parametrize("time", range(TIMES))
@pytest.mark.timeout(600)
def test_crash(folder: Path, books: Path, time: int) -> None:
    lab("nocrash.py", folder, output="calm", workers=3)
    lab(
        "crash.py", folder, "--max-attempts", "100", workers=3, seconds=500
    )  # which task dies how often in a row is chance

    assert results(folder) == results(folder, "calm")
    assert set(results(folder)) == {"a", "b", "c", "d"}


def test_fewer_parts_leave_none_of_those_that_were_more(folder: Path, books: Path) -> None:
    lab("wc.py", folder, "--engine", "inline")
    (folder / "out" / "mr-out-10").write_text("of an earlier run\n")
    (folder / "out" / "mr-out-x").write_text("somebody's\n")

    lab("wc.py", folder, "--engine", "inline")

    assert {path.name for path in (folder / "out").glob("mr-out-*")} == {
        "mr-out-x",
        *(f"mr-out-{n}" for n in range(10)),
    }
