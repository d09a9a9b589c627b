"""A mistake in user code ends the job the second time; what may pass, and what kills a process, is tried again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.processes import Ended, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys

_JOB = """
import os
import signal

from word_counter import Job, Mapper, Reducer, Sum


class Words(Mapper):
    def map(self, line):
        if self.params["how"] and (self.params["how"] != "fails" or "7" in line) and self.is_first(line):
            getattr(self, self.params["how"])()
        for word in line.split():
            yield word, 1

    def is_first(self, line):
        if self.params["how"] == "misspells":
            return True
        try:
            open(f"{__file__}.{line}", "x").close()
        except FileExistsError:
            return False
        return True

    def misspells(self):
        return wrod

    def loses(self):
        raise ConnectionResetError("the line is dead")

    def fails(self):
        raise ValueError("not at first")

    def dies(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Adds(Reducer):
    def reduce(self, key, values):
        return sum(values) + (nunber if self.params["how"] == "" and key == "7" else 0)


class WordsOfLines(Job):
    mapper, reducer = Words, Adds
    params = {"how": __import__("word_counter").Param("")}
"""
_LINES = [f"line {n}" for n in range(30)]


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    (folder / "job.py").write_text(_JOB)
    (folder / "text.txt").write_text("\n".join(_LINES) + "\n")


def _run(folder: Path, how: str, *more: str, redis: str = "") -> Ended:
    args = [
        "--job",
        "job.py",
        "--param",
        f"how={how}",
        "--chunk-size",
        "1",
        "--workers",
        "2",
        "--output",
        "results.json",
    ]
    return word_counter("run", "text.txt", *args, *more, folder=folder, env={"REDIS_URL": redis} if redis else {})


def _counted() -> dict[str, int]:
    return dict(Counter(word for line in _LINES for word in line.split()))


def test_a_misspelt_name_is_told_once_with_its_line_the_place_in_the_input_and_the_way_on(folder: Path) -> None:
    ended = _run(folder, "misspells")

    assert ended.code == 1
    assert "retry of" not in ended.err
    assert ended.err.count("NameError") == 1
    assert ended.err.count("Traceback") == 1
    assert f'File "{folder / "job.py"}", line 25, in misspells' in ended.err
    assert f"{folder / 'text.txt'}, byte " in ended.err
    for way in ("--engine inline", "--max-bad-records", "--retry-errors"):
        assert way in ended.err
    assert not (folder / "results.json").exists()


def test_in_a_redis_of_ones_own_the_chunk_can_be_replayed_and_the_attempts_tell_where_they_raised(
    folder: Path, fresh_server: EmbeddedRedis, redis: Redis
) -> None:
    ended = _run(folder, "misspells", "--job-id", "j", redis=fresh_server.url)

    assert ended.code == 1
    command = next(line for line in ended.err.splitlines() if "word-counter replay" in line)
    chunk = command.partition("word-counter replay j ")[2].partition(" --pdb")[0]
    env = {"REDIS_URL": fresh_server.url}
    replayed = word_counter("replay", "j", chunk, folder=folder, env=env)
    assert replayed.code == 1
    assert "NameError" in replayed.err
    assert int(redis.hget(JobKeys("j").job, "retries") or 0) <= 1
    inspected = json.loads(word_counter("inspect", "j", "--json", folder=folder, env=env).out)
    attempts = [attempt for task in inspected["chunks"] for attempt in task["attempts"] if attempt["kind"]]
    assert {(a["exception"], a["code_file"], a["code_line"]) for a in attempts} == {
        ("NameError", str(folder / "job.py"), 25)
    }


def test_a_mistake_in_the_reducer_ends_the_job_too(folder: Path) -> None:
    ended = _run(folder, "")

    assert ended.code == 1
    assert "retry of" not in ended.err
    assert "Adds failed for the key '7'" in ended.err
    assert "--max-bad-records" not in ended.err


def test_with_retry_errors_it_has_all_its_attempts(folder: Path) -> None:
    ended = _run(folder, "misspells", "--retry-errors", "--max-attempts", "2")

    assert ended.code == 1
    assert "failed in 2 attempts" in ended.err


@pytest.mark.parametrize("how", ["loses", "dies", "fails"])
def test_what_may_pass_and_what_dies_and_what_a_second_attempt_mends_is_tried_again(folder: Path, how: str) -> None:
    ended = _run(folder, how, *(["--retry-errors"] if how == "fails" else []))

    assert ended.code == 0, ended.err
    assert json.loads((folder / "results.json").read_text()) == _counted()
    receipt = json.loads((folder / "results.receipt.json").read_text())
    assert receipt["attempts"]["retries"] >= (3 if how == "fails" else len(_LINES))


def test_where_bad_chunks_are_set_aside_so_are_those_of_a_mistake(folder: Path) -> None:
    ended = _run(folder, "fails", "--on-bad-chunk", "skip", "--max-attempts", "1")

    assert ended.code == 4, ended.err
    aside = [json.loads(line)["line"] for line in (folder / "quarantine.jsonl").read_text().splitlines()]
    assert aside == [8, 18, 28]
