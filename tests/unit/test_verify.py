"""Verify: what it finds when results or inputs are not those of the receipt."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.packed import PACKERS, SUFFIXES
from word_counter import Outcome, run
from word_counter.cli.main import main
from word_counter.errors import OutputError, UsageError
from word_counter.receipts.verification import Verification
from word_counter.receipts.verify import verify

TEXTS = {"a.txt": b"the cat\nthe dog\n\nthe fox\n", "b.txt": b"one fish\ntwo fish\n"}


class Place:
    """A folder with inputs, a job over them, and its results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self.inputs.mkdir()
        for name, text in TEXTS.items():
            (self.inputs / name).write_bytes(text)
        self.results = folder / "out" / "results.json"
        self.receipt = folder / "out" / "results.receipt.json"

    def run(self, output: Path | None = None, **settings: Any) -> Outcome:
        settings = {"engine": "inline", "chunk_size": 1, **settings}
        return run(self.inputs, output=str(output or self.results), **settings)

    def verify(self, **more: Any) -> Verification:
        return verify(str(self.results), **more)


@pytest.fixture
def place(folder: Path) -> Place:
    return Place(folder)


def found(verification: Verification) -> list[tuple[str, str]]:
    return [(fault.of, Path(fault.name).name) for fault in verification.faults]


def test_what_nobody_touched_holds(place: Place) -> None:
    outcome = place.run()

    verification = place.verify()

    assert verification.holds
    assert outcome.receipt == str(place.receipt)
    assert (verification.results, verification.inputs) == (1, 2)
    assert verification.bytes == sum(map(len, TEXTS.values())) + place.results.stat().st_size


