"""Archives and path filters: each file in an archive is a source, and patterns choose files."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.packed import PACKERS, tar, zipped
from word_counter.errors import InputError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunker import Piece, reread, split_sources
from word_counter.inputs.path_filter import PathFilter
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor

ARCHIVES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "a.zip": zipped,
    "a.tar": tar,
    "a.tar.gz": lambda files: PACKERS["gzip"](tar(files)),
    "a.tbz2": lambda files: PACKERS["bzip2"](tar(files)),
    "a.txz": lambda files: PACKERS["xz"](tar(files)),
    "a.tar.zst": lambda files: PACKERS["zstd"](tar(files)),
}
CONTENTS = st.lists(st.sampled_from([b"", b"a\n", b"b c\n\n", b"d", b"e\n" * 5]), max_size=4).map(b"".join)


def _pieces(path: Path, *, whole_files: bool = False) -> list[Piece]:
    return list(split_sources(find_sources(path), Cursor(), Cutting(3, whole_files=whole_files)))


@pytest.mark.parametrize("name", ARCHIVES)
@settings(max_examples=25)
@given(contents=st.lists(CONTENTS, min_size=1, max_size=4))
def test_what_is_in_an_archive_comes_out_of_it(
    tmp_path_factory: pytest.TempPathFactory, name: str, contents: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("archive") / name
    files = {f"folder/{n}.txt": content for n, content in enumerate(contents)}
    path.write_bytes(ARCHIVES[name](files))
    sources = find_sources(path)
    pieces = _pieces(path)

    assert [source.name for source in sources] == [f"{path}!{member}" for member in files]
    for index, content in enumerate(contents):
        assert b"".join(piece.content or b"" for piece in pieces if piece.chunk.source == index) == content
    for number, piece in enumerate(pieces, 1):
        assert list(split_sources(sources, piece.cursor, Cutting(3))) == pieces[number:]
    assert [piece.content for piece in _pieces(path, whole_files=True)] == contents
    assert [reread(sources[piece.chunk.source], piece.chunk) for piece in reversed(pieces)] == [
        piece.content for piece in reversed(pieces)
    ]


@pytest.mark.parametrize("name", ARCHIVES)
def test_packed_files_in_an_archive_are_unpacked_and_hidden_ones_left_out(folder: Path, name: str) -> None:
    files = {f"{packing}.log": pack(b"abc\n") for packing, pack in PACKERS.items()}
    (folder / name).write_bytes(ARCHIVES[name](files | {".hidden": b"x\n", "__MACOSX/._a": b"y\n"}))

    assert [piece.content for piece in _pieces(folder)] == [b"abc\n"] * 4


@pytest.mark.parametrize("name", ARCHIVES)
def test_reading_an_archive_costs_each_file_as_much_however_many_there_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (folder / name).write_bytes(ARCHIVES[name]({f"{n}.txt": b"a\n" for n in range(50)}))
    names: list[str] = []
    normal = posixpath.normpath

    def looked_at(path: str) -> str:
        names.append(path)
        return normal(path)

    monkeypatch.setattr(posixpath, "normpath", looked_at)

    assert len(_pieces(folder / name)) == 50
    assert len(names) < 6 * 50


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_is_cut_off_anywhere_is_refused_and_named(folder: Path, name: str) -> None:
    whole = ARCHIVES[name]({"a": bytes(range(256)) * 8, "b": b"line\n" * 900})
    end = len(whole) - 9000 if name == "a.tar" else len(whole)  # a tar file may be filled up with more zeros or fewer
    path = folder / name
    for cut in range(0, end, max(1, end // 30)):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=f"{name}.* (cut off|is damaged)"):
            _pieces(path)


def test_what_cannot_be_told_apart_or_opened_in_an_archive_is_refused(folder: Path) -> None:
    twice = BytesIO()
    with tarfile.open(fileobj=twice, mode="w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("./a"))
    (folder / "a.tar").write_bytes(twice.getvalue())
    locked = bytearray(zipped({"secret.txt": b"abc"}))
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    (folder / "b.zip").write_bytes(locked)
    (folder / "c.zip").write_bytes(zipped({}))

    for name, why in (
        ("a.tar", "two files of one name"),
        ("b.zip", "!secret.txt has a password"),
        ("c.zip", "no files"),
    ):
        with pytest.raises(InputError, match=why):
            find_sources(folder / name)


class TestPathFilter:
    @pytest.fixture
    def names(self, folder: Path) -> Callable[..., list[str]]:
        for name in ("a.log", "b.txt", "old/a.log", "old/deep/c.log"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x\n")
        (folder / "z.zip").write_bytes(zipped({"in/a.log": b"", "in/b.txt": b""}))

        def named(*inputs: str, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
            found = find_sources([f"{folder}/{name}" for name in inputs], path_filter=PathFilter(include, exclude))
            return [source.name.removeprefix(f"{folder}/") for source in found]

        return named

    @pytest.mark.parametrize(
        ("include", "exclude", "left"),
        [
            (("*.log",), (), ["a.log", "old/a.log", "old/deep/c.log", "z.zip!in/a.log"]),
            (("*.txt", "c.*"), (), ["b.txt", "old/deep/c.log", "z.zip!in/b.txt"]),
            ((), ("old/*", "*.zip"), ["a.log", "b.txt"]),
            (("old/*",), ("*/deep/*",), ["old/a.log"]),
            ((), ("in/*", "*.log"), ["b.txt"]),
        ],
    )
    def test_patterns_are_for_names_or_with_a_slash_for_paths(
        self, names: Callable[..., list[str]], include: tuple[str, ...], exclude: tuple[str, ...], left: list[str]
    ) -> None:
        assert names("", include=include, exclude=exclude) == left

    def test_they_are_for_what_globs_match_and_not_for_what_is_named(self, names: Callable[..., list[str]]) -> None:
        assert names("*", include=("a.log",)) == ["a.log", "old/a.log", "z.zip!in/a.log"]
        assert names("b.txt", include=("a.log",)) == ["b.txt"]

    def test_that_none_is_left_is_an_error_that_says_so(self, names: Callable[..., list[str]]) -> None:
        for name in ("", "*.txt", "z.zip"):
            with pytest.raises(InputError, match="that --include and --exclude leave"):
                names(name, include=("*.csv",))
