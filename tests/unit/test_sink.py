"""Sink: readers see all of the results or none."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracle import results_text
from tests.processes import without_root
from word_counter.errors import OutputError
from word_counter.files.local_files import LocalDraft
from word_counter.outputs.quarantine import quarantine_path
from word_counter.outputs.sink import Sink

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


def write_results(
    rows: Iterable[tuple[str, Any]], output: str, job_id: str = "", form: str = "json", **more: Any
) -> None:
    Sink(output, form).write([rows], job_id, **more)


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


class TestLines:
    PAIRS: tuple[tuple[str, list[str]], ...] = (("a", ["x\ty", "\u00c3\u00bc \u00ff"]), ("b", []), ("c", [""]))
    BYTES = b"x\ty\n\xc3\xbc \xff\n\n"

    def test_are_written_byte_by_byte(self, tmp_path: Path) -> None:
        write_results(self.PAIRS, str(tmp_path / "results.txt"), form="lines")

        assert (tmp_path / "results.txt").read_bytes() == self.BYTES

    def test_are_printed_like_that(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        write_results(self.PAIRS, "-", form="lines")

        assert capfdbinary.readouterr().out == self.BYTES

    def test_that_are_many_are_written_like_few(self, tmp_path: Path) -> None:
        lines = [f"line {n:06d}" for n in range(50_000)]

        write_results(((line, [line, ""]) for line in lines), str(tmp_path / "results.txt"), form="lines")

        assert (tmp_path / "results.txt").read_text() == "".join(f"{line}\n\n" for line in lines)


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
        Sink(str(tmp_path / "a" / "b" / "results.json")).check()
        Sink(str(tmp_path / "results.json")).check()
        Sink("-").check()

        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_we_may_not_write_is_told_of_with_what_to_do(self, folder: Path) -> None:
        (folder / "closed").mkdir(mode=0o555)

        for name in ("closed/results.json", "closed/below/results.json"):
            with without_root(), pytest.raises(OutputError, match=r"cannot write .*closed.*--output"):
                Sink(str(folder / name)).check()

    def test_a_directory_a_pipe_and_what_lies_below_a_file_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        os.mkfifo(tmp_path / "pipe")

        for name in ("", "pipe", "file/results.json"):
            with pytest.raises(OutputError):
                Sink(str(tmp_path / name)).check()

    def test_writing_where_we_may_not_says_the_same(self, folder: Path) -> None:
        (folder / "closed").mkdir(mode=0o555)

        with without_root(), pytest.raises(OutputError, match=r"cannot write .*closed.*--output"):
            write_results([], str(folder / "closed" / "results.json"))


class TestTheOutputItself:
    @pytest.mark.parametrize(
        "name", ["", "new/", "new/deeper/", ".", "..", "new/.", "here/", "nul\x00inside", "x" * 256]
    )
    def test_that_names_no_file_is_refused_and_no_folder_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path)

        with pytest.raises(OutputError) as caught:
            Sink(name).check()

        assert "\n" not in str(caught.value)
        assert [path.name for path in tmp_path.iterdir()] == ["here"]

    @pytest.mark.parametrize("target", ["nowhere/results.json", "link.json"])
    def test_that_is_a_link_which_leads_nowhere_is_refused(self, tmp_path: Path, target: str) -> None:
        (tmp_path / "link.json").symlink_to(tmp_path / target)

        with pytest.raises(OutputError, match="leads nowhere"):
            Sink(str(tmp_path / "link.json")).check()

        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody else")
    def test_that_is_a_link_which_somebody_else_made_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "victim").write_text("mine")
        (tmp_path / "link.json").symlink_to("victim")
        os.lchown(tmp_path / "link.json", 12345, 12345)

        with pytest.raises(OutputError, match=r"a link to victim that another user made \(user 12345\)"):
            Sink(str(tmp_path / "link.json")).check()

        os.lchown(tmp_path / "link.json", 0, 0)
        Sink(str(tmp_path / "link.json")).check()

    def test_may_be_a_link_to_a_file_that_is_not_there_yet(self, tmp_path: Path) -> None:
        (tmp_path / "link.json").symlink_to(tmp_path / "real.json")

        Sink(str(tmp_path / "link.json")).check()
        write_results([], str(tmp_path / "link.json"))

        assert (tmp_path / "link.json").is_symlink()
        assert (tmp_path / "real.json").read_text() == "{}\n"

    def test_below_a_current_directory_that_is_gone_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()

        for name in ("results.json", "new/results.json"):
            with pytest.raises(OutputError, match=r"cannot write .*directory is gone"):
                Sink(name).check()

    def test_with_a_name_as_long_as_names_may_be_is_written(self, tmp_path: Path) -> None:
        output = str(tmp_path / ("\u00fc" * 110))

        Sink(output).check()
        write_results([], output)

        assert Path(output).read_text() == "{}\n"


class TestStandardOutput:
    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
    def test_that_takes_nothing_is_told_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with open("/dev/full", "w") as full:
            monkeypatch.setattr(sys, "stdout", full)
            with pytest.raises(OutputError, match="standard output: No space left on device"):
                write_results([("a", 1)], "-")
            monkeypatch.undo()
            with contextlib.suppress(OSError):
                full.close()

    def test_that_is_closed_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdout", None)

        with pytest.raises(OutputError, match="standard output is closed"):
            Sink("-").check()

    def test_gets_no_whole_object_when_it_is_not_confirmed(self, capsys: pytest.CaptureFixture[str]) -> None:
        def refuse() -> None:
            raise KeyboardInterrupt

        for n in (1, 100_000):
            with pytest.raises(KeyboardInterrupt):
                write_results(((f"key {i:06d}", i) for i in range(n)), "-", confirm=refuse)
            with pytest.raises(json.JSONDecodeError):
                json.loads(capsys.readouterr().out)


def _entry(line: int) -> str:
    return json.dumps({"file": "in.txt", "offset": 0, "line": line, "text": "", "reason": "bad"})


class TestQuarantine:
    def test_is_a_line_each_beside_the_results(self, tmp_path: Path) -> None:
        output = str(tmp_path / "results.json")

        write_results([], output, aside=[_entry(1), _entry(2)])

        assert (tmp_path / "quarantine.jsonl").read_text() == f"{_entry(1)}\n{_entry(2)}\n"

    def test_of_an_earlier_job_goes_when_there_is_none(self, tmp_path: Path) -> None:
        output = str(tmp_path / "results.json")
        write_results([], output, aside=[_entry(1)])

        write_results([("a", 1)], output)

        assert [path.name for path in tmp_path.iterdir()] == ["results.json"]

    def test_is_that_of_one_output_alone(self, tmp_path: Path) -> None:
        names = ["results.json", "a.json", "a", "b.json"]
        for line, name in enumerate(names):
            write_results([], str(tmp_path / name), aside=[_entry(line)])
        paths = [Path(quarantine_path(str(tmp_path / name), "")) for name in names]
        assert [json.loads(path.read_text())["line"] for path in paths] == [0, 1, 2, 3]

        write_results([], str(tmp_path / "a.json"))

        assert [path.exists() for path in paths] == [True, False, True, True]

    def test_of_standard_output_is_named_after_the_job(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write_results([], "results.json", "other", aside=[_entry(1)])

        write_results([], "-", "mine", aside=[_entry(2)])
        write_results([], "-", "third")

        assert capsys.readouterr().out == "{}\n{}\n"
        assert json.loads(Path("mine.quarantine.jsonl").read_text())["line"] == 2
        assert json.loads(Path("quarantine.jsonl").read_text())["line"] == 1

    @pytest.mark.parametrize("new", [None, [_entry(2)]])
    def test_and_results_stay_as_they_were_when_the_new_ones_are_not_confirmed(
        self, tmp_path: Path, new: list[str] | None
    ) -> None:
        output = str(tmp_path / "results.json")
        write_results([("old", 1)], output, aside=[_entry(1)])
        before = {path: path.read_text() for path in tmp_path.iterdir()}

        def refuse() -> None:
            assert {path: path.read_text() for path in before} == before
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_results([("new", 1)], output, aside=new, confirm=refuse)
        with pytest.raises(KeyboardInterrupt):
            write_results(_interrupted(), output, aside=new)

        assert {path: path.read_text() for path in tmp_path.iterdir()} == before

    def test_is_seen_before_the_results_and_goes_after_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output = tmp_path / "results.json"
        seen: list[tuple[str, bool, bool]] = []

        def look(step: str) -> Callable[..., None]:
            real = getattr(os, step)

            def looked(*args: Any) -> None:
                real(*args)
                seen.append((step, output.exists(), (tmp_path / "quarantine.jsonl").exists()))

            return looked

        for step in ("replace", "unlink"):
            monkeypatch.setattr(os, step, look(step))
        write_results([], str(output), aside=[_entry(1)])
        write_results([], str(output))

        assert seen == [
            ("replace", False, True),
            ("replace", True, True),
            ("replace", True, True),
            ("unlink", True, False),
        ]

    def test_stays_when_a_folder_has_come_into_the_place_of_the_results(self, tmp_path: Path) -> None:
        write_results([], str(tmp_path / "results.json"), aside=[_entry(1)])
        (tmp_path / "results.json").unlink()

        with pytest.raises(OutputError):
            write_results(
                [], str(tmp_path / "results.json"), aside=[_entry(2)], confirm=(tmp_path / "results.json").mkdir
            )

        assert json.loads((tmp_path / "quarantine.jsonl").read_text())["line"] == 1

    @pytest.mark.parametrize("text", ["", "mine\n", "[]\n", '{"a": 1}\n'])
    def test_that_is_a_file_of_the_users_own_is_in_the_way_and_never_removed(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "quarantine.jsonl").write_text(text)

        with pytest.raises(OutputError, match="is in the way"):
            Sink(str(tmp_path / "results.json")).check()
        write_results([], str(tmp_path / "results.json"))

        assert (tmp_path / "quarantine.jsonl").read_text() == text

    def test_that_is_a_directory_or_a_pipe_is_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "quarantine.jsonl").mkdir()
        os.mkfifo(tmp_path / "a.json.quarantine.jsonl")

        for name in ("results.json", "a.json"):
            with pytest.raises(OutputError, match="in the way"):
                Sink(str(tmp_path / name)).check()

    def test_that_this_package_wrote_is_not_in_the_way(self, tmp_path: Path) -> None:
        write_results([], str(tmp_path / "results.json"), aside=[_entry(1)])

        Sink(str(tmp_path / "results.json")).check()


class TestADraft:
    def test_of_a_process_that_was_killed_goes_with_the_next_and_nothing_else_does(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(LocalDraft, "most_locked", 2)
        others = {".a.json.tmp", ".a.json.abcdefgh.tmp", "a.json.abcdefgh.wc.tmp", ".a.json.abc.wc.tmp"}
        for name in others | {".killed.json.abcd_123.wc.tmp"}:
            (folder / name).touch()

        with ExitStack() as stack:
            drafts = [
                stack.enter_context(LocalDraft(str(folder / f"{n}.json"), lambda file: file.writelines([b"{}"])))
                for n in range(4)  # two of them are held
            ]
            assert {path.name for path in folder.iterdir()} >= others
            assert len(list(folder.iterdir())) == len(others) + 4
            for draft in drafts[:-1]:
                draft.show()

        assert {path.name for path in folder.iterdir()} == others | {"0.json", "1.json", "2.json"}
        with LocalDraft(str(folder / "5.json"), lambda _: None):  # those before are held no more
            assert len(list(folder.glob(".5.json.*.wc.tmp"))) == 1
