"""Records: objects of JSON lines and rows of CSV, the same however the input is cut and wherever a row ends."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jobs import People
from tests.packed import PACKERS
from word_counter import Job, Mapper, Sum, UsageError, run
from word_counter.errors import JobLoadError, RecordError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import Piece, split_sources
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor

FIELDS = st.text(st.sampled_from('ab,;"\n é'), max_size=6)
ROWS = st.lists(st.lists(FIELDS, min_size=3, max_size=3), max_size=12)


def _read(path: Path, text: str, size: int = 3) -> tuple[list[Piece], list[list[Any]]]:
    """Return how a file is cut, and the records of each chunk."""
    form = InputFormat.parse(text)
    sources = find_sources(path)
    pieces = list(split_sources(sources, Cursor(), Cutting(size, records=form)))
    for number, piece in enumerate(pieces, 1):
        assert list(split_sources(sources, piece.cursor, Cutting(size, records=form))) == pieces[number:]
    with closing(ChunkReader(dict(enumerate(sources)), records=form)) as reader:
        return pieces, [list(reader.read(piece.chunk, piece.content)) for piece in pieces]


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, delimiter=st.sampled_from(",;"), every=st.booleans(), packed=st.booleans(), header=st.booleans())
def test_rows_come_out_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, **given: bool
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.csv"
    made = StringIO()
    names = ["the first", 'the "second', "the,third\n"]
    table = csv.writer(
        made,
        delimiter=delimiter,
        lineterminator="\n",
        quoting=csv.QUOTE_ALL if given["every"] else csv.QUOTE_MINIMAL,
    )
    table.writerows([names, *rows] if given["header"] else rows)
    content = made.getvalue().encode()
    path.write_bytes(PACKERS["gzip"](content) if given["packed"] else content)

    pieces, chunks = _read(path, f"csv delimiter={delimiter} header={'first' if given['header'] else 'none'}")

    expected = [dict(zip(names, row, strict=True)) for row in rows] if given["header"] else rows
    assert [record for chunk in chunks for record in chunk] == expected
    assert all(len(chunk) <= 3 for chunk in chunks)
    assert sum(piece.chunk.length for piece in pieces) == len(content)


@given(
    st.lists(st.recursive(st.none() | st.integers() | FIELDS, lambda inner: st.lists(inner, max_size=3)), max_size=9)
)
@settings(deadline=None)
def test_objects_come_out_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, objects: list[Any]) -> None:
    path = tmp_path_factory.mktemp("objects") / "a.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n\n" for one in objects))

    _, chunks = _read(path, "jsonl")

    assert [record for chunk in chunks for record in chunk] == objects


def test_a_run_says_it_in_place_of_the_job(folder: Path) -> None:
    (folder / "a").write_text("Rome;2\nBern;3\n")

    outcome = run(
        folder / "a",
        People,
        engine="inline",
        input_format="csv delimiter=; header=city,people",
        output=str(folder / "out.json"),
    )

    assert outcome.results == {"Rome": 2, "Bern": 3}


def test_a_row_that_does_not_fit_is_a_bad_record_with_its_line(folder: Path) -> None:
    (folder / "a.csv").write_text('city,people\nRome,2\n"Bern\n(old)",1,?\nRome,x\nRome,4\n')
    output = str(folder / "out.json")

    with pytest.raises(RecordError, match=r"a\.csv, .*line 3: .*: a row of 3 fields, where the header names 2$"):
        run(folder / "a.csv", People, engine="inline", output=output)

    outcome = run(folder / "a.csv", People, engine="inline", max_bad_records=2, output=output)
    assert outcome.results == {"Rome": 6}
    aside = [json.loads(line) for line in Path(outcome.quarantine).read_text().splitlines()]
    assert [(entry["line"], entry["text"]) for entry in aside] == [(3, '"Bern\n(old)",1,?'), (5, "Rome,x")]


@pytest.mark.parametrize(
    "text",
    ["xml", "csv delimiter=ab", "csv delimiter=none", "lines header=none", "csv escape=x", "csv header", "tsv quote=é"],
)
def test_what_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"input-format|must be one ASCII character"):
        InputFormat.parse(text)


def test_a_mapper_of_whole_chunks_takes_no_records(folder: Path) -> None:
    (folder / "a").write_text("a\n")

    with pytest.raises(UsageError, match=r"maps chunks of lines \(map_chunk\), and takes no"):
        run(folder / "a", engine="inline", input_format="csv", output=str(folder / "out.json"))


def test_what_a_mapper_says_is_not_passed_over_where_a_job_says_it() -> None:
    class Misplaced(Job):
        mapper, reducer = Mapper, Sum
        input_format = "csv"

    with pytest.raises(JobLoadError, match="Misplaced: input_format is what a mapper says"):
        Misplaced()
