"""Odd inputs on every engine: tables with odd headers, text with lone surrogates, odd names, streams with a name."""

from __future__ import annotations

import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import EngineUnderTest
from tests.jobs import People
from tests.packed import tar, zipped
from word_counter import Job, Mapper, Sum
from word_counter.errors import EncodingError, InputError
from word_counter.jobs.grep import Grep
from word_counter.jobs.inverted_index import InvertedIndex
from word_counter.jobs.join import Join
from word_counter.jobs.word_count import WordCount
from word_counter.observer import Observer
from word_counter.receipts.verify import verify


class KeyValue(Mapper):
    input_format = "jsonl"

    def map(self, record: Any) -> Iterator[tuple[Any, Any]]:
        yield record["k"], record["v"]


class Sums(Job):
    mapper = KeyValue
    reducer = Sum


class Heard(Observer):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warned(self, message: str) -> None:
        self.lines.append(message)


class Utf16Words(WordCount):
    encoding = "utf-16-le"


@pytest.mark.parametrize("chunk_size", [1, 100])
@pytest.mark.parametrize(
    "text",
    [
        "\ncity,people\nOslo,5\nRome,2\n",
        "\r\n\r\ncity,people\r\nOslo,5\r\nRome,2\r\n",
        "\t\ncity,people\nOslo,5\nRome,2\n",
        " \t \r\n\f\ncity,people\r\nOslo,5\r\nRome,2\r\n",
        "  \n\ncity,people\n\nOslo,5\nRome,2",
        '\ufeff"city",people\nOslo,5\nRome,2\n',
        '\ufeff\n"city","people"\nOslo,5\nRome,2\n',
        'city,people\n"Oslo","5"\nRome,2\n',
    ],
)
def test_tables_are_read_however_they_begin(engine: EngineUnderTest, folder: Path, text: str, chunk_size: int) -> None:
    (folder / "a.csv").write_bytes(text.encode())

    for given in ("csv", "csv quote=none") if '"' not in text else ("csv",):
        results = engine.results(folder / "a.csv", People, chunk_size=chunk_size, input_format=given)

        assert json.loads(results) == {"Oslo": 5, "Rome": 2}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("city,people,people\nOslo,5,7\n", r"line 1: the header names 'people' more than once \(columns 2 and 3\)"),
        ("\n\ncity,people,city\nOslo,5,7\n", r"line 3: the header names 'city' more than once \(columns 1 and 3\)"),
        ("city,people,,\nOslo,5,,\n", r"line 1: the header names '' more than once \(columns 3 and 4\)"),
        ('city,"peo"ple\nOslo,5\n', "line 1: the header .* is no row of csv: ',' expected after"),
        ('city,"people', "line 1: the header .* is no row of csv"),
        ("city,people\rOslo,5\rRome,2\r", "line 1: the header .* old Macs"),
    ],
)
def test_a_header_that_is_none_is_refused_by_file_and_line_before_the_run(
    engine: EngineUnderTest, folder: Path, text: str, why: str
) -> None:
    (folder / "a.csv").write_text("city,people\nOslo,5\n", newline="")
    (folder / "b.csv").write_text(text, newline="")

    error, said = engine.failure([folder / "a.csv", folder / "b.csv"], People)

    assert isinstance(error, InputError)
    assert f"{folder}/b.csv, line" in said
    with pytest.raises(InputError, match=why):
        raise error


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Oslo,1\rRome,2\n", "this is no row of csv: it has line breaks of old Macs"),
        ('"Oslo,1\nRome,2\n', "this is no row of csv: a quote that opens in it is not closed"),
        ('"Os"lo,1\n', "this is no row of csv: ',' expected after"),
        ('"Os\nlo",1,2\n', "a row of 3 fields, where the header names 2"),
        ("Oslo\n", "a row of 1 field, where the header names 2"),
    ],
)
def test_a_row_that_is_none_is_named_by_the_line_on_which_it_begins_and_blames_no_code(
    engine: EngineUnderTest, folder: Path, text: str, why: str
) -> None:
    path = folder / "a.csv"
    path.write_text(f"city,people\nBern,3\n{text}", newline="")

    _, said = engine.failure(path, People)
    outcome = engine.run(path, People, max_bad_records=1)

    assert f"{path}, byte 19, line 3: " in said
    assert why in said
    assert "Traceback" not in said
    assert "failed in /" not in said
    assert json.loads(engine.output.read_bytes()) == {"Bern": 3}
    (entry,) = map(json.loads, Path(outcome.quarantine).read_text().splitlines())
    assert entry["line"] == 3
    assert entry["reason"].startswith(why)


