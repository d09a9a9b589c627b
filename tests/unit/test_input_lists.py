"""Receipts of many inputs: they stay small, and verify checks each input all the same."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from word_counter import Outcome, run
from word_counter.errors import OutputError
from word_counter.receipts.verify import verify

_MANY = 200  # their lines have more than 32 kB together, and those of three of them do not


@pytest.fixture
def inputs(folder: Path) -> Path:
    """A folder with many small files."""
    made = folder / "in"
    made.mkdir()
    for n in range(_MANY):
        (made / f"file-{n:04}.txt").write_text("a b\n")
    return made


def _run(inputs: Path, output: Path, **settings: Any) -> Outcome:
    return run(inputs, output=str(output), engine="inline", **settings)


def _few(inputs: Path) -> None:
    for path in sorted(inputs.iterdir())[3:]:
        path.unlink()


def test_the_receipt_stays_small_and_names_a_list_of_all(folder: Path, inputs: Path) -> None:
    _run(inputs, folder / "results.json")

    receipt = (folder / "results.receipt.json").read_bytes()
    listed = json.loads(receipt)["inputs"]
    head, *lines = gzip.decompress((folder / "results.inputs.jsonl.gz").read_bytes()).splitlines()
    assert len(receipt) < 4_000
    assert (listed["list"], listed["inputs"]) == ("results.inputs.jsonl.gz", _MANY)
    assert json.loads(head)["format"] == "word_counter inputs 1"
    assert [json.loads(line)["path"] for line in lines] == [str(path) for path in sorted(inputs.iterdir())]


@pytest.mark.parametrize(
    ("output", "settings", "beside"),
    [
        ("results.json", {}, "results.inputs.jsonl.gz"),
        ("words.csv", {}, "words.csv.inputs.jsonl.gz"),
        ("parts", {"output_format": "mr-out"}, "parts/mr-out.inputs.jsonl.gz"),
    ],
)
def test_every_output_has_its_list_and_holds(
    folder: Path, inputs: Path, output: str, settings: dict[str, str], beside: str
) -> None:
    _run(inputs, folder / output, **settings)

    found = verify(str(folder / output))

    assert (folder / beside).is_file()
    assert found.holds
    assert found.inputs == _MANY


def test_an_input_that_was_edited_is_found(folder: Path, inputs: Path) -> None:
    _run(inputs, folder / "results.json")
    (inputs / "file-0123.txt").write_text("a c\n")

    (fault,) = verify(str(folder / "results.json")).faults

    assert (fault.of, fault.name) == ("input", str(inputs / "file-0123.txt"))


def test_a_list_that_was_edited_is_a_fault_and_is_not_believed(folder: Path, inputs: Path) -> None:
    _run(inputs, folder / "results.json")
    listed = folder / "results.inputs.jsonl.gz"
    listed.write_bytes(gzip.compress(gzip.decompress(listed.read_bytes()).replace(b"file-0001", b"file-0002")))

    found = verify(str(folder / "results.json"))

    assert [(fault.of, fault.name) for fault in found.faults] == [("receipt", str(listed))]
    assert found.inputs == 0
    assert found.unchecked == [(str(listed), f"{_MANY} inputs that it lists")]


def test_a_list_that_is_gone_is_a_fault(folder: Path, inputs: Path) -> None:
    _run(inputs, folder / "results.json")
    (folder / "results.inputs.jsonl.gz").unlink()

    (fault,) = verify(str(folder / "results.json")).faults

    assert (fault.of, fault.what) == ("receipt", "it is not there")


def test_the_list_of_an_earlier_job_goes_when_the_next_has_few_inputs(folder: Path, inputs: Path) -> None:
    _run(inputs, folder / "results.json")
    _few(inputs)

    _run(inputs, folder / "results.json")

    assert not (folder / "results.inputs.jsonl.gz").exists()
    assert isinstance(json.loads((folder / "results.receipt.json").read_text())["inputs"], list)
    assert verify(str(folder / "results.json")).holds


def test_a_file_of_somebody_else_in_its_place_is_left_alone(folder: Path, inputs: Path) -> None:
    theirs = folder / "results.inputs.jsonl.gz"
    theirs.write_bytes(gzip.compress(b"mine\n"))

    with pytest.raises(OutputError, match="is not a list of inputs"):
        _run(inputs, folder / "results.json")

    assert gzip.decompress(theirs.read_bytes()) == b"mine\n"


def test_the_list_is_no_input_of_the_next_run(folder: Path, inputs: Path) -> None:
    first = _run(inputs, inputs / "results.json")

    second = _run(inputs, inputs / "results.json")

    assert (first.files, second.files) == (_MANY, _MANY)
