"""Jobs that shuffle through files, with real processes: exact whatever is killed, and no files are left."""

from __future__ import annotations

import json
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import Running, eventually, started, word_counter
from tests.s3 import s3_server
from word_counter.engines.run_job import run
from word_counter.job.model import Stage
from word_counter.loading.job_reference import make_job
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.observer import Observer, Progress
from word_counter.store.connection import Redis
from word_counter.store.keys import JobKeys

_SLOW = """
import time
from pathlib import Path

from word_counter import Job, Mapper, Reducer, Step

HERE = Path(__file__).parent


def rest(stage):
    if not (HERE / f"hurry-{stage}").exists():
        time.sleep(0.02)


class Numbered(Mapper):
    def map(self, line):
        rest("map")
        number, *words = line.split()
        for word in words:
            yield word, int(number)


class InOrder(Reducer):
    def reduce(self, key, values):
        rest("reduce")
        return list(values)


class Where(Job):
    mapper, reducer = Numbered, InOrder


class Apart(Mapper):
    def map_pair(self, key, values):
        for value in values:
            yield key, value


class Steps(Job):
    steps = [Step(Numbered, InOrder), Step(Apart, InOrder)]
"""
_LINES = 300


@pytest.fixture
def expected(folder: Path) -> dict[str, list[int]]:
    """What the job comes to; it and its text are in the folder."""
    (folder / "slow.py").write_text(_SLOW)
    found: dict[str, list[int]] = {}
    with (folder / "text.txt").open("w") as file:
        for number in range(_LINES):
            words = [f"a{number % 3}", f"b{number % 101}"]
            file.write(f"{number} {' '.join(words)}\n")
            for word in words:
                found.setdefault(word, []).append(number)
    return found


def _at(redis: Redis, keys: JobKeys, stage: Stage, worker: Running | None = None) -> bool:
    """Return whether a part of a stage is committed, and a worker, or that one, is at another part."""
    running = [
        json.loads(attempt)["worker"]
        for name, attempt in redis.hgetall(keys.running).items()
        if name.decode().startswith(stage.value)
    ]
    mine = running if worker is None else [name for name in running if f"-{worker.pid}-" in name]
    return bool(mine) and redis.hlen(keys.receipts(stage)) > 0


@pytest.mark.parametrize("first", ["worker", "master"])
def test_a_job_whose_worker_is_killed_in_one_stage_and_its_master_in_the_other_is_exact(
    folder: Path, expected: dict[str, list[int]], fresh_server: EmbeddedRedis, redis: Redis, job_id: str, first: str
) -> None:
    keys = JobKeys(job_id)
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_LEASE_SECONDS": "1"}
    env |= {"WORD_COUNTER_SHUFFLE_ROOT": str(folder)}
    args = [
        "master",
        "text.txt",
        "--job",
        "slow.py:Where",
        "--chunk-size",
        "5",
        "--job-id",
        job_id,
        "--output",
        "r.json",
    ]
    args += ["--shuffle", "runs", "--standby"]
    with ExitStack() as stack:
        workers = [stack.enter_context(started("worker", folder=folder, env=env)) for _ in range(2)]
        masters = [stack.enter_context(started(*args, folder=folder, env=env))]
        stages = (Stage.MAP, Stage.REDUCE)
        for stage, victim in zip(
            stages, ("worker", "master") if first == "worker" else ("master", "worker"), strict=True
        ):
            if victim == "worker":
                eventually(lambda stage=stage: _at(redis, keys, stage, workers[0]))  # type: ignore[misc]
                workers[0].send(signal.SIGKILL)
            else:
                eventually(lambda stage=stage: _at(redis, keys, stage))  # type: ignore[misc]
                masters[-1].send(signal.SIGKILL)
                masters.append(stack.enter_context(started(*args, folder=folder, env=env)))
            (folder / f"hurry-{stage.value}").touch()
        ended = masters[-1].wait()

    assert ended.code == 0, ended.err
    assert json.loads((folder / "r.json").read_text()) == expected
    assert list((folder / "runs").iterdir()) == []


def test_a_run_that_is_lost_fails_the_job_which_says_what_is_lost(folder: Path, expected: dict[str, list[int]]) -> None:
    (folder / "hurry-map").touch()
    args = [
        "--job",
        "slow.py:Where",
        "--output",
        "r.json",
        "--shuffle",
        "runs",
        "--max-attempts",
        "1",
        "--workers",
        "1",
    ]
    with started("run", "text.txt", *args, folder=folder) as run:
        eventually(lambda: len(list(folder.glob("runs/*/*/mr-out-*"))) == 1)
        for path in folder.glob("runs/*/*/mr-0-*"):
            path.unlink()
        ended = run.wait()

    assert ended.code == 1
    assert "mr-0-" in ended.err
    assert "is not there" in ended.err
    assert not (folder / "r.json").exists()
    assert list((folder / "runs").iterdir()) == []


