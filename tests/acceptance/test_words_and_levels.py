"""Texts and logs that were counted wrong in silence, as somebody runs the command over them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.processes import word_counter

_QUIET = ("--engine", "inline", "--output", "-", "--quiet")
_ZAP = [
    {"level": "error", "ts": "2026-11-20T09:14:02Z", "msg": "boom"},
    {"level": "info", "ts": "2026-11-20T09:14:03Z", "msg": "ok"},
    {"level": "Error", "ts": "2026-11-20T09:14:04Z", "msg": "boom"},
]


@pytest.mark.parametrize("kernel", ["auto", "python"])
def test_words_of_any_script_are_whole(folder: Path, kernel: str) -> None:
    hindi, language = "\u0939\u093f\u0928\u094d\u0926\u0940", "\u092d\u093e\u0937\u093e"
    (folder / "a.txt").write_text(f"{hindi} {language} {hindi}\n", encoding="utf-8")
    (folder / "b.txt").write_text("re\u0301sume\u0301 nai\u0308ve r\u00e9sum\u00e9\n", encoding="utf-8")

    ended = word_counter("run", "a.txt", "b.txt", *_QUIET, folder=folder, env={"WORD_COUNTER_KERNEL": kernel})

    assert json.loads(ended.out) == {hindi: 2, language: 1, "r\u00e9sum\u00e9": 2, "na\u00efve": 1}


@pytest.mark.parametrize("asked", ["ERROR", "err", "3"])
def test_a_level_is_met_however_it_is_asked_for(folder: Path, asked: str) -> None:
    (folder / "zap.log").write_text("".join(f"{json.dumps(line)}\n" for line in _ZAP))

    ended = word_counter("run", "zap.log", "--job", "windows", "--param", f"levels={asked}", *_QUIET, folder=folder)

    assert json.loads(ended.out) == {"2026-11-20T09:14:00Z": 2}
    assert ended.err == ""


@pytest.mark.parametrize("engine", ["inline", "redis"])
def test_a_filter_that_meets_nothing_says_which_levels_there_were(folder: Path, engine: str) -> None:
    (folder / "zap.log").write_text("".join(f"{json.dumps(line)}\n" for line in _ZAP))
    args = ("--job", "windows", "--param", "levels=WARN", *_QUIET, "--engine", engine)

    ended = word_counter("run", "zap.log", *args, folder=folder)

    assert (ended.code, json.loads(ended.out)) == (0, {})
    assert ended.err == (
        "warning: the results are empty; counted were lines of level ERROR, not asked for: 2; "
        "lines of level INFO, not asked for: 1\n"
    )


def test_what_docker_keeps_has_its_messages(folder: Path) -> None:
    lines = [{"log": f"{text}\n", "stream": "stderr", "time": "2026-11-20T09:14:02.4Z"} for text in ("disk 7", "on")]
    (folder / "docker.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    ended = word_counter("run", "docker.log", "--job", "log_patterns", *_QUIET, folder=folder)

    assert json.loads(ended.out) == {'["-","disk <n>"]': 1, '["-","on"]': 1}


def test_a_line_without_a_message_is_set_aside_where_one_is_asked_for(folder: Path) -> None:
    (folder / "a.log").write_text('{"level": "error", "took": 5}\n{"level": "error", "msg": "boom"}\n')

    ended = word_counter("run", "a.log", "--job", "log_patterns", *_QUIET, folder=folder)

    assert (ended.code, json.loads(ended.out)) == (4, {'["error","boom"]': 1})


def test_a_job_without_the_params_of_its_mapper_is_refused_before_it_runs(folder: Path) -> None:
    (folder / "job.py").write_text(
        "from word_counter import Job, Sum\nfrom word_counter.logs import LogMapper\n\n\n"
        "class M(LogMapper):\n    def map_record(self, record):\n        yield self.milliseconds(record), 1\n\n\n"
        "class J(Job):\n    mapper, reducer = M, Sum\n"
    )
    (folder / "a.log").write_text("2026-11-20 09:14:02 shop INFO x\n")

    ended = word_counter("run", "a.log", "--job", "job.py", *_QUIET, folder=folder)

    assert ended.code == 2
    assert "give it params = TIME_PARAMS, and import TIME_PARAMS from word_counter.logs" in ended.err
    assert "Traceback" not in ended.err


def test_params_that_only_a_function_asks_for_end_the_job_by_their_name(folder: Path) -> None:
    (folder / "job.py").write_text(
        "from word_counter import Job, Sum\nfrom word_counter.logs import LINE_PARAMS, LogMapper\n\n\n"
        "def at(mapper, record):\n    return mapper.milliseconds(record)\n\n\n"
        "class M(LogMapper):\n    def map_record(self, record):\n        yield at(self, record), 1\n\n\n"
        "class J(Job):\n    mapper, reducer, params, settings = M, Sum, LINE_PARAMS, LogMapper.KEPT\n"
    )
    (folder / "a.log").write_text("2026-11-20 09:14:02 shop INFO x\n")

    ended = word_counter("run", "a.log", "--job", "job.py", *_QUIET, folder=folder)

    assert (ended.code, ended.out) == (1, "")
    assert "give it params = TIME_PARAMS, and import TIME_PARAMS from word_counter.logs" in ended.err
    assert f'File "{folder / "job.py"}", line 6, in at' in ended.err


def test_what_is_no_whole_record_is_set_aside_and_not_counted(folder: Path) -> None:
    at = "2026-11-20T09:14:02.4Z stdout"
    lines = (f"{at} P 2026-11-20 09:14:02 ERROR or", f"{at} F der 7", "2026-11-20 09:14:02 LOG: ERROR", f"{at} F whole")
    (folder / "a.log").write_text("".join(f"{line}\n" for line in lines))

    args = ("--job", "log_patterns", "--chunk-size", "2", *_QUIET)  # no border of chunks within the pieces

    ended = word_counter("run", "a.log", *args, folder=folder)

    assert (ended.code, json.loads(ended.out)) == (4, {'["-","whole"]': 1})
