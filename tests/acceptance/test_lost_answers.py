"""Commands whose answers are lost, so that the Redis client sends them again: it makes no difference."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from tests.chaos.guard import Guard
from tests.chaos.proxy import Proxy
from tests.chaos.server import Server
from tests.oracle import count_words, results_bytes
from tests.processes import started, word_counter
from word_counter.store.keys import JobKeys

_JOB = """
from word_counter import Job, Mapper, Sum

class FailsAtFirst(Mapper):
    def map(self, line):
        if line == "once" and self.first_time():
            raise ValueError("not yet")
        for word in line.split():
            yield word, 1
        self.count("lines seen")

    def first_time(self):
        try:
            open(__file__ + ".tried", "x").close()
        except FileExistsError:
            return False
        return True

class Words(Job):
    mapper, reducer = FailsAtFirst, Sum
"""
_TEXT = b"some words in a line\n" * 100 + b"once\n" + b"and some more\n" * 100


@dataclass(frozen=True)
class Stage:
    """A server, a proxy before it, and a worker that reaches it through that."""

    server: Server
    proxy: Proxy
    folder: Path
    env: dict[str, str]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wct-"))).resolve()
        server = stack.enter_context(Server(folder, stack.enter_context(Guard())))
        proxy = stack.enter_context(Proxy(server.port))
        url = f"redis://127.0.0.1:{proxy.port}/0"
        env = {"WORD_COUNTER_REDIS": url, "WORD_COUNTER_SECRET": "s", "WORD_COUNTER_LEASE_SECONDS": "1"}
        stack.enter_context(started("worker", "--allow", str(folder), folder=folder, env=env))
        yield Stage(server, proxy, folder, env)


@pytest.mark.parametrize(
    "name", ["create", "take", "snapshot", "plan", "start", "fail", "retry", "commit", "advance", "end"]
)
def test_an_operation_whose_answer_is_lost_is_done_once(name: str, stage: Stage, job_id: str) -> None:
    folder, redis = stage.folder / name, stage.server.client
    folder.mkdir()
    script = resources.files("word_counter.store").joinpath("lua", f"{name}.lua").read_bytes()
    redis.script_load(script)
    (folder / f"{name}_job.py").write_text(_JOB)
    (folder / "input.txt").write_bytes(_TEXT)
    stage.proxy.lose_answer_to(hashlib.sha1(script, usedforsecurity=False).hexdigest().encode())
    args = ["--job", f"{name}_job.py", "--job-id", job_id, "--chunk-size", "20", "--output", "results.json"]

    ended = word_counter("master", *args, "input.txt", folder=folder, env=stage.env)

    assert ended.code == 0, ended.err
    assert stage.proxy.has_lost
    assert (folder / "results.json").read_bytes() == results_bytes(count_words(_TEXT))
    assert int(redis.hget(JobKeys(job_id).totals, "lines")) == 201
    assert int(redis.hget(JobKeys(job_id).counters, "lines seen")) == 201
    assert int(redis.hget(JobKeys(job_id).job, "retries")) == 1
