"""Masters that die, sleep or are interrupted, and the masters that take over."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.guard import Guard
from tests.chaos.server import Server
from tests.oracle import count_words, results_bytes
from tests.processes import Running, eventually, started, word_counter
from word_counter.job.model import Stage
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys


@pytest.fixture
def env(fresh_server: EmbeddedRedis, folder: Path) -> dict[str, str]:
    return _env(fresh_server.url, folder)


def _env(url: str, folder: Path) -> dict[str, str]:
    return {"WORD_COUNTER_REDIS": url, "WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_LEASE_SECONDS": "2"}


def _args(text: Path, job: Path, job_id: str) -> list[str]:
    return [str(text), "--job", str(job), "--chunk-size", "5", "--job-id", job_id, "--output", "results.json"]


def _committed(redis: Redis, job_id: str) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = redis.hgetall(JobKeys(job_id).receipts(Stage.MAP))
    return found


def _hurry(folder: Path) -> None:
    """Let the rest of the slow job be done at once."""
    (folder / "hurry").touch()


def _exact(folder: Path, text: Path) -> bool:
    return (folder / "results.json").read_bytes() == results_bytes(count_words(text.read_bytes()))


def test_a_job_whose_master_was_killed_goes_on_without_repeating_what_is_committed(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(started("worker", folder=folder, env=env))
        master = stack.enter_context(started("master", *_args(text, slow_job, job_id), folder=folder, env=env))
        eventually(lambda: len(_committed(redis, job_id)) > 5)
        master.send(signal.SIGKILL)
        before = _committed(redis, job_id)
        _hurry(folder)

        ended = word_counter("resume", job_id, folder=folder, env=env)

    assert ended.code == 0, ended.err
    assert _exact(folder, text)
    after = _committed(redis, job_id)
    assert {task: after[task] for task in before} == before


def test_a_resumed_job_tells_its_whole_time(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    args = ["run", *_args(text, slow_job, job_id), "--workers", "2"]
    with started(*args, folder=folder, env=env) as run:
        eventually(lambda: len(_committed(redis, job_id)) > 2)
        run.send(signal.SIGINT)
        run.wait()
    long_ago = int(redis.hget(JobKeys(job_id).job, "created")) - 3_600_000
    redis.hset(JobKeys(job_id).job, "created", long_ago)  # as if an hour had gone by
    _hurry(folder)

    ended = word_counter("resume", job_id, "--workers", "2", folder=folder, env=env)

    assert ended.code == 0, ended.err
    assert re.search(r"^time +1:00:\d\d\b", ended.err, re.MULTILINE), ended.err


def test_a_job_that_was_interrupted_is_resumed_by_the_same_command(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    args = ["run", *_args(text, slow_job, job_id), "--workers", "2"]
    with started(*args, folder=folder, env=env) as run:
        eventually(lambda: len(_committed(redis, job_id)) > 5)
        run.send(signal.SIGINT)
        interrupted = run.wait()
    before = _committed(redis, job_id)
    _hurry(folder)

    ended = word_counter(*args, "--resume", folder=folder, env=env)

    assert interrupted.code == 130
    assert f"word-counter resume {job_id}" in interrupted.err
    assert ended.code == 0, ended.err
    assert _exact(folder, text)
    after = _committed(redis, job_id)
    assert {task: after[task] for task in before} == before


def test_a_standby_takes_over_when_the_master_is_killed(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    args = ["master", *_args(text, slow_job, job_id)]
    with ExitStack() as stack:
        stack.enter_context(started("worker", folder=folder, env=env))
        master = stack.enter_context(started(*args, folder=folder, env=env))
        eventually(lambda: len(_committed(redis, job_id)) > 2)
        standby = stack.enter_context(started(*args, "--standby", folder=folder, env=env))
        eventually(lambda: "standing by" in standby.err)

        master.send(signal.SIGKILL)
        killed = time.monotonic()
        eventually(lambda: redis.hget(JobKeys(job_id).job, "epoch") == b"2", 15.0)
        seconds = time.monotonic() - killed
        _hurry(folder)
        ended = standby.wait()

    assert ended.code == 0, ended.err
    assert _exact(folder, text)
    assert seconds < 15


def test_a_standby_that_was_not_needed_ends_with_0(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    args = ["master", *_args(text, slow_job, job_id)]
    with ExitStack() as stack:
        stack.enter_context(started("worker", "--processes", "2", folder=folder, env=env))
        master = stack.enter_context(started(*args, folder=folder, env=env))
        eventually(lambda: len(_committed(redis, job_id)) > 2)
        standby = stack.enter_context(started(*args, "--standby", folder=folder, env=env))
        eventually(lambda: "standing by" in standby.err)
        _hurry(folder)

        first, second = master.wait(), standby.wait()

    assert (first.code, second.code) == (0, 0), second.err
    assert "was completed by the master" in second.err


def test_a_master_that_was_only_asleep_changes_nothing_when_it_wakes(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    args = ["master", *_args(text, slow_job, job_id)]
    with ExitStack() as stack:
        stack.enter_context(started("worker", folder=folder, env=env))
        sleeper = stack.enter_context(started(*args, folder=folder, env=env))
        eventually(lambda: len(_committed(redis, job_id)) > 2)
        standby = stack.enter_context(started(*args, "--standby", folder=folder, env=env))
        sleeper.send(signal.SIGSTOP)
        eventually(lambda: redis.hget(JobKeys(job_id).job, "epoch") == b"2")
        _hurry(folder)

        sleeper.send(signal.SIGCONT)
        woken, ended = sleeper.wait(), standby.wait()

    assert woken.code == 1
    assert "another master has taken over" in woken.err
    assert ended.code == 0, ended.err
    assert _exact(folder, text)


def test_resume_refuses_when_an_input_has_changed(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    _interrupt(folder, slow_job, text, redis, env, job_id)
    with text.open("a") as file:
        file.write("one more line\n")

    ended = word_counter("resume", job_id, folder=folder, env=env)

    assert ended.code == 1, ended.err
    assert str(text) in ended.err
    assert "changed" in ended.err
    assert not (folder / "results.json").exists()


def _interrupt(folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str) -> None:
    with started("run", *_args(text, slow_job, job_id), "--workers", "1", folder=folder, env=env) as run:
        eventually(lambda: len(_committed(redis, job_id)) > 2)
        run.send(signal.SIGINT)
        assert run.wait().code == 130


def test_resume_refuses_to_mix_two_versions_of_the_code(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    _interrupt(folder, slow_job, text, redis, env, job_id)
    slow_job.write_text(slow_job.read_text().replace("yield word, 1", "yield word, 2"))

    ended = word_counter("resume", job_id, "--workers", "1", folder=folder, env=env)

    assert ended.code == 1, ended.err
    assert f"the code of {slow_job}" in ended.err
    assert not (folder / "results.json").exists()


def test_resume_writes_nowhere_else_when_only_redis_says_where(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    _interrupt(folder, slow_job, text, redis, env, job_id)
    keys, target = JobKeys(job_id), folder.parent / f"{job_id}.json"
    spec = json.loads(redis.hget(keys.job, "spec"))
    redis.hset(keys.job, "spec", json.dumps({**spec, "output": str(target)}))

    ended = word_counter("resume", job_id, folder=folder, env=env)

    assert ended.code == 2, ended.err
    assert "not signed with the secret of this command" in ended.err
    assert not target.exists()


def test_resume_of_a_job_that_has_ended_or_never_was_is_a_usage_error(
    folder: Path, text: Path, env: dict[str, str], job_id: str
) -> None:
    args = ["--job-id", job_id, "--output", "results.json", "--workers", "1"]
    assert word_counter("run", str(text), *args, folder=folder, env=env).code == 0

    ended, unknown = (word_counter("resume", name, folder=folder, env=env) for name in (job_id, "nobody"))

    assert (ended.code, unknown.code) == (2, 2)
    assert "it is done" in ended.err
    assert "no job nobody" in unknown.err


def test_resuming_what_is_done_says_where_its_results_are_and_does_not_do_it_again(
    folder: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    args = ["run", str(text), "--job-id", job_id, "--output", "results.json", "--workers", "1", "--resume"]
    assert word_counter(*args, folder=folder, env=env).code == 0
    made_by = redis.hget(JobKeys(job_id).job, "made_by")

    again = word_counter(*args, folder=folder, env=env)
    same = redis.hget(JobKeys(job_id).job, "made_by") == made_by
    (folder / "results.json").unlink()
    without_results = word_counter(*args, folder=folder, env=env)

    assert (again.code, same) == (0, True), again.err
    assert f"job {job_id} is done already, and its results are in {folder / 'results.json'}" in again.err
    assert "Error" not in again.err
    assert without_results.code == 0, without_results.err
    assert _exact(folder, text)


def test_resuming_what_is_done_looks_for_every_file_of_the_results(
    folder: Path, redis: Redis, env: dict[str, str], job_id: str
) -> None:
    (folder / "two.txt").write_text("a\nb\n")
    args = ["run", "two.txt", "--job-id", job_id, "--output", "out", "--workers", "1", "--resume"]
    args += ["--output-format", "mr-out", "--partitions", "2"]

    def made_by() -> object:
        assert word_counter(*args, folder=folder, env=env).code == 0
        return redis.hget(JobKeys(job_id).job, "made_by")

    first = made_by()
    assert made_by() == first
    (folder / "out" / "mr-out-1").unlink()
    assert made_by() != first
    assert (folder / "out" / "mr-out-1").exists()


def test_resuming_what_is_done_but_for_its_quarantine_says_so_again(
    folder: Path, env: dict[str, str], job_id: str
) -> None:
    (folder / "job.py").write_text(
        "from word_counter import Job, Mapper, Sum\n"
        "class M(Mapper):\n    def map(self, line): yield line, 1 // len(line)\n"
        "class J(Job): mapper, reducer = M, Sum\n"
    )
    (folder / "two.txt").write_text("a\n\n")
    args = ["run", "two.txt", "--job", "job.py", "--job-id", job_id, "--output", "results.json", "--workers", "1"]
    args += ["--max-bad-records", "1", "--resume"]

    first, again = (word_counter(*args, folder=folder, env=env) for _ in range(2))

    assert (first.code, again.code) == (4, 4), again.err
    assert f"is done already, and its results are in {folder / 'results.json'}, but for what" in again.err
    assert str(folder / "quarantine.jsonl") in again.err
    assert "Error" not in again.err


@pytest.mark.parametrize("change", ["cancelled", "other input", "other settings"])
def test_resuming_what_came_to_no_such_results_makes_the_job_anew(
    folder: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str, change: str
) -> None:
    args = ["run", str(text), "--job-id", job_id, "--output", "results.json", "--workers", "1", "--resume"]
    assert word_counter(*args, folder=folder, env=env).code == 0
    made_by = redis.hget(JobKeys(job_id).job, "made_by")
    if change == "cancelled":
        redis.hset(JobKeys(job_id).job, "state", "cancelled")
    elif change == "other input":
        text.write_text("other words\n")
    else:
        args += ["--chunk-size", "7"]

    ended = word_counter(*args, folder=folder, env=env)

    assert ended.code == 0, ended.err
    assert _exact(folder, text)
    assert redis.hget(JobKeys(job_id).job, "made_by") != made_by


@pytest.fixture
def tcp_server(folder: Path) -> Iterator[Server]:
    with Guard() as guard, Server(folder, guard) as running:
        yield running


def _slow_run(stack: ExitStack, server: Server, folder: Path, slow_job: Path, text: Path, job_id: str) -> Running:
    env = _env(f"redis://127.0.0.1:{server.port}/0", folder)
    for _ in range(2):
        stack.enter_context(started("worker", folder=folder, env=env))
    return stack.enter_context(started("master", *_args(text, slow_job, job_id), folder=folder, env=env))


def test_a_redis_that_comes_back_empty_makes_the_job_start_again(
    folder: Path, slow_job: Path, text: Path, tcp_server: Server, job_id: str
) -> None:
    with ExitStack() as stack:
        master = _slow_run(stack, tcp_server, folder, slow_job, text, job_id)
        eventually(lambda: len(_committed(tcp_server.client, job_id)) > 5)
        tcp_server.kill()
        tcp_server.forget()
        tcp_server.start()
        _hurry(folder)
        ended = master.wait()

    assert ended.code == 0, ended.err
    assert "starts again from its spec" in ended.err
    assert _exact(folder, text)


def test_a_redis_that_stays_away_is_exit_code_3_and_the_job_is_kept(
    folder: Path, slow_job: Path, text: Path, tcp_server: Server, job_id: str
) -> None:
    os.environ["WORD_COUNTER_REDIS_PATIENCE"] = "2"
    try:
        with ExitStack() as stack:
            master = _slow_run(stack, tcp_server, folder, slow_job, text, job_id)
            eventually(lambda: len(_committed(tcp_server.client, job_id)) > 5)
            tcp_server.kill()
            ended = master.wait()
            tcp_server.start()
            eventually(tcp_server.answers)
            state = tcp_server.client.hget(JobKeys(job_id).job, "state")
    finally:
        del os.environ["WORD_COUNTER_REDIS_PATIENCE"]

    assert ended.code == 3
    assert "--redis-patience" in ended.err
    assert state == b"mapping"
