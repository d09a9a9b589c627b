"""Replaying a chunk as a worker ran it, in a process where it can be debugged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.processes import environment
from tests.step_jobs import LettersByCount
from word_counter import JobFailedError, Master
from word_counter.cli.main import main
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys

JOB = """
from word_counter import Job, Mapper, Param, Sum

class Words(Mapper):
    def map(self, line):
        self.count("lines")
        for word in line.split():
            number = WORTH
            yield word, number // (0 if word == self.params["bad"] else 1)

class Worth(Job):
    mapper, reducer = Words, Sum
    params = {"bad": Param("boom")}
    settings = {"max_attempts": 1, "chunk_size": 2, "partitions": 2}
"""


class Replayed:
    """A job of a file of its own, run over a file of its own; and the command."""

    def __init__(self, server: EmbeddedRedis, folder: Path, job_id: str) -> None:
        self.url, self.folder, self.job_id = server.url, folder, job_id
        self.code, self.input = folder / "my_job.py", folder / "in.txt"
        self.edit(1)

    def edit(self, worth: int) -> None:
        self.code.write_text(JOB.replace("WORTH", str(worth)))

    def master(self, text: str, **more: Any) -> None:
        self.input.write_text(text)
        from word_counter.loading.job_reference import make_job

        settings: dict[str, Any] = {
            "redis": self.url,
            "workers": 1,
            "job_id": self.job_id,
            "output": str(self.folder / "o.json"),
        }
        Master(str(self.input), make_job(str(self.code)), **settings, **more).run()

    def __call__(self, *args: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own, which has not imported the job before."""
        command = [sys.executable, "-m", "word_counter", "replay", self.job_id, *args, "--redis", self.url]
        return subprocess.run(
            command, input=typed, env=environment(), capture_output=True, text=True, timeout=60, check=False
        )

    def json(self, *args: str) -> Any:
        return json.loads(self(*args, "--json").stdout)


@pytest.fixture
def replayed(server: EmbeddedRedis, folder: Path, job_id: str) -> Replayed:
    return Replayed(server, folder, job_id)


def test_a_chunk_of_a_job_that_is_done_gives_what_was_committed(replayed: Replayed) -> None:
    replayed.master("a b\nc\na\n")

    ended = replayed("0")
    assert ended.returncode == 0, ended.stderr
    assert "counters  lines: 2" in ended.stdout
    assert "the same as was committed" in ended.stdout

    content = replayed.json("1")
    assert content["committed"] == "same"
    assert [pair for share in content["partials"] for pair in share["pairs"]] == [["a", 1]]


def test_what_was_edited_since_is_told_with_how_it_differs(replayed: Replayed) -> None:
    replayed.master("a b\na\n")
    replayed.edit(5)

    ended = replayed("0")
    assert ended.returncode == 1
    assert "is not the one that the job ran" in ended.stderr
    assert "not what was committed: 2 keys differ" in ended.stdout
    differences = replayed.json("0")["differences"]
    shown = {one["key"]: (one["committed"], one["replayed"]) for one in differences}
    assert shown == {"a": ("2", "10"), "b": ("1", "5")}


def test_a_chunk_that_failed_raises_the_same_with_the_users_own_traceback(replayed: Replayed) -> None:
    with pytest.raises(JobFailedError):
        replayed.master("a b\na\nb\nboom\n")

    ended = replayed("1")
    assert ended.returncode == 1
    assert f"Words failed in {replayed.input}, byte 8, line 4: 'boom'" in ended.stderr
    assert "ZeroDivisionError" in ended.stderr
    assert "word_counter/stages.py" not in ended.stderr
    assert "ZeroDivisionError" in replayed.json("1")["error"]
    assert replayed("0").returncode == 0


def test_a_chunk_that_kills_its_process_tells_how_and_at_which_record(replayed: Replayed) -> None:
    kills = 'number = line != "boom" or os.kill(os.getpid(), 11)'
    replayed.code.write_text("import os\n" + JOB.replace("number = WORTH", kills))
    with pytest.raises(JobFailedError):
        replayed.master("a b\nboom\n")

    ended = replayed("0")
    assert ended.returncode == 1
    place = f"{replayed.input}, byte 4, line 2: 'boom'"
    assert f"Error: the process that ran chunk 0 was killed by SIGSEGV at {place}" in ended.stderr
    assert f'File "{replayed.code}", line 9 in map' in ended.stderr
    assert "word_counter/stages.py" not in ended.stderr


