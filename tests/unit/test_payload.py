"""Payloads come from outside: whatever they contain, a worker gets a valid one or a PayloadError."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.job.model import Chunk, Source, Stage
from word_counter.job.snapshot import Suspicion, TaskAttempt
from word_counter.queue.payload import Payload, PayloadError

_N = st.integers(0, 2**40)
_TEXT = st.text(max_size=8)


def _map_payload(draw: st.DrawFn) -> dict[str, Any]:
    chunks = [
        Chunk(id_, draw(st.integers(0, 2)), draw(_N), draw(_N), draw(st.integers(1, 2**40)), draw(_N))
        for id_ in draw(st.lists(_N, min_size=1, max_size=4))
    ]
    return {
        "stage": Stage.MAP,
        "tasks": tuple(TaskAttempt(f"map:{chunk.id}", draw(st.integers(1, 9))) for chunk in chunks),
        "chunks": tuple(chunks),
        "sources": {
            index: Source(draw(_TEXT), draw(_N), draw(_N), draw(_TEXT), draw(_TEXT))
            for index in {chunk.source for chunk in chunks}
        },
        "suspicion": draw(
            st.none() | st.builds(Suspicion, st.none() | _N, st.lists(st.tuples(_N, _TEXT), max_size=2).map(tuple), _N)
        ),
    }


@st.composite
def payloads(draw: st.DrawFn) -> Payload:
    if draw(st.booleans()):
        special, partitions = _map_payload(draw), draw(st.integers(1, 99))
    else:
        partitions = draw(st.integers(1, 99))
        task = TaskAttempt(f"reduce:{draw(st.integers(0, partitions - 1))}", draw(st.integers(1, 9)))
        special = {"stage": Stage.REDUCE, "tasks": (task,)}
    return Payload(
        job=draw(_TEXT),
        batch=draw(_TEXT),
        code=draw(_TEXT),
        partitions=partitions,
        lease_seconds=draw(st.floats(0.5, 1_000)),
        task_timeout=draw(st.floats(0.1, 10_000)),
        max_bad_records=draw(_N),
        code_digest=draw(_TEXT),
        params=draw(st.dictionaries(_TEXT, _N | _TEXT, max_size=2)),
        files=draw(st.dictionaries(_TEXT, _TEXT, max_size=2)),
        inline=draw(st.booleans()),
        input_format=draw(_TEXT),
        shuffle=draw(_TEXT),
        incremental=draw(st.booleans()),
        **special,
    )


@given(payloads())
def test_come_back_as_they_were(payload: Payload) -> None:
    assert Payload.from_json(payload.to_json()) == payload


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | _TEXT
    | st.sampled_from(["map:0", "reduce:0", "map:-1", "x:1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)


def _read(text: str) -> Payload | None:
    try:
        return Payload.from_json(text)
    except PayloadError:
        return None


@given(st.text(max_size=50) | _JSON.map(json.dumps))
def test_junk_is_refused(text: str) -> None:
    assert _read(text) is None


@given(payloads(), st.data())
def test_with_a_part_replaced_are_whole_or_refused(payload: Payload, data: st.DataObject) -> None:
    content = json.loads(payload.to_json())
    name = data.draw(st.sampled_from(sorted(content)))
    if data.draw(st.booleans()):
        content[name] = data.draw(_JSON)
    else:
        del content[name]

    read = _read(json.dumps(content))

    if read is not None:
        assert Payload.from_json(read.to_json()) == read
        assert all(attempt.attempt >= 1 for attempt in read.tasks)
        assert read.stage is Stage.REDUCE or len(read.chunks) >= len(read.tasks) >= 1


def _changed(**changes: Any) -> str:
    payload = Payload(
        job="j",
        batch="m0-1",
        stage=Stage.MAP,
        code="m:C",
        partitions=2,
        lease_seconds=10,
        task_timeout=60,
        max_bad_records=0,
        tasks=(TaskAttempt("map:0", 1),),
        chunks=(Chunk(0, 0, 0, 5, 1, 1),),
        sources={0: Source("/a", 5, 1)},
    )
    return json.dumps({**json.loads(payload.to_json()), **changes})


def test_an_unchanged_one_is_read() -> None:
    assert _read(_changed()) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"job": 1},
        {"batch": None},
        {"stage": "merge"},
        {"code": ["os:system"]},
        {"partitions": 0},
        {"partitions": True},
        {"lease_seconds": 0},
        {"lease_seconds": -1},
        {"lease_seconds": float("nan")},
        {"lease_seconds": float("inf")},
        {"lease_seconds": 10**400},
        {"task_timeout": 0},
        {"task_timeout": float("nan")},
        {"max_bad_records": "many"},
        {"tasks": []},
        {"tasks": [["map:0", 0]]},
        {"tasks": [["map:0", True]]},
        {"tasks": [["map:1", 1]]},
        {"tasks": [["map:-1", 1]]},
        {"tasks": [["reduce:0", 1]]},
        {"tasks": [["map:0", 1], ["map:1", 1]]},
        {"tasks": "map:0"},
        {"chunks": []},
        {"chunks": [[0, 1, 0, 5, 1, 1]]},
        {"chunks": [[0, 0, -1, 5, 1, 1]]},
        {"chunks": [[0, 0, 0, 5, 1]]},
        {"chunks": [[0, 0, 0, 5, 1, "1"]]},
        {"sources": {}},
        {"sources": []},
        {"sources": {"x": ["/a", 5, 1]}},
        {"sources": {"0": ["/a", 5]}},
        {"suspicion": {}},
        {"suspicion": {"suspect": "x", "skip": [], "free": 0}},
        {"stage": "reduce", "tasks": [["reduce:2", 1]]},
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    assert _read(_changed(**changes)) is None


def test_deep_nesting_is_refused() -> None:
    assert _read("[" * 100_000 + "]" * 100_000) is None