def edited(path: Path) -> None:
    """Change one byte in the middle, and no size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more\n")


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [edited, longer, shorter, gone])
@pytest.mark.parametrize("name", ["in/a.txt", "out/results.json"])
def test_what_was_changed_is_named_alone(place: Place, change: Callable[[Path], None], name: str) -> None:
    place.run()

    change(place.folder / name)

    path = place.folder / name
    assert found(place.verify()) == [("input" if path.parent == place.inputs else "result", path.name)]


def test_lines_that_went_from_one_chunk_into_another_are_an_edit(place: Place) -> None:
    place.run(chunk_size=2)

    (place.inputs / "a.txt").write_bytes(b"the cat\nthe fox\n\nthe dog\n")

    assert found(place.verify()) == [("input", "a.txt")]


def test_a_receipt_of_another_job_is_not_taken(place: Place) -> None:
    place.run()
    (place.inputs / "b.txt").write_bytes(b"other words\n")
    place.run(place.folder / "other" / "results.json")

    shutil.copy(place.folder / "other" / "results.receipt.json", place.receipt)

    assert found(place.verify()) == [("result", "results.json")]


@pytest.mark.parametrize(
    "edit",
    [
        lambda receipt: receipt["counts"].update(lines_mapped=7),
        lambda receipt: receipt["counts"].update(lines_read=1, lines_mapped=1),
        lambda receipt: receipt["phases"][0].update(pairs_into_reduce=3),
        lambda receipt: receipt["inputs"].pop(),
    ],
)
def test_a_receipt_whose_figures_do_not_go_together_is_noticed(place: Place, edit: Callable[[Any], None]) -> None:
    place.run()
    receipt = json.loads(place.receipt.read_text())

    edit(receipt)
    place.receipt.write_text(json.dumps(receipt))

    assert "receipt" in {fault.of for fault in place.verify().faults}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("r.json", "auto"),
        ("r.jsonl", "auto"),
        ("r.csv", "auto"),
        ("r.tsv", "auto"),
        ("r.parquet", "auto"),
        ("r.sqlite", "auto"),
        ("parts", "mr-out"),
    ],
)
def test_results_of_every_form_have_a_receipt(place: Place, name: str, form: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    outcome = place.run(place.folder / "out" / name, output_format=form, partitions=3)

    first = verify(str(place.folder / "out" / name))
    assert first.holds
    assert first.results == (3 if form == "mr-out" else 1)
    assert Path(outcome.receipt).exists()
    edited(place.folder / "out" / (f"{name}/mr-out-1" if form == "mr-out" else name))
    assert [of for of, _ in found(verify(str(place.folder / "out" / name)))] == ["result"]


def test_a_part_of_other_results_is_noticed(place: Place) -> None:
    parts = place.folder / "parts"
    place.run(parts, output_format="mr-out", partitions=2)

    (parts / "mr-out-2").write_bytes(b"")

    assert found(verify(str(parts))) == [("result", "mr-out-2")]


@pytest.mark.parametrize("packing", PACKERS)
def test_packed_inputs_are_known_by_what_they_hold(place: Place, packing: str) -> None:
    text = TEXTS["a.txt"] * 100
    path = place.inputs / f"a{SUFFIXES[packing]}"
    path.write_bytes(PACKERS[packing](text))
    place.run()
    assert place.verify().holds

    path.write_bytes(PACKERS[packing](text.replace(b"fox", b"box")))
    assert found(place.verify()) == [("input", path.name)]
    path.write_bytes(PACKERS[packing](text)[:-9])
    assert found(place.verify()) == [("input", path.name)]


def test_of_an_archive_the_file_is_named(place: Place) -> None:
    archive = place.folder / "in.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(place.inputs, "in")
    shutil.rmtree(place.inputs)
    place.inputs = archive
    place.run()
    assert place.verify().holds

    archive.write_bytes(archive.read_bytes().replace(b"two fish", b"six fish"))

    assert found(place.verify()) == [("input", "b.txt")]


def test_inputs_that_were_moved_are_found_where_they_are(place: Place) -> None:
    place.run()
    place.inputs.rename(place.folder / "elsewhere")

    assert found(place.verify()) == [("input", "a.txt"), ("input", "b.txt")]
    assert place.verify(moved=[(str(place.inputs), str(place.folder / "elsewhere"))]).holds


def test_a_csv_file_with_a_header_holds(place: Place) -> None:
    (place.inputs / "a.txt").write_bytes(b'name,n\n"a\nb",1\nc,2\n')

    place.run(input_format="csv", job=_names())

    assert place.verify().holds
    assert json.loads(place.receipt.read_text())["counts"]["header_lines"] == 2


def _names() -> Any:
    from word_counter import Job, Mapper, Sum

    class Names(Mapper):
        def map(self, line: Any) -> Any:
            yield "rows", 1

    return Job(mapper=Names, reducer=Sum)


def test_what_is_set_aside_is_in_the_receipt(place: Place) -> None:
    from tests.jobs import Failing

    (place.inputs / "a.txt").write_bytes(b"fine\nboom\nfine\n")
    place.run(job=Failing, max_bad_records=1)

    counts = json.loads(place.receipt.read_text())["counts"]
    assert (counts["lines_read"], counts["lines_mapped"], counts["lines_set_aside"]) == (5, 4, 1)
    assert place.verify().holds
    (place.results.parent / "quarantine.jsonl").unlink()
    assert found(place.verify()) == [("result", "quarantine.jsonl")]


def test_what_is_no_receipt_is_not_replaced_by_one(place: Place) -> None:
    place.receipt.parent.mkdir()
    place.receipt.write_text("mine")

    with pytest.raises(OutputError, match="is in the way"):
        place.run()

    assert place.receipt.read_text() == "mine"


def test_a_receipt_is_no_input_of_the_next_run(place: Place) -> None:
    place.results = place.inputs / "results.json"
    first = place.run()
    second = place.run()

    assert second.files == first.files == 2


def test_standard_output_has_none(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(place.inputs, engine="inline", output="-")

    assert outcome.receipt == ""
    assert sorted(path.name for path in place.folder.iterdir()) == ["in"]
    assert json.loads(capsys.readouterr().out)["fish"] == 2


class TestCommand:
    def _verify(self, *args: str) -> Result:
        return CliRunner().invoke(main, ["verify", *args])

    def test_says_that_all_holds(self, place: Place) -> None:
        place.run()

        said = self._verify(str(place.results))

        assert said.exit_code == 0
        assert "holds (1 file of results, 2 inputs" in said.stdout

    def test_says_what_does_not_and_ends_with_1(self, place: Place) -> None:
        place.run()
        longer(place.inputs / "b.txt")

        said = self._verify(str(place.results))
        as_json = self._verify(str(place.results), "--json")

        assert said.exit_code == as_json.exit_code == 1
        assert f"input {place.inputs / 'b.txt'}: it was edited: it has 23 bytes, and had 18" in said.stdout
        content = json.loads(as_json.stdout)
        assert content["ok"] is False
        assert [(fault["of"], fault["name"]) for fault in content["faults"]] == [("input", str(place.inputs / "b.txt"))]

    @pytest.mark.parametrize("content", [None, "{}", "not JSON", '{"format": "word_counter receipt 1"}'])
    def test_without_a_receipt_it_is_a_usage_error(self, place: Place, content: str | None) -> None:
        place.run()
        place.receipt.unlink()
        if content is not None:
            place.receipt.write_text(content)

        said = self._verify(str(place.results))

        assert said.exit_code == 2
        assert "receipt" in said.stderr

    def test_takes_the_receipt_from_where_it_is_told(self, place: Place) -> None:
        place.run()
        place.receipt.rename(place.folder / "kept.json")

        assert self._verify(str(place.results), "--receipt", str(place.folder / "kept.json")).exit_code == 0

    def test_refuses_a_move_that_is_none(self, place: Place) -> None:
        assert self._verify(str(place.results), "--moved", "here").exit_code == UsageError.exit_code


def test_a_file_that_was_packed_anew_is_the_same(place: Place) -> None:
    path = place.inputs / "a.gz"
    path.write_bytes(gzip.compress(TEXTS["a.txt"] * 9, 9))
    place.run()

    path.write_bytes(gzip.compress(TEXTS["a.txt"] * 9, 0))

    assert place.verify().holds


def test_a_store_that_cannot_be_reached_is_no_missing_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens
        env = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{nobody.getsockname()[1]}", "AWS_MAX_ATTEMPTS": "1"}
        for name, value in {**env, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}.items():
            monkeypatch.setenv(name, value)

        with pytest.raises(OutputError, match=r"cannot read s3://bucket/r\.json\.receipt\.json: Could not connect"):
            verify("s3://bucket/r.json")
