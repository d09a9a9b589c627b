"""Outputs: every format keeps the values of results, as readers of that format see them."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from word_counter import Mapper, Sum, run
from word_counter.errors import OutputError, UsageError
from word_counter.files.drafts import unchanged
from word_counter.files.locations import absolute
from word_counter.job.job import Job
from word_counter.outputs import result_order as order
from word_counter.outputs.column_types import Kind, spilled
from word_counter.outputs.result_order import arranged
from word_counter.outputs.sink import Sink
from word_counter.outputs.text import cell_text
from word_counter.settings.config import load
from word_counter.shuffle import external_sort as sorting

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_WHOLE = st.integers() | st.integers(-(2**64), 2**64)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_NESTED = st.recursive(
    st.none() | st.booleans() | _WHOLE | _FLOATS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
#: Of one type each, as most results are, and of all.
_ROWS = st.one_of(
    *(
        st.dictionaries(_TEXT, values, max_size=8)
        for values in (_WHOLE, _FLOATS, _TEXT, st.booleans(), st.none() | st.integers(-9, 9), _NESTED)
    )
).map(lambda results: sorted(results.items()))
_roundtrip = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def _same(value: Any) -> str:
    """Return what two values have in common that are the same but for 1 and 1.0."""
    return json.dumps(value, sort_keys=True)


def _write(rows: list[tuple[str, Any]], path: Path) -> None:
    sink = Sink.of(load({"output": str(path)}), "json")
    sink.check()
    sink.write([iter(rows)])


@_roundtrip
@given(_ROWS)
def test_json_lines_are_an_object_each(tmp_path: Path, rows: list[tuple[str, Any]]) -> None:
    _write(rows, tmp_path / "results.jsonl")

    lines = (tmp_path / "results.jsonl").read_bytes().decode().split("\n")
    assert lines.pop() == ""
    assert [_same(json.loads(line)) for line in lines] == [_same({"key": key, "value": value}) for key, value in rows]


@pytest.mark.parametrize(("name", "dialect"), [("r.csv", "excel"), ("r.tsv", "excel-tab")])
@_roundtrip
@given(rows=_ROWS)
@example(rows=[("a\nb,\t\r\"'", '"'), ("", None)])
def test_csv_and_tsv_are_read_by_csv(tmp_path: Path, name: str, dialect: str, rows: list[tuple[str, Any]]) -> None:
    _write(rows, tmp_path / name)

    with (tmp_path / name).open(newline="", encoding="utf-8") as file:
        read = list(csv.reader(file, dialect))
    assert read == [["key", "value"], *([key, cell_text(value)] for key, value in rows)]
    for (_, text), (_, value) in zip(read[1:], rows, strict=True):
        if not isinstance(value, str):
            assert _same(json.loads(text or "null")) == _same(value)


@_roundtrip
@given(_ROWS)
def test_sqlite_has_a_table_in_the_order_of_the_results(tmp_path: Path, rows: list[tuple[str, Any]]) -> None:
    _write(rows, tmp_path / "results.sqlite")

    database = sqlite3.connect(tmp_path / "results.sqlite")
    read = database.execute("SELECT key, value FROM results").fetchall()
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert [key for key, _ in read] == [key for key, _ in rows]
    for (_, cell), (_, value) in zip(read, rows, strict=True):
        if isinstance(value, list | dict) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
            assert _same(json.loads(cell)) == _same(value)
        else:
            assert cell == value


@_roundtrip
@given(_ROWS)
def test_parquet_has_columns_of_a_type(tmp_path: Path, rows: list[tuple[str, Any]]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    _write(rows, tmp_path / "results.parquet")

    table = parquet.read_table(tmp_path / "results.parquet")
    assert table.column_names == ["key", "value"]
    assert table["key"].to_pylist() == [key for key, _ in rows]
    kind = str(table.schema.field("value").type)
    seen = {type(value) for _, value in rows if value is not None}
    for cell, (_, value) in zip(table["value"].to_pylist(), rows, strict=True):
        if cell is not None and kind == "string" and seen != {str}:
            assert _same(json.loads(cell)) == _same(value)
        else:
            assert cell == value
    if seen == {int} and all(value is None or -(2**63) <= value < 2**63 for _, value in rows):
        assert kind == "int64"
    elif seen in ({float}, {bool}, {str}):
        assert kind == {float: "double", bool: "bool", str: "string"}[seen.pop()]


def test_parquet_of_many_rows_has_them_in_groups(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    _write([(f"{n:06d}", n) for n in range(110_000)], tmp_path / "results.parquet")

    file = parquet.ParquetFile(tmp_path / "results.parquet")
    assert (file.num_row_groups, file.metadata.num_rows) == (2, 110_000)
    assert file.read()["value"].to_pylist() == list(range(110_000))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], Kind.TEXT),
        ([None], Kind.TEXT),
        ([1, None, -(2**63)], Kind.INTEGER),
        ([1, 2**63], Kind.JSON),
        ([1, 2.5], Kind.NUMBER),
        ([2**53 + 1, 2.5], Kind.JSON),
        ([True, None], Kind.BOOLEAN),
        ([True, 1], Kind.JSON),
        (["1", 1], Kind.JSON),
        ([[1], None], Kind.JSON),
    ],
)
def test_a_column_has_the_type_that_holds_all_values_exactly(values: list[Any], kind: Kind) -> None:
    rows = [(str(n), value) for n, value in enumerate(values)]

    with spilled(rows, unchanged) as (found, again):
        assert found is kind
        assert list(again) == rows


class TestTheForm:
    @pytest.mark.parametrize(
        ("output", "form"),
        [
            ("a.json", "json"),
            ("a", "json"),
            ("-", "json"),
            ("a.v2/results", "json"),
            (".results", "json"),
            ("A.JSONL", "jsonl"),
            ("a.ndjson", "jsonl"),
            ("s3://bucket/a.csv", "csv"),
            ("a.tsv", "tsv"),
            ("a.parquet", "parquet"),
            ("a.db", "sqlite"),
            ("postgresql://h/d?table=t", "postgresql"),
            ("postgres://h/d", "postgresql"),
        ],
    )
    def test_is_what_the_name_says(self, output: str, form: str) -> None:
        assert Sink.of(load({"output": output}), "json").form == form

    def test_that_is_asked_for_wins(self) -> None:
        assert Sink.of(load({"output": "a.json", "output_format": "csv"}), "json").form == "csv"
        assert Sink.of(load({"output": "a.xlsx", "output_format": "csv"}), "json").form == "csv"
        assert Sink.of(load({"output": "-", "output_format": "tsv"}), "json").form == "tsv"

    def test_of_a_job_with_lines_of_its_own_is_lines_whatever_the_name(self) -> None:
        assert Sink.of(load({"output": "part.csv"}), "lines").form == "lines"

    @pytest.mark.parametrize(
        ("given", "own", "said"),
        [
            ({"output": "-", "output_format": "parquet"}, "json", "not go to standard output: name a file"),
            ({"output": "-", "output_format": "sqlite"}, "json", "not go to standard output: name a file"),
            ({"output": "a", "output_format": "postgresql"}, "json", "postgresql:// URL"),
            ({"output": "postgresql://h/d", "output_format": "csv"}, "json", "does not fit"),
            ({"output": "a.csv.gz"}, "json", r"not be compressed: leave \.gz out"),
            ({"output": "a.xlsx"}, "json", r"ends in \.xlsx.*\.json, .*\.parquet, .*--output-format json, jsonl, csv"),
            ({"output": "s3://bucket/a.b/Results.TXT"}, "json", r"ends in \.txt"),
            ({"output": "results.2026"}, "json", r"ends in \.2026"),
            ({"output": "a", "output_format": "csv"}, "lines", "lines of its own"),
            ({"output": "a", "top": 3}, "lines", "leave --sort and --top out"),
            ({"output": "a", "output_format": "mr-out", "sort": "value"}, "json", "leave --sort and --top out"),
        ],
    )
    def test_that_cannot_be_is_refused(self, given: dict[str, Any], own: str, said: str) -> None:
        with pytest.raises(UsageError, match=said):
            Sink.of(load(given), own)

    @pytest.mark.parametrize(
        "output",
        [
            "postgresql://me:hunter2@h/d",
            "sftp://me:hunter2@h/a.json",
            "simplecache::sftp://me:hunter2@h/a.json",
            "postgresql://h/d?password=hunter2",
            "https://b.s3.amazonaws.com/a.json?X-Amz-Date=1&X-Amz-Signature=hunter2",
            "abfs://b/a.json?sv=2024&sig=hunter2",
        ],
    )
    def test_of_a_url_with_a_password_is_refused_without_showing_it(self, output: str) -> None:
        with pytest.raises(OutputError, match="holds a password") as caught:
            Sink.of(load({"output": output}), "json")
        assert "hunter2" not in str(caught.value)

    def test_a_path_is_made_absolute_and_a_url_is_not(self) -> None:
        assert absolute("a.json") == os.path.abspath("a.json")
        assert [absolute(output) for output in ("-", "s3://b/a.json")] == ["-", "s3://b/a.json"]


class TestOrder:
    @given(_ROWS, st.integers(0, 10))
    def test_by_key_is_as_it_comes(self, rows: list[tuple[str, Any]], top: int) -> None:
        assert list(arranged(rows, "key", top)) == (rows[:top] if top else rows)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(_WHOLE | st.integers(0, 3)),
        st.integers(0, 12),
        st.sampled_from(["value", "-value"]),
        st.integers(1, 5),
    )
    def test_by_value_is_sorted_stably_however_many_runs_there_are(
        self, monkeypatch: pytest.MonkeyPatch, values: list[int], top: int, sort: str, run_rows: int
    ) -> None:
        monkeypatch.setattr(order, "_PICKED_ROWS", run_rows)
        monkeypatch.setattr(sorting, "_RUN_VALUES", run_rows)
        rows = [(f"{n:03d}", value) for n, value in enumerate(values)]
        expected = sorted(rows, key=lambda row: -row[1] if sort == "-value" else row[1])

        assert list(arranged(rows, sort, top)) == (expected[:top] if top else expected)

    def test_of_values_of_all_kinds_is_total(self) -> None:
        values = [{"a": 1}, [2], [1, "x"], "b", "a", 2.5, 2, True, None]

        rising = list(arranged([(str(n), value) for n, value in enumerate(values)], "value"))

        assert [value for _, value in rising] == values[::-1]

    @pytest.mark.parametrize("sort", ["key", "value", "-value"])
    def test_takes_all_rows_whatever_the_top(self, sort: str) -> None:
        rows = ((str(n), n) for n in range(100))

        assert len(list(arranged(rows, sort, 3))) == 3
        assert next(rows, None) is None

    def test_top_means_the_largest_values_unless_told_otherwise(self) -> None:
        assert load({"top": 3}).sort == "-value"
        assert load({"top": 3, "sort": "key"}).sort == "key"

    def test_what_was_on_disk_is_held_on_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sorting, "_RUN_VALUES", 10)
        held: list[Any] = []

        def keep_alive(rows: Any) -> Iterator[tuple[str, Any]]:
            for row in rows:
                held.append(row)
                yield row

        rows = [(f"{n:03d}", n % 7) for n in range(100)]
        assert list(arranged(rows, "value", keep_alive=keep_alive)) == held == sorted(rows, key=lambda row: row[1])


class TestSQLite:
    def test_that_is_somebody_elses_is_never_replaced(self, tmp_path: Path) -> None:
        database = sqlite3.connect(tmp_path / "shop.db")
        database.execute("CREATE TABLE orders (n)")
        database.close()

        with pytest.raises(OutputError, match="is no database of results"):
            Sink(str(tmp_path / "shop.db"), "sqlite").check()

    def test_of_an_earlier_job_is_replaced_while_it_is_read(self, tmp_path: Path) -> None:
        _write([("old", 1)], tmp_path / "results.db")
        reader = sqlite3.connect(tmp_path / "results.db")
        reader.execute("BEGIN").execute("SELECT * FROM results")

        _write([("new", 1)], tmp_path / "results.db")

        assert reader.execute("SELECT key FROM results").fetchall() == [("old",)]
        reader.close()


class Words(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        for word in line.split(" "):
            yield word, 1


class Counts(Job):
    mapper, reducer = Words, Sum


class TestARun:
    @pytest.fixture
    def count(self, tmp_path: Path) -> Callable[..., Any]:
        (tmp_path / "text.txt").write_text("b a c a b a\n")
        return partial(run, tmp_path / "text.txt", Counts, engine="inline")

    def test_inline_writes_the_order_and_the_number_that_is_asked_for(
        self, tmp_path: Path, count: Callable[..., Any]
    ) -> None:
        outcome = count(output=str(tmp_path / "top.csv"), top=2)

        assert (tmp_path / "top.csv").read_text() == "key,value\na,3\nb,2\n"
        assert (outcome.keys, outcome.output_format) == (3, "csv")

    @pytest.mark.parametrize("name", ["r.json", "r.jsonl"])
    def test_gives_back_what_it_wrote_in_its_order(self, tmp_path: Path, count: Callable[..., Any], name: str) -> None:
        outcome = count(output=str(tmp_path / name), sort="-value")

        assert list(outcome.results.items()) == [("a", 3), ("b", 2), ("c", 1)]

    def test_gives_back_the_lines_of_its_parts_and_of_no_other_file(
        self, tmp_path: Path, count: Callable[..., Any]
    ) -> None:
        (tmp_path / "text.txt").write_text("b a\u2028z a\u2028z\n")
        outcome = count(output=str(tmp_path), output_format="mr-out")
        (tmp_path / "mr-out-x").write_text("somebody's line\n")
        (tmp_path / "mr-out-01").write_text("somebody's other line\n")

        assert outcome.results == {"a\u2028z": "2", "b": "1"}
        for part in tmp_path.glob("mr-out-[0-9]"):
            part.unlink()
        with pytest.raises(FileNotFoundError):
            _ = outcome.results

    def test_gives_back_nothing_of_a_form_that_others_read(self, tmp_path: Path, count: Callable[..., Any]) -> None:
        with pytest.raises(ValueError, match="are csv: read them"):
            _ = count(output=str(tmp_path / "r.csv")).results

    def test_prints_to_whatever_stands_for_standard_output(
        self, monkeypatch: pytest.MonkeyPatch, count: Callable[..., Any]
    ) -> None:
        monkeypatch.setattr("sys.stdout", io.StringIO())
        count(output="-", output_format="tsv", sort="value")

        import sys

        assert isinstance(sys.stdout, io.StringIO)
        assert sys.stdout.getvalue() == "key\tvalue\nc\t1\nb\t2\na\t3\n"
