"""The commands that look into a Redis, over jobs that really ran on a real server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.jobs import Collecting, Failing
from tests.processes import ROOT, environment, eventually, started
from word_counter import JobFailedError, Master
from word_counter.cli.main import main
from word_counter.inspection.job_catalog import JobCatalog
from word_counter.inspection.job_history import JobHistory
from word_counter.jobs import shipped
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.native import kernel
from word_counter.queue.batch_queue import discard
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import JobKeys
from word_counter.store.worker_registry import WorkerRegistry

TEXT = "the cat\nthe dog\n\nthe \x1b[2Jfox\nlast the\n"


def command(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@dataclass(frozen=True)
class Cli:
    """The commands, over one Redis."""

    url: str

    def __call__(self, *args: str) -> Result:
        return command(*args, "--redis", self.url)

    def json(self, *args: str) -> Any:
        result = self(*args, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def cli(server: EmbeddedRedis) -> Cli:
    return Cli(server.url)


@pytest.fixture(scope="module")
def done(server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A word count over five lines in chunks of two that is done, and its input."""
    folder = tmp_path_factory.mktemp("done")
    source = folder / "in.txt"
    source.write_bytes(TEXT.encode())
    settings: dict[str, Any] = {
        "redis": server.url,
        "workers": 1,
        "chunk_size": 2,
        "partitions": 2,
        "output": str(folder / "o.json"),
    }
    outcome = Master(str(source), **settings).run()
    return outcome.job_id, source


