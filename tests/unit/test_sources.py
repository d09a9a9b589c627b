"""Sources: which files inputs stand for, and which changes of files are noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packed import zipped
from tests.processes import without_root
from word_counter.errors import InputChangedError, InputError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.sources import check_sources, find_sources
from word_counter.job.model import Chunk, Cursor, Source
from word_counter.outputs.sink import Sink


def _names(sources: list[Source], folder: Path) -> list[str]:
    return [str(Path(source.path).relative_to(folder)) for source in sources]


@pytest.fixture
def tree(folder: Path) -> Path:
    for name in ("b.txt", "a.txt", "deep/c.txt", "deep/deeper/d.log", ".hidden", "deep/.git/config"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


class TestFinding:
    def test_a_file_is_a_source_with_its_size_and_time(self, folder: Path) -> None:
        path = folder / "one.txt"
        path.write_bytes(b"123")

        assert find_sources(path) == [Source(str(path), 3, path.stat().st_mtime_ns)]

    def test_a_directory_is_all_its_files_but_hidden_ones_sorted(self, tree: Path) -> None:
        assert _names(find_sources(tree), tree) == ["a.txt", "b.txt", "deep/c.txt", "deep/deeper/d.log"]

    def test_inputs_keep_the_order_they_are_named_in(self, tree: Path) -> None:
        inputs: list[str | Path] = [tree / "b.txt", str(tree / "deep"), tree / "a.txt", tree / "b.txt"]

        found = _names(find_sources(inputs), tree)

        assert found == ["b.txt", "deep/c.txt", "deep/deeper/d.log", "a.txt", "b.txt"]

    def test_a_glob_is_its_matches_sorted_and_directories_among_them_are_entered(self, tree: Path) -> None:
        assert _names(find_sources(f"{tree}/*.txt"), tree) == ["a.txt", "b.txt"]
        assert _names(find_sources(f"{tree}/d*"), tree) == ["deep/c.txt", "deep/deeper/d.log"]
        assert _names(find_sources(f"{tree}/**/*.log"), tree) == ["deep/deeper/d.log"]

    def test_a_file_whose_name_looks_like_a_glob_is_that_file(self, tree: Path) -> None:
        (tree / "[ab].txt").write_text("x")

        assert _names(find_sources(f"{tree}/[ab].txt"), tree) == ["[ab].txt"]

    def test_a_hidden_file_that_is_named_is_read(self, tree: Path) -> None:
        assert _names(find_sources(tree / ".hidden"), tree) == [".hidden"]

    def test_relative_names_become_whole_paths(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tree)

        assert [source.path for source in find_sources("a.txt")] == [str(tree / "a.txt")]

    def test_a_link_to_a_file_is_followed(self, tree: Path) -> None:
        (tree / "deep" / "link.txt").symlink_to(tree / "a.txt")

        assert "deep/link.txt" in _names(find_sources(tree / "deep"), tree)

    @pytest.mark.parametrize("verbose", [False, True])
    def test_what_a_directory_does_not_stand_for_is_told(self, tree: Path, *, verbose: bool) -> None:
        (tree / "deep" / "link").symlink_to(tree / "deep" / "deeper")
        said: list[str] = []

        found = _names(find_sources(tree, say=said.append, verbose=verbose), tree)

        assert found == ["a.txt", "b.txt", "deep/c.txt", "deep/deeper/d.log"]
        assert said[0] == f"linked folder left out of the input: {tree}/deep/link; name them as inputs to read them"
        hidden = [f"hidden file or folder, or receipt left out of the input: {tree}/.hidden and 1 more"]
        assert said[1:] == (hidden if verbose else [])

    @pytest.mark.parametrize("name", ["missing.txt", "no/such/folder/", "*.gz", "**/*.gz"])
    def test_what_is_not_there_is_named(self, tree: Path, name: str) -> None:
        with pytest.raises(InputError) as caught:
            find_sources(f"{tree}/{name}")

        assert name in str(caught.value)

    def test_nothing_named_is_an_error(self) -> None:
        with pytest.raises(InputError, match="no input"):
            find_sources([])

    def test_a_directory_without_files_is_an_error(self, folder: Path) -> None:
        (folder / "empty" / ".hidden").mkdir(parents=True)

        with pytest.raises(InputError, match="empty has no files"):
            find_sources(folder / "empty")

    def test_a_broken_link_is_an_error(self, folder: Path) -> None:
        (folder / "broken").symlink_to(folder / "nowhere")

        with pytest.raises(InputError, match="broken"):
            find_sources(folder / "broken")

    def test_a_pipe_that_nobody_named_is_left_out_and_told_of(self, tree: Path) -> None:
        os.mkfifo(tree / "pipe")
        said: list[str] = []

        found = _names(find_sources(tree, say=said.append), tree)

        assert found == ["a.txt", "b.txt", "deep/c.txt", "deep/deeper/d.log"]
        left_out = "pipe, socket or device left out of the input"
        assert said == [f"{left_out}: {tree}/pipe; name them as inputs to read them"]

    def test_an_unreadable_file_is_an_error_at_once(self, tree: Path) -> None:
        (tree / "a.txt").chmod(0)

        with without_root(), pytest.raises(InputError, match=r"cannot read .*a\.txt"):
            find_sources(tree)

    def test_an_unreadable_directory_is_an_error_too(self, tree: Path) -> None:
        (tree / "deep").chmod(0)

        with without_root(), pytest.raises(InputError, match=r"cannot read the directory .*deep"):
            find_sources(tree)


class TestSplitting:
    def test_chunks_go_through_all_sources_and_skip_empty_ones(self, folder: Path) -> None:
        for name, content in (("1", b"a\nb\nc\n"), ("2", b""), ("3", b"d")):
            (folder / name).write_bytes(content)

        found = list(split_sources(find_sources(folder), Cursor(), Cutting(2)))

        assert [piece.chunk for piece in found] == [
            Chunk(0, 0, 0, 4, 1, 2),
            Chunk(1, 0, 4, 2, 3, 1),
            Chunk(2, 2, 0, 1, 1, 1),
        ]

    def test_it_goes_on_from_every_cursor_it_gave(self, folder: Path) -> None:
        for name, content in (("1", b"a\nb\nc\n"), ("2", b""), ("3", b"d\ne"), ("4", b"f\n")):
            (folder / name).write_bytes(content)
        sources = find_sources(folder)
        found = list(split_sources(sources, Cursor(), Cutting(1)))

        for number, piece in enumerate(found):
            assert list(split_sources(sources, piece.cursor, Cutting(1))) == found[number + 1 :]

    @pytest.mark.parametrize("change", ["append", "shrink", "touch", "replace"])
    def test_a_file_that_changed_is_named(self, folder: Path, change: str) -> None:
        path = folder / "text.txt"
        path.write_bytes(b"a\nb\n")
        sources = find_sources(path)
        if change == "append":
            path.write_bytes(b"a\nb\nc\n")
        elif change == "shrink":
            path.write_bytes(b"a\n")
        elif change == "touch":
            os.utime(path, ns=(0, sources[0].modified + 1))
        else:
            other = folder / "other"
            other.write_bytes(b"c\nd\n")
            os.utime(other, ns=(0, sources[0].modified + 1))
            other.replace(path)

        with pytest.raises(InputChangedError, match=r"text\.txt changed"):
            list(split_sources(sources, Cursor(), Cutting(1)))
        with pytest.raises(InputChangedError, match=r"text\.txt changed"):
            check_sources(sources)

    def test_a_file_that_changes_while_it_is_split_is_noticed(self, folder: Path) -> None:
        path = folder / "text.txt"
        path.write_bytes(b"a\nb\n")
        chunks = split_sources(find_sources(path), Cursor(), Cutting(1))
        next(chunks)

        path.write_bytes(b"a\nb\nc\n")

        with pytest.raises(InputChangedError):
            list(chunks)

    def test_a_file_that_is_gone_is_an_error(self, folder: Path) -> None:
        path = folder / "text.txt"
        path.write_bytes(b"a\nb\n")
        sources = find_sources(path)
        check_sources(sources)
        path.unlink()

        with pytest.raises(InputError, match=r"cannot read .*text\.txt"):
            list(split_sources(sources, Cursor(), Cutting(1)))
        with pytest.raises(InputError, match=r"text\.txt"):
            check_sources(sources)


class TestReading:
    def test_a_chunk_gives_its_lines_and_their_place(self, folder: Path) -> None:
        path = folder / "text.txt"
        path.write_bytes(b"a\nb\nc\n")
        reader = ChunkReader(dict(enumerate(find_sources(path))))

        lines = reader.read(Chunk(1, 0, 2, 4, 2, 2))
        reader.close()

        assert list(lines) == ["b", "c"]
        assert (lines.raw, lines.source, lines.offset, lines.line) == (b"b\nc\n", str(path), 2, 2)

    def test_a_byte_order_mark_is_dropped_at_the_start_of_a_file_only(self, folder: Path) -> None:
        path = folder / "text.txt"
        mark = b"\xef\xbb\xbf"
        path.write_bytes(mark + b"a\n" + mark + b"b\n")
        reader = ChunkReader(dict(enumerate(find_sources(path))))

        first, second = reader.read(Chunk(0, 0, 0, 5, 1, 1)), reader.read(Chunk(1, 0, 5, 5, 2, 1))
        reader.close()

        assert (list(first), first.offset) == (["a"], 3)
        assert (list(second), second.offset) == (["\ufeffb"], 5)

    def test_chunks_of_several_sources_are_read_in_any_order(self, folder: Path) -> None:
        (folder / "1").write_bytes(b"a\nb\n")
        (folder / "2").write_bytes(b"c\n")
        sources = find_sources(folder)
        chunks = [chunk for chunk, *_ in split_sources(sources, Cursor(), Cutting(1))]
        reader = ChunkReader(dict(enumerate(sources)))

        seen = [list(reader.read(chunks[number])) for number in (2, 0, 2, 1)]
        reader.close()

        assert seen == [["c"], ["a"], ["c"], ["b"]]

    def test_a_file_that_changed_is_named(self, folder: Path) -> None:
        path = folder / "text.txt"
        path.write_bytes(b"a\nb\n")
        reader = ChunkReader(dict(enumerate(find_sources(path))))
        path.write_bytes(b"a\nx\ny\n")

        with pytest.raises(InputChangedError, match=r"text\.txt changed"):
            reader.read(Chunk(0, 0, 0, 4, 1, 2))
        reader.close()

    def test_of_a_file_that_is_missing_here_it_is_said_what_to_mount(self, folder: Path) -> None:
        for name, advice in (
            ("elsewhere.txt", "copy it there, or mount its folder"),
            ("mnt/logs/a.txt", f"mount {folder}/mnt on its machine"),
        ):
            reader = ChunkReader({0: Source(str(folder / name), 4, 0)})

            with pytest.raises(InputError, match=f"{name}: No such file.*; {advice}, or run with --transport inline"):
                reader.read(Chunk(0, 0, 0, 4, 1, 1))


#: Parts of names, of which some look like the escape of a byte, and some are bytes that need one.
_PARTS = st.sampled_from(["\\", "x", "e9", "xe9", "x41", "ud83d", "\udce9", "\udc41", "\ud83d", "\u00e9", "a"])


@given(st.lists(_PARTS, max_size=6).map("".join), st.lists(_PARTS, max_size=6).map("".join))
def test_no_two_names_are_spelled_alike(one: str, other: str) -> None:
    names = [Source(name, 0, 0).name for name in (one, other)]

    assert (names[0] == names[1]) == (one == other)
    assert "".join(names).encode().decode() == "".join(names)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("caf\udce9", "caf\\xe9"),
        ("caf\\xe9", "caf\\\\xe9"),
        ("\\\udce9", "\\\\\\xe9"),
        ("a\\b\\x41\\n", "a\\b\\x41\\n"),
    ],
)
def test_bytes_that_are_no_utf_8_are_spelled_out_and_what_looks_so_is_told_apart(path: str, name: str) -> None:
    assert Source(path, 0, 0).name == name


def test_receipts_in_a_folder_of_results_are_no_data(tmp_path: Path) -> None:
    for name in ("part-00000", "results.json", "results.receipt.json", "part-00000.receipt.json", "a.inputs.jsonl.gz"):
        (tmp_path / name).write_text("a\n")

    assert [Path(source.path).name for source in find_sources(tmp_path)] == ["part-00000", "results.json"]
    assert [Path(source.path).name for source in find_sources(tmp_path / "*")] == ["part-00000", "results.json"]
    assert len(find_sources(tmp_path / "results.receipt.json")) == 1  # what is named is read
    assert len(find_sources(tmp_path / "*.receipt.json")) == 2
    (tmp_path / "a.zip").write_bytes(zipped({"part-00000": b"a\n", "part-00000.receipt.json": b"{}\n"}))
    assert [source.member for source in find_sources(tmp_path / "a.zip")] == ["part-00000"]


def test_files_that_are_named_more_than_once_are_told_of(tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("x\n")
    said: list[str] = []

    found = find_sources([tmp_path, tmp_path / "*.log", tmp_path / "a.log"], say=said.append)

    assert len(found) == 5
    assert said == [f"named more than once, and counted as often: {tmp_path}/a.log (3 times) and 1 more"]


class TestWhatTheJobItselfWrites:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("a.txt", "results.json", "quarantine.jsonl"):
            (tmp_path / name).write_text("text\n")
        return tmp_path

    @pytest.mark.parametrize("name", ["", "*", "**/*.*"])
    def test_is_left_out_of_directories_and_globs_in_one_line(self, folder: Path, name: str) -> None:
        said: list[str] = []

        sources = find_sources(str(folder / name), Sink(str(folder / "results.json")).files("job"), said.append)

        assert [source.path for source in sources] == [str(folder / "a.txt")]
        (line,) = said
        assert str(folder / "results.json") in line
        assert str(folder / "quarantine.jsonl") in line

    @pytest.mark.parametrize("name", ["results.json", "quarantine.jsonl", "link.json", "*.json", "sub/../results.json"])
    def test_is_no_input(self, folder: Path, name: str) -> None:
        (folder / "sub").mkdir()
        (folder / "link.json").symlink_to("results.json")

        with pytest.raises(InputError, match="very run will write"):
            find_sources([folder / "a.txt", folder / name], Sink(str(folder / "results.json")).files("job"))

    def test_is_found_behind_a_link_too(self, folder: Path) -> None:
        (folder / "out.json").symlink_to(folder / "results.json")
        (folder / "quarantine.jsonl").unlink()

        sources = find_sources(folder, Sink(str(folder / "out.json")).files("job"))

        assert [source.path for source in sources] == [str(folder / "a.txt")]

    def test_says_nothing_when_it_is_not_there_yet_or_elsewhere(self, folder: Path) -> None:
        said: list[str] = []

        for output in (folder / "new.json", folder / "new" / "results.json", "-"):
            assert len(find_sources(folder, Sink(str(output)).files("job"), said.append)) == 3

        assert said == []
