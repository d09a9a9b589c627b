"""Bad records, chunks that kill their process, and tasks that hang: skipped if asked for, else named in an error."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Ended, word_counter
from word_counter.receipts.verify import verify

_JOB = """
import os
import signal
import time

from word_counter import Job, Mapper, Sum


class Touchy(Mapper):
    def map(self, line):
        self.count("lines seen")
        if "SEGFAULT" in line:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "HANG" in line:
            while True:
                try:
                    time.sleep(100)
                except BaseException:
                    pass
        for word in line.split():
            if word == "RAISE":
                raise ValueError("a bad word")
            yield word, 1


class TouchyCount(Job):
    mapper, reducer = Touchy, Sum
"""


@pytest.fixture
def job(folder: Path) -> Path:
    path = folder / "touchy.py"
    path.write_text(_JOB)
    return path


def _lines(**bad: str) -> list[str]:
    lines = [f"line{n % 11} of many" for n in range(400)]
    for place, word in bad.items():
        number = int(place.removeprefix("at"))
        lines[number] = f"early {lines[number]} {word}"
    return lines


def _run(folder: Path, lines: list[str], *more: str) -> Ended:
    (folder / "text.txt").write_text("\n".join(lines) + "\n")
    args = ["--job", "touchy.py", "--chunk-size", "50", "--workers", "2", "--output", "out/results.json"]
    return word_counter("run", "text.txt", *args, *more, folder=folder)


def _quarantine(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out" / "quarantine.jsonl").read_text().splitlines()]


def _told(folder: Path, *names: str) -> list[int]:
    """Return some of the counts in the receipt of a run, which holds."""
    assert verify(str(folder / "out" / "results.json")).holds
    counts = json.loads((folder / "out" / "results.receipt.json").read_text())["counts"]
    return [counts[name] for name in names]


def _counted(lines: list[str], *without: str) -> dict[str, int]:
    return dict(Counter(word for line in lines if not set(without) & set(line.split()) for word in line.split()))


def test_records_that_raise_are_set_aside_whole_and_the_rest_is_exact(folder: Path, job: Path) -> None:
    lines = _lines(at7="RAISE", at120="RAISE", at121="RAISE")

    ended = _run(folder, lines, "--max-bad-records", "3")

    assert ended.code == 4, ended.err
    assert json.loads((folder / "out" / "results.json").read_text()) == _counted(lines, "RAISE")
    aside = _quarantine(folder)
    assert [entry["line"] for entry in aside] == [8, 121, 122]
    assert [entry["text"] for entry in aside] == [lines[7], lines[120], lines[121]]
    assert aside[1]["offset"] == len("".join(line + "\n" for line in lines[:120]))
    assert all("ValueError: a bad word" in entry["reason"] for entry in aside)
    assert all(entry["file"] == str(folder / "text.txt") for entry in aside)
    assert "quarantine.jsonl" in ended.err


def test_a_quiet_run_says_what_is_set_aside_and_why(folder: Path, job: Path) -> None:
    ended = _run(folder, _lines(at7="RAISE"), "--max-bad-records", "1", "--quiet")

    assert ended.code == 4
    quarantine = folder / "out" / "quarantine.jsonl"
    place = f"{folder / 'text.txt'}, line 8"
    assert ended.err.splitlines()[-1] == (
        f"warning: 1 bad record set aside in {quarantine}, and not counted; the first: {place}: ValueError: a bad word"
    )


def test_a_reason_that_quotes_a_long_line_is_cut_and_the_next_run_knows_its_quarantine(folder: Path, job: Path) -> None:
    job.write_text(_JOB.replace('"a bad word"', "line"))
    long = [*_lines(), "RAISE " + "x" * 3_000_000]

    for _ in range(2):
        ended = _run(folder, long, "--max-bad-records", "1")

        assert ended.code == 4, ended.err
        [entry] = _quarantine(folder)
        assert entry["reason"].startswith("Traceback")
        assert "characters left out]" in entry["reason"]
        assert (folder / "out" / "quarantine.jsonl").stat().st_size < 50_000


@pytest.mark.parametrize("engine", ["redis", "inline"])
def test_a_misspelt_name_is_no_bad_record(folder: Path, job: Path, engine: str) -> None:
    job.write_text(_JOB.replace('ValueError("a bad word")', "ValueErorr"))

    ended = _run(folder, _lines(at7="RAISE"), "--max-bad-records", "100", "--engine", engine)

    assert ended.code == 1
    assert "NameError: name 'ValueErorr' is not defined" in ended.err
    assert "line 8" in ended.err


def test_one_bad_record_too_many_fails_the_job(folder: Path, job: Path) -> None:
    lines = _lines(at7="RAISE", at120="RAISE", at121="RAISE")

    ended = _run(folder, lines, "--max-bad-records", "2")

    assert ended.code == 1
    assert "more than 2 bad records" in ended.err
    assert not (folder / "out" / "results.json").exists()


def test_a_clean_run_leaves_no_quarantine_of_an_earlier_one(folder: Path, job: Path) -> None:
    assert _run(folder, _lines(at7="RAISE"), "--max-bad-records", "1").code == 4

    ended = _run(folder, _lines(), "--max-bad-records", "1")

    assert ended.code == 0, ended.err
    assert not (folder / "out" / "quarantine.jsonl").exists()


def test_a_record_that_kills_its_process_stands_alone_in_quarantine(folder: Path, job: Path) -> None:
    lines = _lines(at203="SEGFAULT", at219="SEGFAULT")

    ended = _run(folder, lines, "--on-bad-chunk", "skip")

    assert ended.code == 4, ended.err
    assert json.loads((folder / "out" / "results.json").read_text()) == _counted(lines, "SEGFAULT")
    aside = _quarantine(folder)
    assert [entry["line"] for entry in aside] == [204, 220]
    assert _told(folder, "lines_mapped", "lines_set_aside") == [len(lines) - 2, 2]
    assert all("SIGSEGV" in entry["reason"] for entry in aside)
    assert all(f'File "{job}", line 13 in map' in entry["reason"] for entry in aside)


def test_a_record_at_which_the_mapper_hangs_stands_alone_in_quarantine(folder: Path, job: Path) -> None:
    lines = _lines(at203="HANG")

    ended = _run(folder, lines, "--on-bad-chunk", "skip", "--task-timeout", "1")

    assert ended.code == 4, ended.err
    assert json.loads((folder / "out" / "results.json").read_text()) == _counted(lines, "HANG")
    (entry,) = _quarantine(folder)
    assert entry["line"] == 204
    assert "--task-timeout" in entry["reason"]
    assert f'File "{job}", line 17 in map' in entry["reason"]


def test_a_task_that_hangs_is_told_with_its_stack_and_its_place_in_the_input(folder: Path, job: Path) -> None:
    ended = _run(folder, _lines(at203="HANG"), "--task-timeout", "1", "--max-attempts", "1")

    assert ended.code == 1
    assert "the task took longer than 1 s (--task-timeout)" in ended.err
    assert f'File "{job}", line 17 in map' in ended.err
    assert f"in {folder / 'text.txt'}" in ended.err
    assert "lines 201 to 250" in ended.err


def test_a_chunk_that_raises_for_good_is_set_aside_as_a_whole(folder: Path, job: Path) -> None:
    lines = _lines(at120="RAISE")

    ended = _run(folder, lines, "--on-bad-chunk", "skip", "--max-attempts", "1")

    assert ended.code == 4, ended.err
    assert json.loads((folder / "out" / "results.json").read_text()) == _counted(lines[:100] + lines[150:])
    (entry,) = _quarantine(folder)
    assert (entry["line"], entry["lines"]) == (101, 50)
    assert "ValueError: a bad word" in entry["reason"]
    assert _told(folder, "lines_mapped", "lines_set_aside", "chunks_set_aside") == [len(lines) - 50, 50, 1]
    (folder / "text.txt").write_text((folder / "text.txt").read_text().replace("RAISE", "RAISF"))
    assert not verify(str(folder / "out" / "results.json")).holds  # what was set aside was read, too


def test_a_process_that_dies_again_and_again_fails_the_job_and_names_the_place(folder: Path, job: Path) -> None:
    ended = _run(folder, _lines(at203="SEGFAULT"), "--max-attempts", "2")

    assert ended.code == 1
    assert "SIGSEGV" in ended.err
    assert f"{folder / 'text.txt'}" in ended.err
    assert "lines 201 to 250" in ended.err
    assert not (folder / "out" / "results.json").exists()


def test_counters_count_no_record_twice_that_was_set_aside(folder: Path, job: Path) -> None:
    lines = _lines(at7="RAISE", at203="SEGFAULT")

    ended = _run(folder, lines, "--max-bad-records", "1", "--on-bad-chunk", "skip")

    assert ended.code == 4, ended.err
    assert "lines seen" in ended.err
    assert "398" in ended.err


_STEPS = """
import os
import signal