@pytest.fixture(scope="module")
def failed(server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A job that failed in its second chunk, in two attempts."""
    folder = tmp_path_factory.mktemp("failed")
    job_id = f"it-failed-{token_hex(4)}"  # tests that are taken over by another process make it again
    (folder / "in.txt").write_text("fine\nboom\n")
    settings: dict[str, Any] = {
        "redis": server.url,
        "workers": 1,
        "chunk_size": 1,
        "max_attempts": 2,
        "job_id": job_id,
    }
    with pytest.raises(JobFailedError):
        Master(str(folder / "in.txt"), Failing, output=str(folder / "o.json"), **settings).run()
    return job_id


@pytest.fixture
def running(server: EmbeddedRedis, folder: Path, job_id: str) -> Iterator[str]:
    """A job whose master waits for workers that never come: its chunks are in the queue."""
    (folder / "in.txt").write_bytes(b"a line\n" * 10)
    with started("master", "in.txt", "--chunk-size", "2", "--redis", server.url, "--job-id", job_id, folder=folder):
        connection = connect(server.url)
        eventually(lambda: len(queued(connection, job_id)) == 5)
        yield job_id
        discard(connection, job_id)
        connection.close()


def queued(connection: Redis, job_id: str) -> list[bytes]:
    """Return the batches of a job that wait in any queue."""
    waiting = [id_ for key in connection.smembers("rq:queues") for id_ in connection.lrange(key, 0, -1)]
    return [id_ for id_ in waiting if id_.startswith(job_id.encode())]


def keys_of(connection: Redis, job_id: str) -> list[bytes]:
    return sorted(connection.scan_iter(f"*{job_id}*", count=1000))


# -- jobs and status ----------------------------------------------------------------------------------------


def test_jobs_lists_what_redis_knows_the_newest_first(cli: Cli, done: tuple[str, Path], failed: str) -> None:
    listed = [(job["job"], job["state"]) for job in cli.json("jobs")["jobs"]]
    assert listed.index((failed, "failed")) < listed.index((done[0], "done"))
    rows = [line.split() for line in cli("jobs").stdout.splitlines()]
    assert rows[0] == ["JOB", "STATE", "MAPPED", "REDUCED", "RETRIES", "TIME", "STARTED", "NAME"]
    assert [done[0], "done", "3/3", "2/2", "0"] in [row[:5] for row in rows]


def test_jobs_shows_which_have_no_master(connection: Redis, cli: Cli, running: str) -> None:
    key = JobKeys(running).job
    mastered = [line.split() for line in cli("jobs").stdout.splitlines() if line.startswith(running)]
    held_until = connection.hget(key, "held_until")

    connection.hset(key, "held_until", 0)
    (abandoned,) = [line.split() for line in cli("jobs").stdout.splitlines() if line.startswith(running)]
    connection.hset(key, "held_until", held_until)

    assert mastered[0][:2] == [running, "mapping"]
    assert "none" not in mastered[0]
    assert abandoned[:3] == [running, "mapping", "none"]


def test_jobs_says_so_when_there_are_none(fresh_server: EmbeddedRedis) -> None:
    result = command("jobs", "--redis", fresh_server.url)
    assert (result.exit_code, result.stdout) == (0, "no jobs\n")
    assert json.loads(command("jobs", "--json", "--redis", fresh_server.url).stdout) == {"jobs": [], "unreadable": []}


def test_a_job_whose_keys_expired_is_not_listed(fresh_server: EmbeddedRedis) -> None:
    connect(fresh_server.url).zadd("wc:jobs", {"long-gone": 1})
    assert command("jobs", "--redis", fresh_server.url).stdout == "no jobs\n"


def test_status_tells_what_a_job_came_to(cli: Cli, done: tuple[str, Path]) -> None:
    job_id, source = done
    status = cli.json("status", job_id)
    assert {
        "job": job_id,
        "name": "WordCount",
        "code": "word_counter.jobs.word_count:WordCount",
        "state": "done",
        "reason": "",
        "files": 1,
        "bytes": source.stat().st_size,
        "bytes_mapped": source.stat().st_size,
        "lines": 5,
        "chunk_size": 2,
        "chunks": 3,
        "chunks_mapped": 3,
        "split_done": True,
        "partitions": 2,
        "partitions_reduced": 2,
        "attempts_running": 0,
        "attempts_failed": 0,
        "tasks_waiting": 0,
        "retries": 0,
        "counters": {},
    }.items() <= status.items()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", status["created"])
    assert 0 < status["expires_seconds"] <= 86_400
    shown = cli("status", job_id).stdout
    assert re.search(r"^mapped +3/3 chunks, \d+ B \(100%\), 5 lines$", shown, re.MULTILINE)


def test_status_tells_what_memory_master_workers_and_redis_hold(
    cli: Cli, connection: Redis, running: str, folder: Path, server: EmbeddedRedis
) -> None:
    with started("worker", "--processes", "2", "--redis", server.url, folder=folder, env={"WORD_COUNTER_SECRET": "x"}):
        [worker] = eventually(lambda: [w for w in JobCatalog(connection).workers() if len(w.bytes) == 3])
        status = eventually(lambda: (found := cli.json("status", running))["master_bytes"] and found)
        shown = cli("status", running).stdout
        listed = cli("workers").stdout.splitlines()
    assert all(10_000_000 < n < 1_000_000_000 for n in (status["master_bytes"], *worker.bytes))
    assert status["master_peak_bytes"] >= status["master_bytes"]
    [told] = status["workers"]
    assert told["worker"] == worker.name
    assert len(told["bytes"]) == 3
    assert told["peak_bytes"] >= max(told["bytes"])
    assert 0 < status["redis"]["used_bytes"] <= status["redis"]["peak_bytes"]
    assert re.search(r"^ +master \d+\.\d MB, \d+\.\d MB at most$", shown, re.MULTILINE)
    assert re.search(
        rf"^ +worker {worker.name} \d+\.\d MB, 2 processes: \d+\.\d MB, \d+\.\d MB; each \d+", shown, re.MULTILINE
    )
    assert re.search(r"^memory +Redis \d+\.\d [kM]B, \d+\.\d [kM]B at most$", shown, re.MULTILINE)
    assert {"MEMORY", "PEAK"} <= {*listed[0].split()}


def test_status_of_a_failed_job_gives_the_reason_with_the_users_traceback(cli: Cli, failed: str) -> None:
    shown = cli("status", failed).stdout
    assert "ValueError: cannot digest boom" in shown
    assert re.search(r"^failed +2 attempts$", shown, re.MULTILINE)
    assert re.search(r"^retries +1$", shown, re.MULTILINE)


def test_watching_a_job_that_has_ended_ends_at_once(cli: Cli, done: tuple[str, Path], failed: str) -> None:
    assert cli("status", "--watch", done[0]).exit_code == 0
    assert cli("status", "--watch", failed).exit_code == 1


def test_watching_follows_a_job_until_it_ends(cli: Cli, server: EmbeddedRedis, running: str, folder: Path) -> None:
    with started("status", running, "--watch", "--json", "--redis", server.url, folder=folder) as watching:
        eventually(lambda: any('"mapping"' in path.read_text() for path in folder.glob("out-*.txt")))
        assert cli("cancel", running).exit_code == 0
        ended = watching.wait()
    assert ended.code == 1
    states = [json.loads(line)["state"] for line in ended.out.splitlines()]
    assert states[0] == "mapping"
    assert states[-1] == "cancelled"


# -- inspect ------------------------------------------------------------------------------------------------


def test_inspect_lists_chunks_and_partitions_with_who_did_them(cli: Cli, done: tuple[str, Path]) -> None:
    job_id, source = done
    content = cli.json("inspect", job_id)
    assert [(c["chunk"], c["first_line"], c["lines"], c["state"]) for c in content["chunks"]] == [
        (0, 1, 2, "committed"),
        (1, 3, 2, "committed"),
        (2, 5, 1, "committed"),
    ]
    ends = [chunk["offset"] + chunk["length"] for chunk in content["chunks"]]
    assert [chunk["offset"] for chunk in content["chunks"]] == [0, *ends[:-1]]
    assert ends[-1] == source.stat().st_size
    assert {chunk["source"] for chunk in content["chunks"]} == {str(source)}
    assert [partition["partition"] for partition in content["partitions"]] == [0, 1]
    for task in (*content["chunks"], *content["partitions"]):
        [attempt] = task["attempts"]
        assert (attempt["attempt"], attempt["state"]) == (1, "committed")
        assert attempt["worker"]
        assert attempt["started"] <= attempt["ended"]
        assert attempt["seconds"] >= 0


def test_inspect_shows_failed_attempts_and_why(cli: Cli, failed: str) -> None:
    [bad] = [chunk for chunk in cli.json("inspect", failed)["chunks"] if chunk["chunk"] == 1]
    assert [(a["attempt"], a["state"], a["kind"]) for a in bad["attempts"]] == [
        (1, "failed", "raised"),
        (2, "failed", "raised"),
    ]
    assert all("ValueError: cannot digest boom" in attempt["message"] for attempt in bad["attempts"])
    rows = [line for line in cli("inspect", failed).stdout.splitlines() if re.match(r" +1  failed ", line)]
    assert len(rows) == 2
    assert all(row.endswith("(ValueError: cannot digest boom)") for row in rows)


def test_inspect_shows_the_hottest_keys_and_the_skew(
    cli: Cli, server: EmbeddedRedis, folder: Path, job_id: str
) -> None:
    pairs = [["hot", n] for n in range(30)] + [["cold", 1], [["t", 1], 2], [["t", 1], 3]]
    (folder / "in.txt").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    Master(
        str(folder / "in.txt"),
        Collecting,
        redis=server.url,
        workers=1,
        partitions=4,
        chunk_size=5,
        job_id=job_id,
        output=str(folder / "o"),
    ).run()

    shown = cli("inspect", job_id).stdout

    assert re.search(r"^skew \d\.\d\d: the heaviest partition has 3\d of 33 values$", shown, re.MULTILINE)
    assert re.search(r'HOTTEST KEY +VALUES\n"hot" +30\n"\[\\"t\\",1\]" +2\n"cold" +1\n', shown)
    partitions = cli.json("inspect", job_id)["partitions"]
    attempts = [attempt for partition in partitions for attempt in partition["attempts"]]
    assert sum(attempt["amounts"]["reduced_keys"] for attempt in attempts) == 3
    assert ["hot", 30] in [key for attempt in attempts for key in attempt["heaviest_keys"]]


def test_inspect_shows_so_many_chunks_and_says_how_many_more(cli: Cli, done: tuple[str, Path]) -> None:
    shown = cli("inspect", done[0], "--limit", "2").stdout
    assert "... and 1 more" in shown
    assert "... and" not in cli("inspect", done[0], "--limit", "0").stdout


def test_inspect_chunk_decodes_its_partials(cli: Cli, done: tuple[str, Path]) -> None:
    content = cli.json("inspect", done[0], "--chunk", "0")
    assert content["chunk"]["chunk"] == 0
    pairs = {key: value for share in content["partials"] for key, value in share["pairs"]}
    assert pairs == {"the": 2, "cat": 1, "dog": 1}
    assert {share["partition"] for share in content["partials"]} <= {0, 1}
    shown = cli("inspect", done[0], "--chunk", "0").stdout
    assert re.search(r'^"the" +2$', shown, re.MULTILINE)


@pytest.mark.parametrize("chunk", ["3", "-1"])
def test_a_chunk_that_is_not_there_is_an_error_that_says_which_are(
    cli: Cli, done: tuple[str, Path], chunk: str
) -> None:
    result = cli("inspect", done[0], "--chunk", chunk)
    assert result.exit_code == 2
    assert result.stderr == f"Error: job {done[0]} has no chunk {chunk}; it has chunks 0 to 2\n"


def test_queued_chunks_are_shown_as_such(cli: Cli, running: str) -> None:
    assert {chunk["state"] for chunk in cli.json("inspect", running)["chunks"]} == {"queued"}
    assert "queued" in cli("inspect", running).stdout


def test_a_running_attempt_is_shown_with_its_worker(connection: Redis, running: str) -> None:
    connection.hset(
        JobKeys(running).running, "map:0#2", json.dumps({"batch": "m0-abc", "worker": "w-1", "started": 1000})
    )
    job = JobCatalog(connection).job(running)
    task = JobHistory(connection, job).chunk(0)
    assert task.state == "running"
    assert [(a.attempt, a.worker, a.started) for a in task.attempts] == [(2, "w-1", 1000)]


def test_every_field_of_the_json_is_in_the_document_and_no_other(
    cli: Cli, connection: Redis, done: tuple[str, Path], failed: str
) -> None:
    page = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    of_a_job, _, of_tasks = page.partition("## A job")[2].partition("## Its tasks")
    rows = {*re.findall("`(.*?)`", " ".join(re.findall(r"^\| ([^|]*) \|", of_a_job, re.MULTILINE)))}
    assert set(cli.json("status", done[0])) == rows
    assert set(cli.json("jobs")["jobs"][0]) == rows - {"workers", "redis"}
    for job in (done[0], failed):
        for task in (*cli.json("inspect", job)["chunks"], *cli.json("inspect", job)["partitions"]):
            for name in (*task, *(name for attempt in task["attempts"] for name in attempt)):
                assert f"`{name}`" in of_tasks, name
    WorkerRegistry(connection).heartbeat("w-2", {"host": "h", "pid": 7})
    [worker] = cli.json("workers")["workers"]
    WorkerRegistry(connection).leave("w-2")
    for names in (worker, cli.json("doctor")["checks"][0]):
        assert ", ".join(f'"{name}"' for name in names) in page


# -- workers ------------------------------------------------------------------------------------------------


def test_workers_lists_those_that_are_alive(cli: Cli, connection: Redis) -> None:
    facts: dict[str, str | int] = {
        "host": "h",
        "pid": 7,
        "processes": 3,
        "running": "j/m0-a j/m1-b",
        "bytes": "3 4",
        "peak_bytes": 9,
    }
    WorkerRegistry(connection).heartbeat("w\x1b-1", facts)
    try:
        [worker] = cli.json("workers")["workers"]
        shown = cli("workers").stdout
    finally:
        WorkerRegistry(connection).leave("w\x1b-1")
    assert (worker["worker"], worker["host"], worker["pid"], worker["processes"]) == ("w\x1b-1", "h", 7, 3)
    assert worker["running"] == ["j/m0-a", "j/m1-b"]
    assert worker["silent_seconds"] < 10
    assert r"w\x1b-1" in shown
    assert "\x1b" not in shown
    assert cli("workers").stdout.startswith("no worker is alive")


# -- cancel and purge ---------------------------------------------------------------------------------------


def test_cancel_ends_a_job_and_its_master(server: EmbeddedRedis, cli: Cli, folder: Path, job_id: str) -> None:
    (folder / "in.txt").write_bytes(b"a line\n")
    args = ("master", "in.txt", "--redis", server.url, "--job-id", job_id)
    with started(*args, folder=folder) as master:
        eventually(lambda: job_id in cli("jobs").stdout)
        assert cli("cancel", job_id).stdout == f"job {job_id} is cancelled\n"
        ended = master.wait()
    assert ended.code == 1
    assert f"Error: job {job_id} was cancelled" in ended.err
    assert cli.json("status", job_id)["state"] == "cancelled"


def test_a_cancelled_job_is_kept_as_long_as_its_spec_says(
    cli: Cli, connection: Redis, server: EmbeddedRedis, folder: Path, job_id: str
) -> None:
    (folder / "in.txt").write_bytes(b"a line\n")
    args = ("master", "in.txt", "--redis", server.url, "--job-id", job_id)
    with started(*args, folder=folder, env={"WORD_COUNTER_RETENTION_SECONDS": "500"}) as master:
        eventually(lambda: connection.exists(JobKeys(job_id).chunks))
        assert cli("cancel", job_id).exit_code == 0
        master.wait()
    assert 0 < connection.ttl(JobKeys(job_id).job) <= 500
    assert 0 < connection.ttl(JobKeys(job_id).chunks) <= 500


def test_an_ended_job_cannot_be_cancelled(cli: Cli, done: tuple[str, Path]) -> None:
    result = cli("cancel", done[0])
    assert result.exit_code == 2
    assert result.stderr == f"Error: job {done[0]} has ended already: it is done\n"


def test_a_running_job_is_purged_by_force_only(cli: Cli, connection: Redis, running: str) -> None:
    refused = cli("purge", running)
    assert refused.exit_code == 2
    assert "it is mapping" in refused.stderr
    purged = cli.json("purge", running, "--force")
    assert purged["batches_deleted"] == 5
    eventually(lambda: keys_of(connection, running) == [])
    assert queued(connection, running) == []
    assert cli("status", running).exit_code == 2


def test_purge_deletes_every_key_of_the_job_and_no_other(
    cli: Cli, server: EmbeddedRedis, connection: Redis, folder: Path, job_id: str
) -> None:
    (folder / "in.txt").write_bytes(TEXT.encode())
    for name in (job_id, f"{job_id}-m1-abc"):  # the second's name could be mistaken for a batch of the first
        Master(
            str(folder / "in.txt"), redis=server.url, workers=1, chunk_size=2, job_id=name, output=str(folder / "o")
        ).run()
    keys = JobKeys(job_id)
    connection.hset(keys.attempts, "reduce:1", 2)
    connection.hset(keys.staged(1, 2), "0", "{}")
    others = len([key for key in keys_of(connection, job_id) if f"{job_id}-m1-abc".encode() in key])
    assert cli("purge", job_id).exit_code == 0
    left = keys_of(connection, job_id)
    assert len(left) == others
    assert all(f"{job_id}-m1-abc".encode() in key for key in left)
    assert (folder / "o").exists()


# -- the jobs that ship -------------------------------------------------------------------------------------


def test_jobs_shipped_lists_each_with_what_it_gives_and_needs_no_redis() -> None:
    shown = command("jobs", "--shipped").stdout.splitlines()
    listed = json.loads(command("jobs", "--shipped", "--json").stdout)["shipped"]

    assert [line.split()[0] for line in shown] == ["JOB", *(job["job"] for job in listed)]
    assert [job["job"] for job in listed] == shipped()
    assert all(job["about"] in line for job, line in zip(listed, shown[1:], strict=True))


def test_jobs_shipped_names_the_params_of_each() -> None:
    listed = {job["job"]: job for job in json.loads(command("jobs", "--shipped", "--json").stdout)["shipped"]}

    assert listed["grep"]["params"][0] == {
        "param": "pattern",
        "type": "str",
        "default": None,
        "required": True,
        "help": "a regular expression of Python's",
        "choices": [],
        "least": None,
    }
    assert [param["param"] for param in listed["top_words"]["params"]] == ["n"]
    assert "pattern, ignore_case" in command("jobs", "--shipped").stdout


# -- doctor -------------------------------------------------------------------------------------------------


def test_doctor_finds_a_usable_redis(cli: Cli) -> None:
    checks = {check["check"]: check for check in cli.json("doctor", "--job", "tests.jobs:Summing")["checks"]}
    checks.pop("temporary")
    assert checks.pop("kernel")["found"].split(" ")[0] in {"native", "python"}
    assert {name: check["verdict"] for name, check in checks.items()} == {
        "redis": "ok",
        "scripts": "ok",
        "round trip": "ok",
        "clock": "ok",
        "persistence": "warn",
        "eviction": "ok",
        "memory": "ok",
        "workers": "ok",
        "job": "ok",
    }
    assert "appendonly" in checks["persistence"]["advice"]


def test_doctor_fails_a_redis_that_drops_keys(fresh_server: EmbeddedRedis) -> None:
    connection = connect(fresh_server.url)
    connection.config_set("maxmemory-policy", "allkeys-lru")
    connection.config_set("maxmemory", connection.info("memory")["used_memory"] + 200_000)
    result = command("doctor", "--redis", fresh_server.url, "--json")
    content = json.loads(result.stdout)
    verdicts = {check["check"]: check["verdict"] for check in content["checks"]}
    assert result.exit_code == 1
    assert content["ok"] is False
    assert verdicts["eviction"] == "fail"
    assert verdicts["memory"] in {"warn", "fail"}
    shown = command("doctor", "--redis", fresh_server.url).stdout
    assert "-> set maxmemory-policy to noeviction" in shown


def test_doctor_fails_a_setting_that_a_run_would_refuse(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD_COUNTER_CHUNK_SIZE", "many")

    result = cli("doctor")

    assert result.exit_code == 1
    assert "WORD_COUNTER_CHUNK_SIZE must be a whole number" in result.stdout


def test_doctor_fails_a_job_that_cannot_be_imported(cli: Cli) -> None:
    result = cli("doctor", "--job", "no_such_module:Job")
    assert result.exit_code == 1
    assert "No module named 'no_such_module'" in result.stdout


def test_doctor_names_the_parts_of_a_job_with_steps(cli: Cli) -> None:
    checks = {
        check["check"]: check for check in cli.json("doctor", "--job", "tests.step_jobs:LettersByCount")["checks"]
    }

    assert checks["job"]["found"] == "LettersByCount: Letters and Sum, then ByCount and Sorted"


def test_doctor_without_a_redis_checks_that_a_private_server_starts() -> None:
    result = command("doctor", "--json")
    assert result.exit_code == 0
    assert [check["check"] for check in json.loads(result.stdout)["checks"]] == [
        "private server",
        "temporary",
        "kernel",
    ]


@pytest.mark.parametrize(
    ("choice", "verdict", "found"),
    [("python", "ok", "python (WORD_COUNTER_KERNEL says so)"), ("pyhton", "fail", "must be one of")],
)
def test_doctor_tells_how_words_are_counted(
    monkeypatch: pytest.MonkeyPatch, choice: str, verdict: str, found: str
) -> None:
    monkeypatch.setenv("WORD_COUNTER_KERNEL", choice)
    kernel._kernel.cache_clear()
    try:
        check = json.loads(command("doctor", "--json").stdout)["checks"][-1]
    finally:
        kernel._kernel.cache_clear()
    assert check["verdict"] == verdict
    assert found in check["found"]


def test_doctor_says_what_to_do_when_redis_is_not_there(folder: Path) -> None:
    result = command("doctor", "--redis", f"unix://{folder}/none.sock")
    assert result.exit_code == 3
    assert "cannot reach Redis" in result.stdout
    assert "-> start it" in result.stdout


# -- errors -------------------------------------------------------------------------------------------------

_LOOKING = [("jobs",), ("status", "x"), ("inspect", "x"), ("workers",), ("cancel", "x"), ("purge", "x")]


@pytest.mark.parametrize("args", _LOOKING, ids=lambda args: args[0])
def test_without_a_redis_the_error_says_how_to_name_one(args: tuple[str, ...]) -> None:
    result = command(*args)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: no Redis is named: give --redis URL or set REDIS_URL")
    assert result.stdout == ""


@pytest.mark.parametrize("args", _LOOKING, ids=lambda args: args[0])
def test_a_redis_that_is_not_there_is_one_line_and_exit_code_3(args: tuple[str, ...], folder: Path) -> None:
    result = command(*args, "--redis", f"unix://{folder}/none.sock")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: cannot reach Redis")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["status", "inspect", "cancel", "purge"])
def test_a_job_that_is_not_there_is_one_line_and_exit_code_2(cli: Cli, name: str) -> None:
    result = cli(name, "no-\x1b[2Jsuch")
    assert result.exit_code == 2
    assert result.stderr.startswith(r"Error: there is no job no-\x1b[2Jsuch in this Redis")
    assert len(result.stderr.splitlines()) == 1


def test_output_that_nobody_reads_ends_without_a_traceback(server: EmbeddedRedis, done: tuple[str, Path]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "word_counter", "inspect", done[0], "--redis", server.url],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in {0, 1}
    assert err == b""


def test_an_interrupt_is_one_line_and_exit_code_130(server: EmbeddedRedis, running: str, folder: Path) -> None:
    with started("status", running, "--watch", "--redis", server.url, folder=folder) as watching:
        eventually(lambda: "map" in watching.err)
        watching.send(signal.SIGINT)
        ended = watching.wait()
    assert ended.code == 130
    assert ended.err.splitlines()[-1] == "interrupted"


# -- a person's terminal ------------------------------------------------------------------------------------


def test_results_on_standard_output_are_utf8_whatever_the_locale(folder: Path) -> None:
    (folder / "in.txt").write_text("naïve naïve 日本\n", encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "word_counter", "run", "in.txt", "--output", "-", "--engine", "inline"],
        cwd=folder,
        env=environment(PYTHONIOENCODING="latin-1", LC_ALL="C"),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(process.stdout.decode("utf-8")) == {"naïve": 2, "日本": 1}
    assert process.stderr.startswith(b"job ")
