"""The JSON events of a run, for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.processes import word_counter

_JOB = """
import os
import signal
from pathlib import Path

from word_counter import Job, Mapper, Sum

HERE = Path(__file__).parent


class DiesOnce(Mapper):
    def map(self, line):
        if line == "die":
            try:
                (HERE / "died").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        print("a line of the user's own")
        yield line, 1


class Count(Job):
    mapper, reducer = DiesOnce, Sum
"""
_RAISES = """
from word_counter import Job, Mapper, Sum


class Raises(Mapper):
    def map(self, line):
        raise ValueError("a bad line")


class Count(Job):
    mapper, reducer = Raises, Sum
"""
_FACTS = ("job", "task", "attempt", "worker", "kind")


def _events(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_a_run_with_one_death_in_it_tells_each_event_once(folder: Path) -> None:
    (folder / "job.py").write_text(_JOB)
    (folder / "text.txt").write_text("one\ntwo\ndie\nfour\n")
    args = ["--job", "job.py", "--chunk-size", "1", "--workers", "1", "--output", "results.json", "--job-id", "told"]

    ended = word_counter("run", "text.txt", *args, "--log-format", "json", folder=folder)

    events = _events(ended.err)
    actions = [event["action"] for event in events if event["action"] != "printed"]
    assert ended.code == 0, ended.err
    assert sorted(actions) == sorted(["started", "mapping", "crashed", "failed", "retried", "reducing", "done"])
    assert actions[:2] == ["started", "mapping"]
    assert actions[-2:] == ["reducing", "done"]
    assert {event["job"] for event in events} == {"told"}
    (failed,) = (event for event in events if event["action"] == "failed")
    assert (failed["task"], failed["attempt"], failed["kind"]) == ("map:2", 1, "crashed")
    assert "SIGKILL" in failed["message"]
    (retried,) = (event for event in events if event["action"] == "retried")
    assert [retried[fact] for fact in _FACTS] == [failed[fact] for fact in _FACTS]
    (crashed,) = (event for event in events if event["action"] == "crashed")
    assert crashed["worker"] == failed["worker"]


def test_every_attempt_tells_once_that_it_started_and_how_it_ended(folder: Path) -> None:
    (folder / "job.py").write_text(_JOB)
    (folder / "text.txt").write_text("one\ntwo\ndie\nfour\n")
    args = ["--job", "job.py", "--chunk-size", "1", "--workers", "1", "--partitions", "2", "--output", "results.json"]

    ended = word_counter("run", "text.txt", *args, "--log-format", "json", "-v", "--job-id", "told", folder=folder)

    assert ended.code == 0, ended.err
    told = [event for event in _events(ended.err) if "task" in event]
    names = [(event["action"], event["task"], event["attempt"]) for event in told]
    tasks = ["map:0", "map:1", "map:3", "reduce:0", "reduce:1"]
    expected = [(action, task, 1) for task in tasks for action in ("started", "committed")]
    expected += [(action, "map:2", 1) for action in ("started", "failed", "retried")]
    expected += [(action, "map:2", 2) for action in ("started", "committed")]
    assert sorted(names) == sorted(expected)
    assert all(event["job"] == "told" and event["worker"] for event in told)


def test_an_attempt_that_raises_tells_so_once_and_the_last_one_too(folder: Path) -> None:
    (folder / "job.py").write_text(_RAISES)
    (folder / "text.txt").write_text("one\n")
    args = ["--job", "job.py", "--workers", "1", "--max-attempts", "2", "--output", "results.json", "--job-id", "told"]

    ended = word_counter("run", "text.txt", *args, "--log-format", "json", "-v", folder=folder)

    assert ended.code == 1, ended.err
    events = _events(ended.err)
    told = [(event["action"], event["attempt"]) for event in events if "task" in event]
    assert told == [("started", 1), ("failed", 1), ("retried", 1), ("started", 2), ("failed", 2)]
    failed = [event for event in events if event["action"] == "failed"]
    assert {(event["job"], event["task"], event["kind"]) for event in failed} == {("told", "map:0", "raised")}
    assert all(event["worker"] and "a bad line" in event["message"] for event in failed)
    assert (events[-1]["action"], events[-1]["job"]) == ("error", "told")


def test_an_error_is_an_event_too(folder: Path) -> None:
    ended = word_counter("run", "nowhere.txt", "--log-format", "json", "--output", "results.json", folder=folder)

    (event,) = _events(ended.err)
    assert ended.code == 2
    assert event["action"] == "error"
    assert "nowhere.txt" in event["message"]


def test_what_ends_a_worker_is_an_event_too(folder: Path) -> None:
    ended = word_counter("worker", "--log-format", "json", "--redis", f"unix://{folder}/nobody.sock", folder=folder)

    (event,) = _events(ended.err)
    assert ended.code == 3
    assert event["action"] == "error"
    assert "nobody.sock" in event["message"]
