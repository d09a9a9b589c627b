"""Inputs behind URLs: a job over a bucket, from an S3 server whose connections drop."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.proxy import Proxy
from tests.oracle import count_words, results_bytes
from tests.packed import PACKERS
from tests.processes import word_counter
from tests.s3 import s3_server

pytest.importorskip("moto", reason="the S3 server of these tests is moto's")
pytest.importorskip("s3fs", reason="S3 is read by s3fs: pip install 'word-counter-mapreduce[s3]'")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def s3() -> Iterator[Mapping[str, str]]:
    with s3_server() as env:
        yield env


@pytest.fixture
def store(s3: Mapping[str, str]) -> Any:
    library: Any = import_module("s3fs")
    options = {"key": "tests", "secret": "tests", "endpoint_url": s3["AWS_ENDPOINT_URL"]}
    return library.S3FileSystem(**options, skip_instance_cache=True)


def _text(megabytes: int) -> bytes:
    rng = random.Random(megabytes)
    words = [f"word{n}" for n in range(3_000)]
    line = "".join(f"{' '.join(rng.choices(words, k=10))}\n" for _ in range(10_000)).encode()
    return line * (megabytes * 1_000_000 // len(line))


def _unreliable(proxy: Proxy, ended: threading.Event) -> None:
    """Break connections off, now in the middle of an answer, now in place of one."""
    while not ended.wait(0.15):
        proxy.reset()
        if ended.wait(0.15):
            return
        proxy.cut()
        ended.wait(0.05)
        proxy.heal()


def test_a_job_over_a_bucket_is_exact_though_connections_drop(
    folder: Path, s3: Mapping[str, str], store: Any, job_id: str
) -> None:
    text, packed = _text(10), _text(4)
    store.mkdir(job_id)
    store.pipe(f"{job_id}/logs/a.txt", text)
    store.pipe(f"{job_id}/logs/deep/b.txt.gz", PACKERS["gzip"](packed))
    store.pipe(f"{job_id}/logs/.hidden", b"hidden\n")
    store.pipe(f"{job_id}/logs/c.csv", b"left out\n")
    ended = threading.Event()
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(int(s3["AWS_ENDPOINT_URL"].rpartition(":")[2])))
        env = {**s3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        faults = threading.Thread(target=_unreliable, args=(proxy, ended))
        faults.start()
        try:
            args = ["run", f"s3://{job_id}/logs/", "--exclude", "*.csv", "--workers", "2", "--chunk-size", "20000"]
            done = word_counter(*args, "--output", "results.json", folder=folder, env=env)
        finally:
            ended.set()
            faults.join()

    assert done.code == 0, done.err
    expected = count_words(text) + count_words(packed)
    assert (folder / "results.json").read_bytes() == results_bytes(expected)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("s3://JOB/nothing.txt", "no file matches"),
        ("s3://JOB/*.log", "no file matches"),
        ("s3://key:secret@JOB/a", "holds a password or a token"),
        (
            "https://example.com/JOB/a?X-Amz-Credential=secret&X-Amz-Signature=secret",
            "a holds a password or a token",
        ),
        ("https://example.com/JOB/a?sig=secret", "word-counter run -"),
        ("nosuch://JOB/a", "cannot read nosuch://"),
    ],
)
def test_what_is_not_there_is_said(
    folder: Path, s3: Mapping[str, str], store: Any, job_id: str, name: str, says: str
) -> None:
    store.mkdir(job_id)
    store.pipe(f"{job_id}/a.txt", b"a\n")

    ended = word_counter("run", name.replace("JOB", job_id), "--engine", "inline", folder=folder, env=s3)

    assert ended.code == 2
    assert says in ended.err
    assert "secret" not in ended.err


def test_a_worker_reads_no_url_outside_its_roots_and_says_which_it_may_not(
    folder: Path, s3: Mapping[str, str], store: Any, job_id: str
) -> None:
    store.mkdir(job_id)
    store.pipe(f"{job_id}/a.txt", b"a\n")
    env = {**s3, "WORD_COUNTER_INPUT_ROOT": f'["s3://{job_id}/b"]'}

    ended = word_counter("run", f"s3://{job_id}/a.txt", "--workers", "1", folder=folder, env=env)

    assert ended.code == 1
    assert f"may not read s3://{job_id}/a.txt: it is outside its input roots" in ended.err
