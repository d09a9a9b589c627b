"""The shipped jobs while a process is killed in the middle of each."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.processes import eventually, started
from tests.shipped_jobs import CASES, make
from word_counter import Master
from word_counter.loading.job_reference import make_job
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import JobKeys

#: So often a job is run until a kill hits: some are done sooner than anybody can aim.
_TRIES = 20


def _children(parents: list[int]) -> dict[int, int]:
    """Return the child of each parent that has one."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it is gone
            found[int(stat.read_text().rpartition(")")[2].split()[1])] = int(stat.parent.name)
    return {parent: found[parent] for parent in parents if parent in found}


def _kill_one_at_work(redis: Redis, running: str, parents: list[int]) -> bool:
    """Kill a process that runs an attempt of a job, with its attempt; False when there was none for a while."""
    children = _children(parents)
    deadline = time.monotonic() + 0.7
    while time.monotonic() < deadline:
        for child in children.values():
            os.kill(child, signal.SIGSTOP)  # so that what runs now runs still when it is killed
        at_work = {int(json.loads(about)["worker"].split("-")[-2]) for about in redis.hvals(running)}
        doomed = next((children[parent] for parent in at_work if parent in children), None)
        for child in children.values():
            os.kill(child, signal.SIGKILL if child == doomed else signal.SIGCONT)
        if doomed is not None:
            return True
        time.sleep(0.002)
    return False


def test_every_shipped_job_is_exact_though_a_process_is_killed_in_the_middle_of_it(
    folder: Path, fresh_server: EmbeddedRedis, job_id: str
) -> None:
    world = make(folder, lines=2_000)
    redis = connect(fresh_server.url)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor())
        env = {"WORD_COUNTER_REDIS": fresh_server.url}
        parents = [stack.enter_context(started("worker", folder=folder, env=env)).pid for _ in range(3)]
        eventually(lambda: len(_children(parents)) == len(parents))
        for number, case in enumerate({case.job: case for case in CASES}.values()):
            for attempt in range(_TRIES):
                name = f"{job_id}-{number}-{attempt}"
                hit = threads.submit(_kill_one_at_work, redis, JobKeys(name).running, parents)
                Master(
                    case.paths(world),
                    make_job(case.job, case.params),
                    redis=fresh_server.url,
                    workers=0,
                    job_id=name,
                    chunk_size=20,
                    output=str(folder / "results.json"),
                ).run()
                case.check(world, json.loads((folder / "results.json").read_bytes()))
                if hit.result():
                    break
            else:
                message = f"{case.job} was always done before a process could be killed"
                raise AssertionError(message)
    redis.close()
