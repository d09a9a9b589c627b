"""Junk that somebody writes into records in Redis: it is listed as unreadable, and nobody else's work ends by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from word_counter import Job, Mapper, Master, Sum
from word_counter.cli.main import main
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import WORKER_PREFIX, WORKERS, JobKeys
from word_counter.store.worker_registry import WorkerRegistry

_MARKUP = "level [/]", "[link=http://example.com]press[/link]", "[bold red]x", ":warning:"


class Counting(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        for name in _MARKUP:
            self.count(name)
        yield line, 1


class Markup(Job):
    mapper = Counting
    reducer = Sum


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "[red]in.txt"
    path.write_text("[/] a\n[bold]b\n")
    return path


@pytest.fixture
def run(fresh_server: EmbeddedRedis, text: Path) -> Callable[[str], str]:
    """Runs a job by a name over the server, with a worker of its own."""

    def job(job_id: str) -> str:
        output = str(text.with_suffix(".json"))
        Master(str(text), Markup, redis=fresh_server.url, workers=1, job_id=job_id, output=output).run()
        return job_id

    return job


@pytest.fixture
def connection(fresh_server: EmbeddedRedis) -> Redis:
    return connect(fresh_server.url)


def _command(server: EmbeddedRedis, *args: str) -> Result:
    result: Result = CliRunner().invoke(main, [*args, "--redis", server.url])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_markup_in_names_is_text(fresh_server: EmbeddedRedis, run: Callable[[str], str]) -> None:
    job_id = run("markup")

    for command in ("status", "inspect"):
        shown = _command(fresh_server, command, job_id).stdout
        assert command == "inspect" or all(name in shown for name in _MARKUP), shown
        assert "\x1b]8" not in shown  # no live link


def test_junk_fields_of_workers_are_listed_and_stop_no_master(
    fresh_server: EmbeddedRedis, connection: Redis, run: Callable[[str], str]
) -> None:
    facts: dict[str, str | int] = {"pid": 1, "processes": 2, "since": 3, "bytes": "4 5", "peak_bytes": 6}
    junk = ["many", "1e3", "9" * 400, "-", "\u0661"]
    for n, (field, text) in enumerate(zip(facts, junk, strict=True)):
        WorkerRegistry(connection).heartbeat(f"odd{n}", {**facts, field: text})

    listed = json.loads(_command(fresh_server, "workers", "--json").stdout)["workers"]
    assert [worker["unreadable"] for worker in listed] == list(facts)
    shown = _command(fresh_server, "workers").stdout
    assert all(f"unreadable: {field}" in shown for field in facts)
    assert "done" in _command(fresh_server, "status", run("plain")).stdout


def test_a_worker_that_is_no_hash_is_listed_and_stops_no_master(
    fresh_server: EmbeddedRedis, connection: Redis, run: Callable[[str], str]
) -> None:
    WorkerRegistry(connection).heartbeat("odd", {"pid": 1})
    connection.set(WORKER_PREFIX + "odd", "text")
    assert connection.zscore(WORKERS, "odd")

    run("plain")

    assert "unreadable: all" in _command(fresh_server, "workers").stdout


@pytest.mark.parametrize(
    ("field", "junk"),
    [
        ("cursor", "[1, 2"),
        ("state", "sleeping"),
        ("partitions", "eight"),
        ("spec", "[" * 100_000),
        ("first_chunks", "null"),
    ],
)
def test_a_junk_field_of_a_job_is_listed_and_hides_no_other_job(
    fresh_server: EmbeddedRedis, connection: Redis, run: Callable[[str], str], field: str, junk: str
) -> None:
    good, bad = run("good"), run("bad")
    connection.hset(JobKeys(bad).job, field, junk)

    listed = json.loads(_command(fresh_server, "jobs", "--json").stdout)

    assert [job["job"] for job in listed["jobs"]] == [good]
    assert [job["job"] for job in listed["unreadable"]] == [bad]
    assert [line.split()[:2] for line in _command(fresh_server, "jobs").stdout.splitlines()[1:]] == [
        [bad, "unreadable"],
        [good, "done"],
    ]
    for command in ("status", "inspect", "cancel", "purge"):
        refused = _command(fresh_server, command, bad)
        assert refused.exit_code == 1, refused.output
        assert f"what Redis holds of job {bad} is not what word_counter wrote there" in refused.stderr
    assert _command(fresh_server, "purge", bad, "--force").exit_code == 0
    assert not [key for key in connection.keys("wc:*") if b"bad" in key]
    assert json.loads(_command(fresh_server, "jobs", "--json").stdout)["unreadable"] == []


def test_a_job_that_is_no_hash_is_listed_and_can_be_purged(
    fresh_server: EmbeddedRedis, connection: Redis, run: Callable[[str], str]
) -> None:
    good, bad = run("good"), run("bad")
    connection.set(JobKeys(bad).job, "text")

    listed = json.loads(_command(fresh_server, "jobs", "--json").stdout)

    assert [job["job"] for job in listed["jobs"]] == [good]
    assert [job["job"] for job in listed["unreadable"]] == [bad]
    assert _command(fresh_server, "status", bad).exit_code == 2
    assert _command(fresh_server, "purge", bad, "--force").exit_code == 0
    assert not [key for key in connection.keys("wc:*") if b"bad" in key]


def test_a_user_who_may_not_read_a_job_is_told_so_and_no_job_is_called_unreadable(
    fresh_server: EmbeddedRedis, connection: Redis, run: Callable[[str], str]
) -> None:
    run("plain")
    connection.execute_command("ACL", "SETUSER", "reader", "on", ">pw", "+@all", "~wc:jobs*", "~rq:*", "~wc:workers*")

    url = fresh_server.url.replace("unix://", "unix://reader:pw@")
    listed = CliRunner().invoke(main, ["jobs", "--json", "--redis", url])

    assert listed.exit_code == 3
    assert "does not allow it" in listed.stderr
