"""Packed files and standard input, whose chunks go through Redis, while workers and masters are killed."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.guard import Guard
from tests.chaos.server import Server
from tests.oracle import count_words, results_bytes
from tests.packed import PACKERS, SUFFIXES
from tests.processes import environment, eventually, started, word_counter
from word_counter.job.model import Stage
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import Redis, connect
from word_counter.store.keys import JobKeys


@pytest.fixture
def env(fresh_server: EmbeddedRedis, folder: Path) -> dict[str, str]:
    return {
        "WORD_COUNTER_REDIS": fresh_server.url,
        "WORD_COUNTER_ALLOW": str(folder),
        "WORD_COUNTER_INPUT_ROOT": str(folder / "nothing"),  # what travels is read by no worker
        "WORD_COUNTER_LEASE_SECONDS": "1",
        "WORD_COUNTER_CHUNK_SIZE": "5",
        "WORD_COUNTER_OUTPUT": "results.json",
    }


@pytest.fixture
def keys(job_id: str) -> JobKeys:
    return JobKeys(job_id)


def _expected(text: Path, times: int = 1) -> bytes:
    return results_bytes(count_words(text.read_bytes() * times))


def _hurry(folder: Path) -> None:
    (folder / "hurry").touch()


def test_every_kind_of_file_is_exact_when_a_worker_is_killed(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str, keys: JobKeys
) -> None:
    packed = folder / "in"
    packed.mkdir()
    for packing, pack in PACKERS.items():
        (packed / f"a{SUFFIXES[packing]}").write_bytes(
            pack(text.read_bytes()[:9_000]) + pack(text.read_bytes()[9_000:])
        )
    (packed / "plain.txt").write_bytes(text.read_bytes())
    with tarfile.open(packed / "a.tar", "w") as tar:
        tar.add(text, "inside.txt")
    with zipfile.ZipFile(packed / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(text, "inside.txt")
    args = [str(packed), "--job", str(slow_job), "--job-id", job_id, "--transport", "inline"]
    with ExitStack() as stack:
        workers = [stack.enter_context(started("worker", folder=folder, env=env)) for _ in range(2)]
        master = stack.enter_context(started("master", *args, folder=folder, env=env))
        eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) > 5)

        workers[0].send(signal.SIGKILL)
        _hurry(folder)
        ended = master.wait()

    assert ended.code == 0, ended.err
    assert (folder / "results.json").read_bytes() == _expected(text, 7)
    assert not redis.exists(keys.contents)


_SLOW_RECORDS = """
import json
import os
import time
from pathlib import Path

from word_counter import Job, Mapper, Sum

_HERE = Path(__file__).parent


class Records(Mapper):
    def map(self, record):
        (_HERE / "pids" / str(os.getppid())).touch()
        if not (_HERE / "hurry").exists():
            time.sleep(0.01)
        record = json.loads(record) if isinstance(record, str) else record
        yield record["name"], int(record["n"])


class Totals(Job):
    mapper = Records
    reducer = Sum
