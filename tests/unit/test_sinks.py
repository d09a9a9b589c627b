"""Sinks: results are one JSON object that is seen whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracle import results_text
from tests.processes import without_root
from word_counter.errors import OutputError
from word_counter.sinks import check_writable, quarantine_path, write_quarantine, write_results

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_TEXT, _VALUES, max_size=8))
def test_the_file_is_what_json_would_write(tmp_path: Path, results: dict[str, Any]) -> None:
    output = tmp_path / "results.json"

    write_results(sorted(results.items()), str(output))

    assert output.read_bytes() == results_text(results).encode()


def test_many_results_are_written_like_few(tmp_path: Path) -> None:
    results = {f"key {n:06d}": n for n in range(50_000)}

    write_results(iter(results.items()), str(tmp_path / "results.json"))

    assert (tmp_path / "results.json").read_text() == results_text(results)


def test_standard_output_gets_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    write_results([("a", 1), ("\u00fc", [2])], "-")

    assert capsys.readouterr().out == results_text({"a": 1, "\u00fc": [2]})


def _interrupted() -> Iterator[tuple[str, int]]:
    yield "a", 1
    raise KeyboardInterrupt


class TestAFileThatIsThere:
    def test_is_replaced_whole(self, tmp_path: Path) -> None:
        output = tmp_path / "results.json"
        output.write_text("old")
        seen: list[str] = []

        def results() -> Iterator[tuple[str, int]]:
            for n in range(100_000):
                if n % 20_000 == 0:
                    seen.append(output.read_text())
                yield f"key {n:06d}", n

        write_results(results(), str(output), confirm=lambda: seen.append(output.read_text()))

        assert set(seen) == {"old"}
        assert output.stat().st_size > 1_000_000

    def test_stays_when_writing_fails_and_nothing_else_is_left(self, tmp_path: Path) -> None:
        output = tmp_path / "results.json"
        output.write_text("old")

        with pytest.raises(KeyboardInterrupt):
            write_results(_interrupted(), str(output))

        assert output.read_text() == "old"
        assert list(tmp_path.iterdir()) == [output]

    def test_stays_when_it_is_not_confirmed(self, tmp_path: Path) -> None:
        output = tmp_path / "results.json"
        output.write_text("old")

        def refuse() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_results([("a", 1)], str(output), confirm=refuse)

        assert output.read_text() == "old"
        assert list(tmp_path.iterdir()) == [output]

    def test_behind_a_link_is_replaced_where_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "real.json").write_text("old")
        (tmp_path / "link.json").symlink_to(tmp_path / "real.json")

        write_results([], str(tmp_path / "link.json"))

        assert (tmp_path / "link.json").is_symlink()
        assert (tmp_path / "real.json").read_text() == "{}\n"


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_results([], str(tmp_path / "a" / "b" / "results.json"))

    assert (tmp_path / "a" / "b" / "results.json").read_text() == "{}\n"


def test_others_may_read_the_results_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_results([], str(tmp_path / "results.json"))
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "results.json").stat().st_mode) == 0o640


class TestChecking:
    def test_leaves_nothing_behind(self, tmp_path: Path) -> None:
        check_writable(str(tmp_path / "a" / "b" / "results.json"))
        check_writable(str(tmp_path / "results.json"))
        check_writable("-")

        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_we_may_not_write_is_told_of_with_what_to_do(self, folder: Path) -> None:
        (folder / "closed").mkdir(mode=0o555)

        for name in ("closed/results.json", "closed/below/results.json"):
            with without_root(), pytest.raises(OutputError, match=r"cannot write .*closed.*--output"):
                check_writable(str(folder / name))

    def test_a_directory_a_pipe_and_what_lies_below_a_file_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        os.mkfifo(tmp_path / "pipe")

        for name in ("", "pipe", "file/results.json"):
            with pytest.raises(OutputError):
                check_writable(str(tmp_path / name))

    def test_writing_where_we_may_not_says_the_same(self, folder: Path) -> None:
        (folder / "closed").mkdir(mode=0o555)

        with without_root(), pytest.raises(OutputError, match=r"cannot write .*closed.*--output"):
            write_results([], str(folder / "closed" / "results.json"))


class TestQuarantine:
    def test_is_a_line_each_beside_the_results(self, tmp_path: Path) -> None:
        output = str(tmp_path / "results.json")

        write_quarantine(['{"a": 1}', '{"b": 2}'], output)

        assert Path(quarantine_path(output)).parent == tmp_path
        assert Path(quarantine_path(output)).read_text() == '{"a": 1}\n{"b": 2}\n'

    def test_of_an_earlier_job_goes_when_there_is_none(self, tmp_path: Path) -> None:
        output = str(tmp_path / "results.json")
        write_quarantine(["{}"], output)

        write_quarantine(None, output)

        assert list(tmp_path.iterdir()) == []