def test_user_code_may_stop_in_a_debugger_of_its_own(replayed: Replayed) -> None:
    replayed.code.write_text(JOB.replace("number = WORTH", 'number = word != "stop" or breakpoint() or 1'))
    with pytest.raises(JobFailedError):
        replayed.master("stop\n")

    ended = replayed("0", typed="p 'seen', line\nc\n")
    assert "('seen', 'stop')" in ended.stdout + ended.stderr
    assert ended.returncode == 0, ended.stderr


def test_the_debugger_stops_where_the_users_code_raised(replayed: Replayed) -> None:
    with pytest.raises(JobFailedError):
        replayed.master("boom\n")

    ended = replayed("0", "--pdb", typed="p 'seen', line, number\nq\n")
    assert ended.returncode == 1
    assert "('seen', 'boom', 1)" in ended.stdout + ended.stderr


def test_params_and_side_records_are_those_of_the_job(replayed: Replayed) -> None:
    replayed.master("a b\nboom\n", max_bad_records=1)

    content = replayed.json("0")
    assert content["committed"] == "same"
    assert [json.loads(entry)["line"] for entry in content["bad"]] == [2]
    assert content["counters"] == {"lines": 1}
    # and the debugger stops at a record that was set aside
    assert "ZeroDivisionError" in replayed("0", "--pdb", typed="q\n").stderr


def test_an_input_that_changed_cannot_be_replayed(replayed: Replayed) -> None:
    replayed.master("a b\n")
    replayed.input.write_text("a c\n")
    os.utime(replayed.input, ns=(1, 1))

    ended = replayed("0")
    assert ended.returncode == 1
    assert f"{replayed.input} has changed since the job began" in ended.stderr


def test_a_spec_that_is_not_signed_is_refused_before_its_code_is_loaded(
    replayed: Replayed, connection: Redis, folder: Path
) -> None:
    replayed.master("a b\n")
    key = JobKeys(replayed.job_id).job
    (folder / "evil.py").write_text("open('/dev/null'); raise SystemExit('loaded')")
    spec = json.loads(connection.hget(key, "spec") or b"") | {"code": str(folder / "evil.py")}
    connection.hset(key, "spec", json.dumps(spec))

    ended = replayed("0")
    assert ended.returncode == 2
    assert "not signed" in ended.stderr
    assert "loaded" not in ended.stderr


# -- jobs of several steps ------------------------------------------------------------------------------


def command(server: EmbeddedRedis, *args: str) -> Result:
    return CliRunner().invoke(main, ["replay", *args, "--redis", server.url])


@pytest.fixture
def steps(server: EmbeddedRedis, folder: Path, job_id: str) -> str:
    (folder / "in.txt").write_text("abba\ncab\n")
    settings: dict[str, Any] = {"redis": server.url, "workers": 1, "job_id": job_id, "partitions": 2}
    Master(str(folder / "in.txt"), LettersByCount, output=str(folder / "o.json"), **settings).run()
    return job_id


def test_a_chunk_of_a_later_step_reads_what_the_step_before_left(
    server: EmbeddedRedis, connection: Redis, steps: str
) -> None:
    result = command(server, steps, "1", "--json")
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert (content["phase"], content["committed"]) == (1, "same")
    assert content["partials"]
    # of the first one the partials are freed, but not what it is of
    first = json.loads(command(server, steps, "0", "--json").stdout)
    assert (first["phase"], first["committed"]) == (0, None)
    assert first["partials"]

    connection.delete(JobKeys(steps).results(0), JobKeys(steps).results(1))
    gone = command(server, steps, "1")
    assert gone.exit_code == 2
    assert "were freed when phase 2 was reduced" in gone.stderr


@pytest.mark.parametrize(("job", "chunk"), [("no-such-job", "0"), (None, "99"), (None, "-1")])
def test_what_is_not_there_is_a_usage_error(server: EmbeddedRedis, steps: str, job: str | None, chunk: str) -> None:
    result = (
        command(server, job or steps, "--", chunk) if chunk.startswith("-") else command(server, job or steps, chunk)
    )

    assert result.exit_code == 2
