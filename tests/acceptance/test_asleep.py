"""A worker that is stopped in the middle of a task, and wakes up after another worker has done it."""

from __future__ import annotations

import json
import os
import signal
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.commands import children_of
from tests.oracle import count_words, results_bytes
from tests.processes import eventually, started
from word_counter.job.model import Stage
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import JobKeys

_JOB = """
import time
from pathlib import Path

from word_counter import Job, Mapper, Sum

HERE = Path(__file__).parent


def wait_for(name):
    while not (HERE / name).exists():
        time.sleep(0.01)


class Waits(Mapper):
    def map(self, line):
        if line == "first":
            try:
                (HERE / "begun").touch(exist_ok=False)
            except FileExistsError:
                pass  # the second attempt goes through
            else:
                wait_for("awake")
        elif line == "gated":
            wait_for("open")
        yield line, 1


class Count(Job):
    mapper, reducer = Waits, Sum
"""
_TEXT = b"first\n" + b"plain\n" * 3 + b"gated\n" * 9


def test_a_worker_that_slept_over_its_lease_changes_nothing_and_goes_on_working(
    folder: Path, fresh_server: EmbeddedRedis, job_id: str
) -> None:
    (folder / "job.py").write_text(_JOB)
    (folder / "text.txt").write_bytes(_TEXT)
    redis, keys = connect(fresh_server.url), JobKeys(job_id)
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_LEASE_SECONDS": "1"}
    args = ["text.txt", "--job", "job.py", "--chunk-size", "1", "--job-id", job_id, "--output", "results.json"]
    with ExitStack() as stack:
        # Given a worker that is stopped as a whole, in the middle of a task
        sleeper = stack.enter_context(started("worker", "-v", "--log-format", "json", folder=folder, env=env))
        master = stack.enter_context(started("master", *args, folder=folder, env=env))
        eventually((folder / "begun").exists)
        (child,) = children_of(sleeper.pid)
        for pid in (sleeper.pid, child):
            os.kill(pid, signal.SIGSTOP)
        # and whose task another one has done, as the first that it was given
        eventually(lambda: _is_next(redis, f"{job_id}-m0-"))
        other = stack.enter_context(started("worker", folder=folder, env=env))
        receipt = eventually(lambda: redis.hget(keys.receipts(Stage.MAP), "map:0"))
        partials = [redis.hget(keys.partials(partition), "0") for partition in range(8)]

        # When it wakes, first the process that has the task, so that nobody keeps it from its commit
        (folder / "awake").touch()
        os.kill(child, signal.SIGCONT)
        late = eventually(lambda: _ends(sleeper.err, "map:0"))
        sleeper.send(signal.SIGCONT)

        # Then that is refused and changes nothing
        assert [(event["action"], event["attempt"]) for event in late] == [("superseded", 1)]
        assert redis.hget(keys.receipts(Stage.MAP), "map:0") == receipt
        assert [redis.hget(keys.partials(partition), "0") for partition in range(8)] == partials
        assert f"-{other.pid}-" in json.loads(receipt)["worker"]
        # and the worker lives, and takes its share of what is left
        eventually(lambda: _at_work(redis.hvals(keys.running), sleeper.pid))
        (folder / "open").touch()
        ended = master.wait()
        assert ended.code == 0, ended.err
        assert not sleeper.ended
        assert _at_work(redis.hvals(keys.receipts(Stage.MAP)), sleeper.pid)
    assert (folder / "results.json").read_bytes() == results_bytes(count_words(_TEXT))
    redis.close()


def _ends(printed: str, task: str) -> list[dict[str, object]]:
    """Return the events that tell how attempts at a task ended."""
    events = [json.loads(line) for line in printed.splitlines()]
    return [event for event in events if event.get("task") == task and event["action"] != "started"]


def _is_next(redis: Redis, prefix: str) -> bool:
    """Return whether a batch whose name begins so is the next one that the queue gives out."""
    return any((redis.lindex(queue, 0) or b"").startswith(prefix.encode()) for queue in redis.smembers("rq:queues"))


def _at_work(entries: list[bytes], parent: int) -> bool:
    """Return whether a child of a worker is named as the one who did, or does, something."""
    return any(f"-{parent}-" in json.loads(entry)["worker"] for entry in entries)
