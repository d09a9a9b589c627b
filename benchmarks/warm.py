"""How long a tiny job takes when workers and Redis run already: ``python -m benchmarks.warm CORPUS RESULTS WORKERS``.

It prints the median of some jobs, in seconds, as a Python program sees it that calls Master(...).run() each time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.peers.answer import asked
from word_counter import Master
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import connect
from word_counter.store.worker_registry import WorkerRegistry

_JOBS = 20
_START_SECONDS = 30.0


def main() -> None:
    """Start a server and workers, run one job that does not count, and then those that do."""
    corpus, results, workers = asked()
    with EmbeddedRedis() as server:
        command = [sys.executable, "-m", "word_counter", "worker", "--processes", str(workers), "--redis", server.url]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(os.environ)) as crew:
            try:
                _wait_for_workers(server.url, workers)
                seconds = [_one_job(corpus, results, server.url) for _ in range(1 + _JOBS)][1:]
            finally:
                crew.terminate()
    print(statistics.median(seconds))


def _wait_for_workers(url: str, workers: int) -> None:
    roster, deadline = WorkerRegistry(connect(url)), time.monotonic() + _START_SECONDS
    while roster.processes("") < workers:
        if time.monotonic() > deadline:
            message = f"{workers} workers did not start within {_START_SECONDS:g} s"
            raise TimeoutError(message)
        time.sleep(0.02)


def _one_job(corpus: str, results: str, url: str) -> float:
    began = time.perf_counter()
    Master(corpus, redis=url, workers=0, output=results).run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
