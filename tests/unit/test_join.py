"""The shipped join: over rows by number or by name, over JSON lines, and what it refuses before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from word_counter import run
from word_counter.errors import UsageError
from word_counter.loading.job_reference import make_job

_ORDERS = 'order,customer,what\n1,c1,"tea\nand ""cups"""\n2,c2,x\n'
_CUSTOMERS = "id,name\nc1,Ada\nc3,Bo\n"


def _joined(folder: Path, left: str, right: str, input_format: str = "", **params: Any) -> dict[str, Any]:
    (folder / "left.txt").write_text(left)
    (folder / "right.txt").write_text(right)
    job = make_job("join", {"left": "left.txt", "right": "right.txt", **params})
    inputs = [folder / "left.txt", folder / "right.txt"]
    run(inputs, job, engine="inline", output=folder / "results.json", chunk_size=1, input_format=input_format)
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


class TestRows:
    def test_may_have_line_breaks_in_quotes(self, tmp_path: Path) -> None:
        rows = _joined(tmp_path, _ORDERS, _CUSTOMERS, left_key=2)

        assert rows == {"c1": [[["1", "c1", 'tea\nand "cups"'], ["c1", "Ada"]]]}

    def test_are_joined_by_the_names_of_columns(self, tmp_path: Path) -> None:
        rows = _joined(tmp_path, _ORDERS, _CUSTOMERS, left_key="customer", right_key="id", kind="right")

        order = {"order": "1", "customer": "c1", "what": 'tea\nand "cups"'}
        assert rows == {"c1": [[order, {"id": "c1", "name": "Ada"}]], "c3": [[None, {"id": "c3", "name": "Bo"}]]}

    def test_are_joined_by_a_name_and_a_number(self, tmp_path: Path) -> None:
        assert list(_joined(tmp_path, _ORDERS, _CUSTOMERS, left_key="customer")) == ["c1"]

    @pytest.mark.parametrize(("delimiter", "between"), [(";", ";"), ("\t", "\t"), (" ", " "), ("", "  "), ("|", "|")])
    def test_may_have_other_delimiters(self, tmp_path: Path, delimiter: str, between: str) -> None:
        left, right = f"a{between}1\nb{between}2\n", f"1{between}x\n"

        assert _joined(tmp_path, left, right, left_key=2, delimiter=delimiter) == {"1": [[["a", "1"], ["1", "x"]]]}

    def test_of_tsv_are_joined_by_name(self, tmp_path: Path) -> None:
        rows = _joined(tmp_path, "a\tk\n1\tx\n", "k\nx\n", "tsv", left_key="k", right_key="k")

        assert rows == {"x": [[{"a": "1", "k": "x"}, {"k": "x"}]]}


def test_json_lines_are_joined_by_fields_of_inner_objects_too(tmp_path: Path) -> None:
    left, right = '{"n": 1, "of": {"id": 7}}\n{"n": 2, "of": {"id": 8}}\n', '{"id": 7}\n'

    rows = _joined(tmp_path, left, right, "jsonl", left_key="of.id", right_key="id")

    assert rows == {"7": [[{"n": 1, "of": {"id": 7}}, {"id": 7}]]}


@pytest.mark.parametrize(
    ("input_format", "params", "told"),
    [
        ("jsonl", {}, "needs the name of a field of JSON objects: --param left_key=NAME"),
        ("lines", {"right_key": "id"}, "is to look up right_key=id, and there are no names of fields"),
        ("csv header=none", {"left_key": "id"}, "is to look up left_key=id, and there are no names of fields"),
        ("", {"left_key": "id", "delimiter": ""}, "is to look up left_key=id, and there are no names of fields"),
        ("tsv", {"delimiter": ";"}, "is told another delimiter by --param delimiter"),
    ],
)
def test_what_it_cannot_take_is_refused_before_it_runs(
    tmp_path: Path, input_format: str, params: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        _joined(tmp_path, _ORDERS, _CUSTOMERS, input_format, **params)

    assert not (tmp_path / "results.json").exists()


@pytest.mark.parametrize(
    ("job", "params"),
    [("grep", {"pattern": "a"}), ("distinct", {}), ("windows", {}), ("log_patterns", {}), ("line_lengths", {})],
)
def test_jobs_over_lines_take_no_other_records(tmp_path: Path, job: str, params: dict[str, Any]) -> None:
    (tmp_path / "a.csv").write_text(_ORDERS)

    with pytest.raises(UsageError, match=r"takes lines alone|takes no input-format csv"):
        run(tmp_path / "a.csv", make_job(job, params), engine="inline", input_format="csv", output=tmp_path / "r.json")