from word_counter import Job, Mapper, Step, Sum


class Letters(Mapper):
    def map(self, line):
        for letter in line:
            yield letter, 1


class Touchy(Mapper):
    def map_pair(self, key, value):
        if key == "s":
            os.kill(os.getpid(), signal.SIGSEGV)
        if key == "r":
            raise ValueError("a bad letter")
        yield value, 1


class Letterwise(Job):
    steps = [Step(Letters, Sum), Step(Touchy, Sum)]
"""


def test_a_pair_between_two_steps_is_set_aside_like_a_line(folder: Path) -> None:
    (folder / "steps.py").write_text(_STEPS)
    (folder / "text.txt").write_text("arse\nas\n")

    ended = word_counter(
        *("run", "text.txt", "--job", "steps.py", "--partitions", "1", "--workers", "1"),
        *("--max-bad-records", "5", "--on-bad-chunk", "skip", "--output", "results.json"),
        folder=folder,
    )

    assert ended.code == 4, ended.err
    assert json.loads((folder / "results.json").read_text()) == {"1": 1, "2": 1}  # of a and e
    entries = [json.loads(line) for line in (folder / "quarantine.jsonl").read_text().splitlines()]
    assert [(entry["file"], entry["text"]) for entry in entries] == [
        ("the results of phase 1, partition 0", '["r", 1]'),
        ("the results of phase 1, partition 0", '["s", 2]'),
    ]
    assert "ValueError: a bad letter" in entries[0]["reason"]


def test_a_chunk_between_two_steps_is_set_aside_as_a_whole(folder: Path) -> None:
    (folder / "steps.py").write_text(_STEPS)
    (folder / "text.txt").write_text("are\n")

    ended = word_counter(
        *("run", "text.txt", "--job", "steps.py", "--partitions", "1", "--workers", "1"),
        *("--max-attempts", "1", "--on-bad-chunk", "skip", "--output", "results.json"),
        folder=folder,
    )

    assert ended.code == 4, ended.err
    assert json.loads((folder / "results.json").read_text()) == {}
    (entry,) = [json.loads(line) for line in (folder / "quarantine.jsonl").read_text().splitlines()]
    assert entry["file"] == "the results of phase 1, partition 0"
    assert "ValueError: a bad letter" in entry["reason"]
