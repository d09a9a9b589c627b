"""Malformed bytes, texts and keys: no crash, no hang, no wrong count, only errors of ours that say what is wrong."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracle import count_words
from word_counter import Job, run
from word_counter.cli.main import main
from word_counter.errors import EncodingError, InputError, UsageError, WordCounterError
from word_counter.inputs.kinds.decompression import packing_of
from word_counter.inputs.line_splitter import blocks_of, cut
from word_counter.job.job_spec import JobSpec
from word_counter.job.model import Cursor, JobState
from word_counter.jobs.word_count import WordCount
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.shuffle.partitioning import decode_partial
from word_counter.store.connection import Redis
from word_counter.store.job_store import JobStore
from word_counter.store.keys import JOBS

#: Bytes in which what matters to the splitting and to the rule is likely.
odd_bytes = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"\r", b"\x00", b"'", b"a", b"B7", b" ", b"\xff", b"\xe2\x80\x99", b"\xef\xbb\xbf"]
    )
    | st.binary(max_size=6),
    max_size=60,
).map(b"".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
junk_texts = st.text(max_size=80) | json_values.map(json.dumps)


@given(data=odd_bytes, chunk_size=st.integers(1, 9), chunk_bytes=st.integers(1, 40))
@settings(max_examples=400)
def test_any_bytes_are_split_without_a_gap(data: bytes, chunk_size: int, chunk_bytes: int) -> None:
    blocks = blocks_of(io.BytesIO(data), 0, len(data))
    chunks = [chunk for chunk, _ in cut(blocks, Cursor(), chunk_size, chunk_bytes, keep=False)]

    assert b"".join(data[chunk.offset : chunk.offset + chunk.length] for chunk in chunks) == data


#: What begins so is unpacked, or read as UTF-16 or UTF-32.
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


@given(
    data=odd_bytes.filter(lambda data: not packing_of(data) and not data.startswith(_MARKS)),
    chunk_size=st.integers(1, 9),
)
@settings(max_examples=200)
def test_any_bytes_are_counted_right_or_the_file_is_refused_by_name(
    data: bytes, chunk_size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "text").write_bytes(data)
    job: Job = WordCount()

    try:
        outcome = run(folder / "text", job, engine="inline", chunk_size=chunk_size, output=str(folder / "results.json"))
    except InputError as error:
        assert str(folder / "text") in str(error)  # noqa: PT017 (either is right)
    else:
        assert outcome.results == count_words(data)


@given(text=junk_texts)
@settings(max_examples=300)
def test_a_partial_that_is_none_is_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError, TypeError, EncodingError):
        for key, _ in decode_partial(text):
            assert isinstance(key, str | bytes)


@given(text=junk_texts)
@settings(max_examples=300)
def test_a_text_that_is_not_a_job_spec_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        JobSpec.from_json(text)


_FIELDS = ["state", "epoch", "cursor", "split", "partitions", "created", "retries", "spec", "bytes", "output", "name"]


@given(field=st.sampled_from(_FIELDS), value=junk_texts, entry=junk_texts)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_junk_in_the_keys_of_a_job_is_an_error_that_names_it(
    connection: Redis, field: str, value: str, entry: str
) -> None:
    job_id = f"junk-{uuid4().hex[:8]}"
    store = JobStore(connection, job_id)
    store.create(
        {"state": JobState.MAPPING.value, "epoch": 1, "partitions": 1, "cursor": "[0,0,0,1]", "split": "open"}, []
    )
    written = value.encode("utf-8", "surrogatepass")
    connection.hset(store.keys.job, field, written)
    for key in (store.keys.batches, store.keys.failed, store.keys.running, store.keys.chunks, store.keys.sources):
        connection.hset(key, "0", entry.encode("utf-8", "surrogatepass"))
    try:
        for read in (store.snapshot, store.sources, lambda: store.chunks([0]), store.counters):
            assert _named_by(read) in {"", job_id}
    finally:
        connection.unlink(*store.keys.every(1))
        connection.zrem(JOBS, job_id)


def _named_by(read: Callable[[], object]) -> str:
    """Return the job that the error of a read names; nothing when there is none."""
    try:
        read()
    except WordCounterError as error:
        found = re.search(r"junk-[0-9a-f]{8}", str(error))
        return found[0] if found else f"no job: {error}"
    return ""


@given(
    words=st.lists(
        st.text(max_size=12) | st.sampled_from(["--json", "--redis", "--chunk", "-1", "--", "-q"]), max_size=4
    )
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_words_on_the_command_line_are_an_answer_or_a_usage_error(server: EmbeddedRedis, words: list[str]) -> None:
    for command in ("status", "inspect", "cancel", "purge"):
        result = CliRunner().invoke(main, [command, *words], env={"WORD_COUNTER_REDIS": server.url})

        assert result.exit_code in {0, 2}, (command, words, result.output)
        assert "Traceback" not in result.output


def test_a_results_path_of_every_kind_leaves_nothing_half_written(folder: Path) -> None:
    (folder / "text").write_text("a b\n")
    for name in ("", "\x00", "nul\x00inside", str(folder), "/proc/none/results.json"):
        with pytest.raises((UsageError, ValueError)):
            run(folder / "text", WordCount, engine="inline", output=name)
    assert sorted(path.name for path in folder.iterdir()) == ["text"]