def test_a_line_that_is_no_json_blames_no_code(engine: EngineUnderTest, folder: Path) -> None:
    (folder / "a.jsonl").write_text('{"k": "a", "v": 1}\n{"k" 1}\n')

    _, said = engine.failure(folder / "a.jsonl", Sums)

    assert "a.jsonl, byte 19, line 2: '{\"k\" 1}': this is no JSON: Expecting ':' delimiter at column 6" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("left_key", "third", "why"),
    [("nobody", False, "there is no field 'nobody', only id, name"), ("id", True, "c.csv is neither left nor right")],
)
def test_what_cannot_be_joined_blames_no_code(
    engine: EngineUnderTest, folder: Path, left_key: str, why: str, *, third: bool
) -> None:
    for name in ("a", "b", *(["c"] if third else [])):
        (folder / f"{name}.csv").write_text("id,name\n1,x\n")
    params = {"left": "a.csv", "right": "b.csv", "left_key": left_key, "right_key": "id"}

    _, said = engine.failure(sorted(folder.glob("?.csv")), Join(params=params))

    assert f"{folder}/{'c' if third else 'a'}.csv, byte 8, line 2: '1,x': " in said
    assert why in said
    assert "Traceback" not in said


def test_a_header_in_an_archive_is_refused_when_it_is_read(engine: EngineUnderTest, folder: Path) -> None:
    with tarfile.open(folder / "a.tar", "w") as archive:
        info = tarfile.TarInfo("b.csv")
        content = b"city,city,people\nOslo,5,1\n"
        info.size = len(content)
        archive.addfile(info, BytesIO(content))

    _, said = engine.failure(folder / "a.tar", People)

    assert f"{folder}/a.tar!b.csv, line 1: the header names 'city' more than once" in said


@pytest.fixture
def cut_off(folder: Path) -> Path:
    """A file of JSON lines of which one has half a character as a key, and one as a value in a list."""
    lines = [json.dumps({"k": "ok", "v": 1})] * 50
    lines[30] = '{"k": "cut \\ud83d", "v": 1}'
    (folder / "many.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "many.jsonl"


def test_a_lone_surrogate_is_named_by_its_line(engine: EngineUnderTest, cut_off: Path) -> None:
    error, said = engine.failure(cut_off, Sums)

    assert "many.jsonl, byte 600, line 31: " in said
    assert "is not valid Unicode text" in said
    assert isinstance(error, EncodingError) or engine.name == "redis"


def test_a_lone_surrogate_makes_a_bad_record_that_can_be_set_aside(engine: EngineUnderTest, cut_off: Path) -> None:
    outcome = engine.run(cut_off, Sums, max_bad_records=1)

    assert json.loads(engine.output.read_bytes()) == {"ok": 49}
    assert outcome.bad_records == 1
    (entry,) = map(json.loads, Path(outcome.quarantine).read_text().splitlines())
    assert (entry["line"], entry["text"]) == (31, '{"k": "cut \\ud83d", "v": 1}')
    assert "is not valid Unicode text" in entry["reason"]


def test_pairs_of_surrogates_are_a_character(engine: EngineUnderTest, folder: Path) -> None:
    (folder / "a.jsonl").write_text('{"k": "\\ud83d\\ude00", "v": 1}\n')

    assert json.loads(engine.results(folder / "a.jsonl", Sums)) == {"\U0001f600": 1}


@pytest.mark.parametrize("transport", ["auto", "inline"])
def test_a_file_name_that_is_no_utf_8_is_spelled_out_and_used(
    engine: EngineUnderTest, folder: Path, transport: str
) -> None:
    folder = folder / "in"
    folder.mkdir()
    path = os.fsdecode(os.fsencode(folder) + b"/caf\xe9\n.txt")
    Path(path).write_text("a b a\n")
    name = f"{folder}/caf\\xe9\n.txt"
    (folder / "caf\\xe9\n.txt").write_text("c\n")  # which is another name, though it looks like this one

    found = json.loads(engine.results(folder, InvertedIndex, transport=transport))
    lines = json.loads(engine.results(path, Grep(params={"pattern": "a"}), transport=transport))

    assert found == {"a": [name], "b": [name], "c": [name.replace("\\", "\\\\")]}
    assert lines == {name: [[1, "a b a"]]}
    assert verify(str(engine.output)).holds


@pytest.mark.parametrize("chunk_size", [1, 7, 1_000])
@pytest.mark.parametrize("transport", ["auto", "inline"])
def test_utf_16_counts_as_the_same_text_in_utf_8(
    engine: EngineUnderTest, folder: Path, transport: str, chunk_size: int
) -> None:
    text = "".join(f"error {number} disk\r\n\u0a0a warning\n" for number in range(20))
    (folder / "8").write_bytes(text.encode())
    (folder / "16").write_bytes(text.encode("utf-16"))
    (folder / "16le").write_bytes(text.encode("utf-16-le"))
    given = {"transport": transport, "chunk_size": chunk_size}

    wanted = engine.results(folder / "8", WordCount, **given)

    assert engine.results(folder / "16", WordCount, **given) == wanted
    assert engine.results(folder / "16le", Utf16Words, **given) == wanted
    assert verify(str(engine.output)).holds
    assert engine.results(folder / "16le", WordCount, encoding="utf_16_LE", **given) == wanted


def test_a_pipe_and_a_file_that_lies_about_its_size_are_read_to_their_ends(
    engine: EngineUnderTest, folder: Path
) -> None:
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=lambda: (folder / "pipe").write_text("word " * 50_000))
    writer.start()

    results = json.loads(engine.results([folder / "pipe"]))

    writer.join()
    assert results == {"word": 50_000}


