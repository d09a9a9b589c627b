"""Admission: whatever is put into the queue from outside is refused with a reason, and has no other effect."""

from __future__ import annotations

import json
import pickle
import sys
import zlib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from word_counter.errors import RefusedError
from word_counter.job.model import Chunk, Source, Stage
from word_counter.job.snapshot import TaskAttempt
from word_counter.queue.admission import LONGEST_BYTES, TASK_FUNCTION, admit, pack, queue_id
from word_counter.queue.payload import Payload, PayloadError
from word_counter.security.signing import sign

SECRET = "a secret"
PAYLOAD = Payload(
    job="j",
    batch="m0-abc",
    stage=Stage.MAP,
    code="word_counter.jobs.word_count:WordCount",
    partitions=8,
    lease_seconds=10.0,
    task_timeout=600.0,
    max_bad_records=0,
    tasks=(TaskAttempt("map:0", 1), TaskAttempt("map:1", 2)),
    chunks=(Chunk(0, 0, 0, 10, 1, 2), Chunk(1, 0, 10, 5, 3, 1)),
    sources={0: Source("/data/ä\ud800.txt", 15, 1)},
)
ID = queue_id("j", "m0-abc")
TEXT, SIGNATURE = pack(PAYLOAD, SECRET)
DATA = json.dumps([TASK_FUNCTION, None, [TEXT, SIGNATURE], {}]).encode()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refused(data: bytes, rq_job: str = ID, secret: str = SECRET) -> str:
    with pytest.raises(RefusedError) as caught:
        admit(rq_job, data, secret)
    return str(caught.value)


def test_what_was_packed_is_let_in_packed_by_rq_or_not() -> None:
    assert admit(ID, DATA, SECRET) == PAYLOAD
    assert admit(ID, zlib.compress(DATA), SECRET) == PAYLOAD


@pytest.mark.parametrize("secret", ["", "another", SECRET + "\n"])
def test_nothing_is_let_in_without_the_secret(secret: str) -> None:
    assert "signature" in refused(DATA, secret=secret)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_byte_that_was_changed_keeps_it_out(at: int, change: int) -> None:
    data = bytearray(DATA)
    data[at] ^= change
    # 1.0e1 for 10.0, say, in the envelope is the same payload and signature
    assert json_equal(bytes(data)) or refused(bytes(data))


def json_equal(data: bytes) -> bool:
    try:
        return bool(json.loads(data) == json.loads(DATA))
    except ValueError:
        return False


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_junk_bytes_are_refused(data: bytes) -> None:
    assert "not JSON" in refused(data) or "not that of an RQ job" in refused(data)


@settings(max_examples=300)
@given(JSON)
def test_junk_json_is_refused(content: Any) -> None:
    reason = refused(json.dumps(content).encode())
    # a digit alone may begin what zlib has packed, and then is nothing at all
    assert reason.startswith(("its data is not that of an RQ job", "it names ", "its data is not JSON"))


@settings(max_examples=400)
@given(st.lists(JSON | st.sampled_from([TASK_FUNCTION, None, [TEXT, SIGNATURE], {}]), min_size=4, max_size=4))
def test_junk_in_the_form_of_an_rq_job_is_refused(content: list[Any]) -> None:
    assume(content != [TASK_FUNCTION, None, [TEXT, SIGNATURE], {}])
    reason = refused(json.dumps(content).encode())
    assert reason.startswith(("it names ", "its arguments are not", "its signature is not"))


@settings(max_examples=300)
@given(JSON)
def test_a_signed_text_that_is_no_payload_is_refused_too(content: Any) -> None:
    text = json.dumps(content)
    data = json.dumps([TASK_FUNCTION, None, [text, sign(text, SECRET)], {}]).encode()
    assert "not a payload" in refused(data)


@settings(max_examples=500)
@given(st.data())
def test_a_payload_with_a_part_exchanged_is_refused_or_says_the_same_of_its_batch(data: st.DataObject) -> None:
    # Given a payload in which some value is another
    content = json.loads(TEXT)
    at: Any = content
    path = [data.draw(st.sampled_from(sorted(content)))]
    while isinstance(at[path[-1]], list | dict) and at[path[-1]] and data.draw(st.booleans()):
        at = at[path[-1]]
        path.append(data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at)))))
    at[path[-1]] = data.draw(JSON)
    # When it is read
    try:
        payload = Payload.from_json(json.dumps(content))
    except PayloadError:
        return
    # Then, if it is one at all, its parts fit each other
    assert len(payload.chunks) >= len(payload.tasks) >= 1
    assert all(chunk.source in payload.sources for chunk in payload.chunks[: len(payload.tasks)])
    assert payload.partitions >= 1
    assert payload.lease_seconds > 0
    assert Payload.from_json(payload.to_json()) == payload


@settings(max_examples=300)
@given(st.text(max_size=300))
def test_junk_text_is_no_payload(text: str) -> None:
    with pytest.raises(PayloadError):
        Payload.from_json(text)


@pytest.mark.parametrize("depth", [1_000, sys.getrecursionlimit() * 2, 200_000])
def test_nesting_without_end_is_refused(depth: int) -> None:
    assert "not JSON" in refused(b"[" * depth)
    assert "not" in refused(b"[" * depth + b"]" * depth)  # JSON, too, where the parser goes so deep
    with pytest.raises(PayloadError):
        Payload.from_json("[" * depth)


def test_what_is_too_long_is_not_unpacked() -> None:
    bomb = zlib.compress(b" " * (LONGEST_BYTES * 20))
    assert len(bomb) < 200_000
    assert "longer" in refused(bomb)


def test_a_pickle_is_refused_as_one() -> None:
    assert "pickle" in refused(zlib.compress(pickle.dumps(("os.system", None, ("true",), {}))))


def test_a_batch_of_another_rq_job_is_refused() -> None:
    assert "another RQ job" in refused(DATA, "j-m1-abc")


def test_reasons_name_the_function_but_not_the_payload() -> None:
    reason = refused(json.dumps(["os.system", None, ["rm -rf /"], {}]).encode())
    assert "os.system" in reason
    assert "rm -rf" not in reason
