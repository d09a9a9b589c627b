"""Job spec: what a job was asked to do. It comes back from Redis unchanged, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.errors import UsageError
from word_counter.job.job_spec import JobSpec, digest_of
from word_counter.job.model import Source
from word_counter.jobs.word_count import WordCount
from word_counter.master.make_spec import make_spec
from word_counter.settings.config import Settings

SOURCES = [Source("/in/\u00fc.txt", 5, 1)]


def _spec(**settings: Any) -> JobSpec:
    return make_spec(Settings(**settings), "job-1", WordCount(), "m:C", "digest", SOURCES, {})


def test_it_comes_back_as_it_was() -> None:
    spec = _spec(chunk_size=7, timeout=1.5, output="x/y.json", on_bad_chunk="skip")

    assert JobSpec.from_json(spec.to_json()) == spec
    assert spec.skip


def test_its_output_does_not_depend_on_where_the_next_master_is_started() -> None:
    assert _spec(output="x/y.json").output == str(Path.cwd() / "x" / "y.json")
    assert _spec(output="-").output == "-"


@pytest.mark.parametrize(
    "sources",
    [
        [],
        [*SOURCES, *SOURCES],
        [Source("/in/other.txt", 5, 1)],
        [Source("/in/\u00fc.txt", 6, 1)],
        [Source("/in/\u00fc.txt", 5, 2)],
    ],
)
def test_other_sources_have_another_digest(sources: list[Source]) -> None:
    assert digest_of(sources) != digest_of(SOURCES) == _spec().digest


@given(
    st.text()
    | st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)).map(
        json.dumps
    )
)
def test_junk_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not one of this version"):
        JobSpec.from_json(text)


@pytest.mark.parametrize("name", sorted(json.loads(_spec().to_json())))
@pytest.mark.parametrize("value", [None, [], {}])
def test_a_part_of_the_wrong_kind_or_missing_is_refused(name: str, value: Any) -> None:
    content = json.loads(_spec().to_json())
    if content[name] == value:
        pytest.skip("which is what it is")
    for changed in (content | {name: value}, {key: content[key] for key in content if key != name}):
        with pytest.raises(UsageError, match="not one of this version"):
            JobSpec.from_json(json.dumps(changed))