"""


@pytest.mark.parametrize("kind", ["csv", "jsonl", "lines"])
def test_records_and_standard_input_are_exact_when_a_worker_is_killed(
    folder: Path, redis: Redis, env: dict[str, str], job_id: str, keys: JobKeys, kind: str
) -> None:
    records = [{"name": f'"{n % 9}",\nof two lines', "n": n} for n in range(200)]
    content = io.StringIO(newline="")
    if kind == "csv":
        table = csv.DictWriter(content, ["name", "n"])
        table.writeheader()
        table.writerows(records)
    else:
        content.writelines(json.dumps(record) + "\n" for record in records)
    path, job = folder / "records", folder / "records_job.py"
    path.write_text(content.getvalue(), newline="")
    job.write_text(_SLOW_RECORDS)
    (folder / "pids").mkdir()
    named = ["-"] if kind == "lines" else [str(path)]
    args = ["master", *named, "--job", str(job), "--job-id", job_id, "--input-format", kind]
    with ExitStack() as stack:
        killed, _ = (stack.enter_context(started("worker", folder=folder, env=env)) for _ in range(2))
        master = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "word_counter", *args, "-q", "--transport", "inline"],
                stdin=stack.enter_context(path.open("rb")),
                cwd=folder,
                env=environment(**env),
            )
        )
        stack.callback(master.kill)
        eventually((folder / "pids" / str(killed.process.pid)).exists)
        eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) > 5)
        killed.send(signal.SIGKILL)
        _hurry(folder)
        code = master.wait()

    totals = Counter[str]()
    for record in records:
        totals[str(record["name"])] += int(str(record["n"]))
    assert code == 0
    assert (folder / "results.json").read_bytes() == results_bytes(totals)


def test_a_master_that_is_killed_in_the_middle_of_a_packed_file_is_followed_by_one_that_reads_it_again(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str, keys: JobKeys
) -> None:
    packed = folder / "text.gz"
    packed.write_bytes(PACKERS["gzip"](text.read_bytes()))
    with ExitStack() as stack:
        stack.enter_context(started("worker", folder=folder, env=env))
        args = ["master", str(packed), "--job", str(slow_job), "--job-id", job_id]
        master = stack.enter_context(started(*args, folder=folder, env=env))
        eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) > 5)
        master.send(signal.SIGKILL)
        assert redis.hget(keys.job, "split") == b"open"
        _hurry(folder)

        ended = word_counter("resume", job_id, folder=folder, env=env)

    assert ended.code == 0, ended.err
    assert (folder / "results.json").read_bytes() == _expected(text)
    replayed = word_counter("replay", job_id, "3", folder=folder, env=env)  # whose bytes are not in Redis any more
    assert replayed.code == 0, replayed.err
    assert "the same as was committed" in replayed.out


def test_a_packed_file_is_read_again_when_redis_comes_back_empty(
    folder: Path, slow_job: Path, text: Path, env: dict[str, str], job_id: str, keys: JobKeys
) -> None:
    (folder / "text.zst").write_bytes(PACKERS["zstd"](text.read_bytes()))
    with ExitStack() as stack:
        server = stack.enter_context(Server(folder, stack.enter_context(Guard())))
        env["WORD_COUNTER_REDIS"] = f"redis://127.0.0.1:{server.port}/0"
        stack.enter_context(started("worker", folder=folder, env=env))
        args = ["master", str(folder / "text.zst"), "--job", str(slow_job), "--job-id", job_id]
        master = stack.enter_context(started(*args, folder=folder, env=env))
        patient = stack.enter_context(connect(env["WORD_COUNTER_REDIS"]))  # the server's own client is not
        eventually(lambda: patient.hlen(keys.receipts(Stage.MAP)) > 3)
        server.kill()
        server.forget()
        server.start()
        _hurry(folder)
        ended = master.wait()

    assert ended.code == 0, ended.err
    assert "it starts again from its spec" in ended.err
    assert (folder / "results.json").read_bytes() == _expected(text)


@pytest.mark.parametrize("packing", ["", "gzip"])
@pytest.mark.parametrize("engine", ["redis", "inline"])
def test_standard_input_is_counted_packed_or_not(folder: Path, text: Path, engine: str, packing: str) -> None:
    content = PACKERS[packing](text.read_bytes()) if packing else text.read_bytes()
    command = [sys.executable, "-m", "word_counter", "run", "-", "--engine", engine, "--output", "-", "-q"]

    ended = subprocess.run(command, input=content, cwd=folder, env=environment(), capture_output=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == _expected(text)


def test_a_job_over_standard_input_says_that_it_cannot_be_resumed_until_all_of_it_is_read(
    folder: Path, slow_job: Path, text: Path, redis: Redis, env: dict[str, str], job_id: str, keys: JobKeys
) -> None:
    args = [sys.executable, "-m", "word_counter", "master", "-", "--job", str(slow_job), "--job-id", job_id, "-q"]
    with ExitStack() as stack:
        master = stack.enter_context(
            subprocess.Popen(args, stdin=subprocess.PIPE, cwd=folder, env=environment(**env), start_new_session=True)
        )
        stack.callback(master.kill)
        assert master.stdin is not None
        stack.enter_context(started("worker", folder=folder, env=env))
        lines = text.read_bytes().splitlines(keepends=True)
        master.stdin.write(b"".join(lines[:50]))
        master.stdin.flush()  # and then nothing for a while: the master looks after its job all the same
        eventually(lambda: redis.hlen(keys.receipts(Stage.MAP)) >= 9)
        master.kill()
        master.wait()
        refused = word_counter("resume", job_id, folder=folder, env=env)

    assert refused.code == 2
    assert "came from standard input, which cannot be read again" in refused.err


def test_a_packed_file_that_is_cut_off_fails_the_job_and_is_named(folder: Path, text: Path) -> None:
    (folder / "text.gz").write_bytes(PACKERS["gzip"](text.read_bytes())[:-4])

    ended = word_counter("run", "text.gz", "--workers", "1", folder=folder)

    assert ended.code == 2
    assert f"{folder / 'text.gz'} is cut off: its gzip data end in the middle" in ended.err
    assert not (folder / "output" / "results.json").exists()