@pytest.fixture
def piped(folder: Path) -> Iterator[Callable[[bytes], Path]]:
    """Return what makes a pipe that holds some bytes."""
    writers: list[threading.Thread] = []

    def made(content: bytes) -> Path:
        path = folder / f"pipe{len(writers)}"
        os.mkfifo(path)
        writers.append(threading.Thread(target=lambda: path.write_bytes(content)))
        writers[-1].start()
        return path

    yield made
    for writer in writers:
        writer.join()


def test_what_comes_by_a_pipe_and_is_no_text_is_told_of_once(
    engine: EngineUnderTest, folder: Path, piped: Callable[[bytes], Path]
) -> None:
    table, macs, text = piped(b"SQLite format 3\0\n" * 9), piped(b"one\rtwo"), piped(b"one two\n")

    heard = Heard()
    engine.run([table, macs, text], WordCount, observer=heard)

    binary, old = [line for line in heard.lines if str(folder) in line]
    assert binary == f"looks like no text: {table} (an SQLite database); its bytes are read as lines all the same"
    assert old.startswith(f"the lines of {macs} end with a carriage return alone, which ends no line here: ")


@pytest.mark.parametrize("what", ["zip", "tar"])
def test_an_archive_that_comes_by_a_pipe_is_refused_as_one(
    engine: EngineUnderTest, piped: Callable[[bytes], Path], what: str
) -> None:
    files = {"a": b"text\n"}

    _, said = engine.failure(piped(zipped(files) if what == "zip" else tar(files)), WordCount)

    assert f"pipe0 is a {what} archive, which cannot be read from a stream; write it to a file, and name that" in said


def test_a_pipe_that_ends_within_a_character_is_refused(
    engine: EngineUnderTest, piped: Callable[[bytes], Path]
) -> None:
    _, said = engine.failure(piped("one\n".encode("utf-16") + b"t"), WordCount)

    assert "pipe0 is cut off: it ends in the middle of a character of UTF-16-LE" in said


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="there is no /proc")
def test_files_of_proc_and_dev_are_read_as_what_they_hold(engine: EngineUnderTest, folder: Path) -> None:
    (folder / "copy").write_bytes(Path("/proc/version").read_bytes())

    assert engine.results("/proc/version") == engine.results(folder / "copy")
    assert json.loads(engine.results("/dev/null")) == {}
