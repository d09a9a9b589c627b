"""What is done, but answered to nobody, the Redis client sends again: that may make no difference."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import resources
from pathlib import Path

import pytest

from tests.chaos.guard import Guard
from tests.chaos.proxy import Proxy
from tests.chaos.server import Server
from tests.oracle import count_words, results_bytes
from tests.processes import started
from word_counter.keys import JobKeys

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


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with Guard() as guard, Server(folder, guard) as running:
        yield running


@pytest.mark.parametrize(
    "name", ["create", "take", "snapshot", "plan", "start", "fail", "retry", "commit", "advance", "end"]
)
def test_an_operation_whose_answer_is_lost_is_done_once(name: str, server: Server, folder: Path) -> None:
    script = resources.files("word_counter").joinpath("lua", f"{name}.lua").read_bytes()
    server.client.script_load(script)
    (folder / "job.py").write_text(_JOB)
    (folder / "input.txt").write_bytes(_TEXT)
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(server.port))
        proxy.lose_answer_to(hashlib.sha1(script, usedforsecurity=False).hexdigest().encode())
        url = f"redis://127.0.0.1:{proxy.port}/0"
        env = {"WORD_COUNTER_REDIS": url, "WORD_COUNTER_SECRET": "s", "WORD_COUNTER_LEASE_SECONDS": "1"}
        stack.enter_context(started("worker", "--allow", str(folder / "job.py"), folder=folder, env=env))
        args = ["--job", "job.py", "--job-id", "lost", "--chunk-size", "20", "--output", "results.json", "input.txt"]
        master = stack.enter_context(started("master", *args, folder=folder, env=env))

        ended = master.wait()

        assert ended.code == 0, ended.err
        assert proxy.has_lost
    assert (folder / "results.json").read_bytes() == results_bytes(count_words(_TEXT))
    assert int(server.client.hget(JobKeys("lost").totals, "lines")) == 201
    assert int(server.client.hget(JobKeys("lost").counters, "lines seen")) == 201
    assert int(server.client.hget(JobKeys("lost").job, "retries")) == 1