def test_a_worker_that_was_not_told_to_keep_files_does_not(
    folder: Path, expected: dict[str, list[int]], fresh_server: EmbeddedRedis
) -> None:
    env = {"WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_REDIS": fresh_server.url}
    env |= {"WORD_COUNTER_SHUFFLE_ROOT": str(folder / "elsewhere")}
    with started("worker", folder=folder, env=env):
        ended = word_counter(
            "master", "text.txt", "--job", "slow.py:Where", "--shuffle", "runs", folder=folder, env=env
        )

    assert ended.code == 1
    assert f"start it with --shuffle-root {folder / 'runs'}" in " ".join(ended.err.split())
    assert list((folder / "runs").iterdir()) == []


def test_a_job_that_shuffles_through_a_bucket_is_exact_and_leaves_nothing_in_it(
    folder: Path, expected: dict[str, list[int]]
) -> None:
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    for stage in Stage:
        (folder / f"hurry-{stage.value}").touch()
    with s3_server() as environ:
        store = s3fs.S3FileSystem(
            key="tests", secret="tests", endpoint_url=environ["AWS_ENDPOINT_URL"], skip_instance_cache=True
        )
        store.mkdir("bucket")
        args = [
            "--job",
            "slow.py:Where",
            "--chunk-size",
            "50",
            "--partitions",
            "2",
            "--workers",
            "1",
            "--output",
            "r.json",
        ]
        shuffle = ["--shuffle", "s3://bucket/runs"]
        ended = word_counter("run", "text.txt", *args, *shuffle, folder=folder, env=environ)
        left = store.find("bucket")

    assert ended.code == 0, ended.err
    assert json.loads((folder / "r.json").read_text()) == expected
    assert left == []


class _Watching(Observer):
    """Knows how many chunks were mapped when it was warned of each thing."""

    def __init__(self) -> None:
        self.warnings: dict[str, int] = {}
        self.mapped = 0

    def progressed(self, progress: Progress) -> None:
        self.mapped = progress.chunks_mapped

    def warned(self, message: str) -> None:
        self.warnings[message] = self.mapped


@pytest.mark.parametrize("job", ["Where", "Steps"])
def test_a_private_server_that_takes_too_much_memory_is_given_no_more_and_all_is_exact(
    folder: Path, expected: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    seen = _Watching()
    machine_memory = "word_counter.master.shuffle_folder.machine_memory"
    monkeypatch.setattr(machine_memory, lambda: 8_000 if seen.mapped > 5 else 10**15)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (folder / "hurry-reduce").touch()
    made = make_job(f"{folder / 'slow.py'}:{job}")
    run(folder / "text.txt", made, observer=seen, workers=2, chunk_size=5, output=str(folder / "r.json"))

    assert json.loads((folder / "r.json").read_text()) == expected
    (mapped,) = [n for text, n in seen.warnings.items() if "an eighth of this machine's memory" in text]
    assert 5 < mapped < _LINES // 5  # a part of it is in Redis, and a part in files
    assert not list(folder.glob("wc-*"))


def test_what_a_killed_run_left_the_next_one_removes_and_nothing_that_is_somebodys(
    folder: Path, expected: dict[str, list[int]]
) -> None:
    args = ["run", "text.txt", "--job", "slow.py:Where", "--chunk-size", "5", "--workers", "1", "--shuffle", "runs"]
    with ExitStack() as stack:
        killed, other = (stack.enter_context(started(*args, "--output", f"{n}.json", folder=folder)) for n in "ab")
        eventually(lambda: len({path.parts[-3] for path in folder.glob("runs/*/*/mr-*")}) == 2)
        killed.send(signal.SIGKILL)
        killed.wait()
        for stage in Stage:
            (folder / f"hurry-{stage.value}").touch()

        third = word_counter(*args, "--output", "c.json", folder=folder)
        ended = other.wait()

    assert (third.code, ended.code) == (0, 0), third.err + ended.err
    assert "what killed runs had left" in third.err
    assert json.loads((folder / "b.json").read_text()) == json.loads((folder / "c.json").read_text()) == expected
    assert list((folder / "runs").iterdir()) == []
