"""Every output format is exact when a worker is killed, and leaves the earlier output when a master is killed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import count_words
from tests.postgres import binaries, postgres_server
from tests.processes import eventually, started, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.receipts.verify import verify


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The start of the URLs of tables."""
    pytest.importorskip("psycopg")
    if binaries() is None:
        pytest.skip("there is no PostgreSQL server here")
    with postgres_server() as made:
        yield made


def _in_database(url: str) -> list[Any]:
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute("SELECT key, value FROM words").fetchall()


def _in_sqlite(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key, value FROM results").fetchall()


def _in_parquet(path: Path) -> list[Any]:
    parquet = pytest.importorskip("pyarrow.parquet")
    return [tuple(row.values()) for row in parquet.read_table(path).to_pylist()]


def _in_table(path: Path, delimiter: str = ",") -> list[Any]:
    with path.open(newline="") as file:
        return [(key, int(n)) for key, n in list(csv.reader(file, delimiter=delimiter))[1:]]


#: How the results in a file are read, by the end of its name.
READERS: dict[str, Callable[[Path], list[Any]]] = {
    "json": lambda path: list(json.loads(path.read_text()).items()),
    "jsonl": lambda path: [tuple(json.loads(line).values()) for line in path.read_text().splitlines()],
    "csv": _in_table,
    "tsv": lambda path: _in_table(path, "\t"),
    "parquet": _in_parquet,
    "sqlite": _in_sqlite,
}


_SLOW = """
import os
import time
from pathlib import Path

from word_counter import Job, Mapper, Sum


class Slow(Mapper):
    def setup(self):
        (Path(__file__).parent / "pids" / f"{os.getpid()}").touch()

    def map(self, line):
        time.sleep(0.01)
        for word in line.split():
            yield word, 1


class SlowCount(Job):
    mapper, reducer = Slow, Sum
"""
TEXT = "".join(f"line {n} word{n % 7} again{n % 50}\n" for n in range(80))


@pytest.fixture(scope="module")
def fleet() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a slow job, and what a master needs to have it run by two processes of a worker."""
    folder = Path(tempfile.mkdtemp(prefix="wct-")).resolve()
    (folder / "pids").mkdir()
    (folder / "slow.py").write_text(_SLOW)
    (folder / "text.txt").write_text(TEXT)
    with EmbeddedRedis() as server:
        env = {"WORD_COUNTER_REDIS": server.url, "WORD_COUNTER_ALLOW": str(folder)}
        with started("worker", "--processes", "2", folder=folder, env=env):
            yield folder, env
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("form", [*READERS, "mr-out", "postgresql"])
def test_results_of_a_job_whose_worker_loses_a_process_are_exact(
    fleet: tuple[Path, dict[str, str]], form: str, request: pytest.FixtureRequest
) -> None:
    folder, env = fleet
    url: str = request.getfixturevalue("database") if form == "postgresql" else ""
    output = folder / f"results.{form}"
    args = ["--job", "slow.py", "--chunk-size", "4", "--output", f"{url}&table=words" if url else str(output)]
    for path in (folder / "pids").iterdir():
        path.unlink()
    with started(
        "master", "text.txt", *args, *(["--output-format", form] if form == "mr-out" else []), folder=folder, env=env
    ) as master:
        mapping = eventually(lambda: [int(path.name) for path in (folder / "pids").iterdir()])
        os.kill(mapping[0], signal.SIGKILL)
        ended = master.wait()

    assert ended.code == 0, ended.err
    if form == "mr-out":
        lines = [line for path in output.glob("mr-out-*") for line in path.read_text().splitlines()]
        found = [(key, int(n)) for key, n in map(str.split, lines)]
    else:
        found = _in_database(url) if url else READERS[form](output)
    assert len(found) == len(dict(found))
    assert Counter(dict(found)) == count_words(TEXT.encode())
    if url:
        (receipt,) = folder.glob("slowcount-*.receipt.json")
        table = f"{url}&table=words"
        assert verify(table, str(receipt)).holds
        receipt.write_text(receipt.read_text().replace('"id": "slowcount', '"id": "another'))
        assert [fault.of for fault in verify(table, str(receipt)).faults] == ["result"]
    else:
        assert verify(str(output)).holds


_MANY = """
from word_counter import Job, Mapper, Sum


class Numbers(Mapper):
    def map(self, line):
        for n in range(10_000):
            yield f"{line}-{n:05d}", n


class Many(Job):
    mapper, reducer = Numbers, Sum
"""
KEYS = 80_000


@pytest.mark.parametrize("form", ["csv", "postgresql"])
def test_what_was_there_stays_until_a_master_that_is_killed_while_it_writes_has_a_follower(
    folder: Path, fresh_server: EmbeddedRedis, form: str, request: pytest.FixtureRequest
) -> None:
    (folder / "many.py").write_text(_MANY)
    (folder / "text.txt").write_text("".join(f"{n}\n" for n in range(KEYS // 10_000)))
    (folder / "old.txt").write_text("old\n")
    url: str = request.getfixturevalue("database") if form == "postgresql" else ""
    output = f"{url}&table=words" if url else "out/r.csv"

    def read() -> list[Any]:
        return _in_database(url) if url else _in_table(folder / "out" / "r.csv")

    def writing() -> bool:
        return _is_written(url) if url else any((folder / "out").glob(".r.csv.*.tmp"))

    env = {"WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_OUTPUT": output}
    env["WORD_COUNTER_LEASE_SECONDS"] = "1"
    args = ["--job", "many.py", "--chunk-size", "8", "--job-id", "many", "--workers", "2", "--resume"]
    first = word_counter("run", "old.txt", "--workers", "1", folder=folder, env=env)
    assert first.code == 0, first.err

    with started("run", "text.txt", *args, folder=folder, env=env) as master:
        eventually(writing)
        master.send(signal.SIGKILL)
        assert master.wait().code == -signal.SIGKILL
    assert read() == [("old", 1)]
    resumed = word_counter("run", "text.txt", *args, folder=folder, env=env)
    once = read()
    assert resumed.code == 0, resumed.err
    assert not list((folder / "out").glob(".*"))  # what the killed one had written is gone
    assert len(once) == KEYS
    assert dict(once) == {f"{line}-{n:05d}": n for line in range(KEYS // 10_000) for n in range(10_000)}
    if url:  # a table is changed, where a file is replaced: the job again must change nothing
        word_counter("purge", "many", folder=folder, env=env)
        repeated = word_counter("run", "text.txt", *args, folder=folder, env=env)
        assert repeated.code == 0, repeated.err
        assert sorted(read()) == sorted(once)


def _is_written(url: str) -> bool:
    """Return whether a job has changed the table and not committed it."""
    import psycopg

    with psycopg.connect(url) as connection:
        asked = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'word_counter' AND query LIKE 'COPY%'"
        return connection.execute(asked).fetchone() is not None
