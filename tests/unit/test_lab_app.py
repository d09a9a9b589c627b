"""Apps of the classic lab: what counts as an app, what its pairs may be, and how it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from word_counter import run
from word_counter.errors import ForbiddenError, JobLoadError, UsageError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunker import Piece, split_sources
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor
from word_counter.loading.job_reference import make_job, refer_to
from word_counter.security.allow_list import AllowList
from word_counter.settings.config import load

APP = """
class KeyValue:
    def __init__(self, key, value):
        self.key, self.value = key, value
def map_func(filename, content):
    return {pairs}
def reduce_func(key, values):
    assert all(type(value) is str for value in values)
    return ",".join(values)
"""


def app(folder: Path, pairs: str) -> str:
    path = folder / "app.py"
    path.write_text(APP.format(pairs=pairs))
    return f"app+{path}"


@pytest.mark.parametrize(
    "pairs",
    [
        "[('a', 1), ('a', 2)]",
        "iter([['a', '1'], ['a', '2']])",
        "(KeyValue('a', n) for n in (1, 2))",
        "[{'key': 'a', 'value': 1}, {'Key': 'a', 'Value': 2}]",
    ],
)
def test_pairs_come_in_several_forms_and_values_as_texts(pairs: str, folder: Path) -> None:
    (folder / "in.txt").write_text("x")
    outcome = run(str(folder / "in.txt"), make_job(app(folder, pairs)), engine="inline", output=str(folder / "o.json"))

    assert outcome.results == {"a": "1,2"}


def test_what_is_no_pair_is_named(folder: Path) -> None:
    (folder / "in.txt").write_text("x")
    with pytest.raises(TypeError, match="map_func gave 7, which is no pair"):
        run(str(folder / "in.txt"), make_job(app(folder, "[7]")), engine="inline", output=str(folder / "o.json"))


def test_an_app_is_named_so_that_another_process_finds_it(folder: Path) -> None:
    reference = refer_to(make_job(app(folder, "[]")))
    assert reference == f"app+{folder}/app.py:map_func"
    assert refer_to(make_job(reference)) == reference

    (folder / "two.py").write_text(
        "class A:\n  def map_func(self, f, c): return []\n  def reduce_func(self, k, v): return ''\nclass B(A): pass\n"
    )
    assert refer_to(make_job(f"app+{folder}/two.py:B")) == f"app+{folder}/two.py:B"
    with pytest.raises(JobLoadError, match="several apps"):
        make_job(f"app+{folder}/two.py")


def test_what_is_no_app_says_what_it_lacks(folder: Path) -> None:
    (folder / "none.py").write_text("def map_func(f, c): return []\n")
    for reference in (f"app+{folder}/none.py", f"app+{folder}/none.py:A", f"app+{folder}/none.py:map_func"):
        with pytest.raises(JobLoadError, match="lacks map_func"):
            make_job(reference)


def test_an_app_must_be_allowed_as_any_job(folder: Path) -> None:
    reference = f"{app(folder, '[]')}:map_func"

    with pytest.raises(ForbiddenError, match=r"--allow .*app\.py"):
        AllowList().check(reference)
    AllowList([str(folder / "app.py")]).check(reference)


def _chunks(folder: Path, cursor: Cursor) -> Iterator[Piece]:
    return split_sources(find_sources(str(folder)), cursor, Cutting(1, whole_files=True))


def test_whole_files_are_one_chunk_each_from_any_cursor_on(folder: Path) -> None:
    (folder / "a").write_bytes(b"1\n2\n3")
    (folder / "b").write_bytes(b"")
    (folder / "c").write_bytes(b"4\n")

    every = list(_chunks(folder, Cursor()))
    assert [piece.chunk for piece in every] == [(0, 0, 0, 5, 1, 3), (1, 1, 0, 0, 1, 0), (2, 2, 0, 2, 1, 1)]
    for number, piece in enumerate(every, 1):
        assert list(_chunks(folder, piece.cursor)) == every[number:]


@pytest.mark.parametrize(
    ("given", "output"),
    [({}, "output/mr-out-*"), ({"output": "there/"}, "there/mr-out-*"), ({"output": "/a/b"}, "/a/b/mr-out-*")],
)
def test_parts_go_into_a_folder(given: dict[str, Any], output: str) -> None:
    assert load({"output_format": "mr-out", **given}, environ={}).output == output
    with pytest.raises(UsageError, match="several files"):
        load({"output_format": "mr-out", "output": "-"}, environ={})
