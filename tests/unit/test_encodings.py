"""Encodings: text is cut at the line breaks of its own encoding, and comes out as the same lines whatever that is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packed import PACKERS
from word_counter.errors import InputError, JobLoadError, UsageError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.encodings import encoding_named, encoding_of, marked, unmarked
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.sources import find_sources
from word_counter.job.job import Job
from word_counter.job.mapper import Mapper
from word_counter.job.model import Cursor
from word_counter.job.reducers import Sum

MARKED = ["utf-8-sig", "utf-16", "utf-32"]
UNMARKED = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1", "cp037"]
OTHERS = ["shift_jis", "gb18030", "euc_jp", "big5", "euc_kr", "johab", "cp932", "cp1252", "koi8_r", "cp500", *UNMARKED]
#: Characters whose halves are line feeds in UTF-16 and UTF-32, and a pair of surrogates.
_TRAPS = "\u0a0a\u0a00\u000a\u010a\U0001f40a"
_TEXTS = st.text(st.sampled_from(f"ab \r\n{_TRAPS}é"), max_size=60)


def _blocks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@given(
    st.sampled_from(OTHERS),
    st.lists(st.sampled_from([0, 10, 13, 37, 0x81, 0x8F, 0xD8, 0xDC, 0xFF, 0x30]) | st.integers(0, 255)),
    st.integers(1, 9),
)
def test_any_bytes_are_cut_into_the_lines_that_decoding_them_gives(name: str, numbers: list[int], size: int) -> None:
    raw = bytes(numbers)
    encoding = encoding_of(encoding_named(name))
    text = encoding.utf8(raw)

    lines = list(encoding.lines(_blocks(raw, size)))
    pieces = list(encoding.cut(_blocks(raw, size), Cursor(), 2, 7, name="it", keep=True))

    assert b"".join(lines) == raw
    assert b"".join(map(encoding.utf8, lines)) == b"".join(encoding.transcoded(_blocks(raw, size))) == text
    assert len(lines) == encoding.count(raw) == len(text.split(b"\n")) - (not text or text.endswith(b"\n"))
    for chunk, content in pieces:
        assert content == raw[chunk.offset : chunk.offset + chunk.length]
        assert encoding.count(content) == chunk.lines
    assert b"".join(content for _, content in pieces) == raw


def _read(path: Path, cutting: Cutting, encoding: str = "") -> list[str]:
    """Return the lines of a file, read chunk by chunk as workers do; check their places on the way."""
    sources = find_sources(path, encoding=encoding)
    found: list[str] = []
    with closing(ChunkReader(dict(enumerate(sources)), inline=cutting.inline)) as reader:
        for chunk, _, content in split_sources(sources, Cursor(), cutting):
            lines = reader.read(chunk, content)
            assert len(lines) == len(list(lines))
            found += list(lines)
    return found


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", MARKED)
@given(text=_TEXTS.filter(lambda text: not text.startswith("\0")), chunk_size=st.integers(1, 4), inline=st.booleans())
def test_a_byte_order_mark_tells_the_encoding(
    tmp_path_factory: pytest.TempPathFactory, name: str, text: str, chunk_size: int, *, packed: bool, inline: bool
) -> None:
    raw = text.encode(name)
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_bytes(PACKERS["gzip"](raw) if packed else raw)

    assert _read(path, Cutting(chunk_size, inline=inline)) == _lines(text)


@pytest.mark.parametrize("name", UNMARKED)
def test_without_one_it_is_the_one_that_is_given(folder: Path, name: str) -> None:
    text = "error: disk\r\nwarning\n\nerror" * 40
    (folder / "a").write_bytes(text.encode(name))
    (folder / "b").write_bytes(PACKERS["xz"](text.encode(name)))

    for path in (folder / "a", folder / "b"):
        assert _read(path, Cutting(3), name) == _lines(text)


def test_a_mark_is_stronger_than_what_is_given_and_a_file_has_its_own(folder: Path) -> None:
    (folder / "1").write_bytes("\ufeffä\n".encode("utf-16-be"))
    (folder / "2").write_bytes("ä\n".encode("latin-1"))
    (folder / "3").write_bytes("\ufeffä\n".encode())

    assert _read(folder, Cutting(3), "latin-1") == ["ä", "ä", "ä"]


def test_the_place_of_a_line_is_that_in_the_file(folder: Path) -> None:
    path = folder / "a.txt"
    path.write_bytes("\ufeffab\ncd\nef\n".encode("utf-16-le"))
    (source,) = find_sources(path)
    with closing(ChunkReader({0: source})) as reader:
        first, second = [reader.read(chunk) for chunk, *_ in split_sources([source], Cursor(), Cutting(2))]

    assert first.place(1) == f"{path}, byte 8, line 2: 'cd'"
    assert second.place(0) == f"{path}, byte 14, line 3: 'ef'"
    assert [(line.offset, line.line) for line in first.each()] == [(2, 1), (8, 2)]


@pytest.mark.parametrize("name", ["utf-16", "utf-16-be", "cp037", "latin-1"])
@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("chunk_size", [1, 100])
def test_tables_are_cut_at_rows_in_any_encoding(folder: Path, name: str, chunk_size: int, *, inline: bool) -> None:
    path = folder / "a.csv"
    path.write_bytes('\r\n"city\n(name)",people\r\n"Bern\r\n(the city)",1\r\nRome,"2"\r\n'.encode(name))
    records = InputFormat.parse("csv")
    sources = find_sources(path, encoding="" if name == "utf-16" else name)
    found = []
    with closing(ChunkReader(dict(enumerate(sources)), inline=inline, records=records)) as reader:
        for chunk, _, content in split_sources(sources, Cursor(), Cutting(chunk_size, records=records, inline=inline)):
            found += list(reader.read(chunk, content))

    assert found == [{"city\n(name)": "Bern\n(the city)", "people": "1"}, {"city\n(name)": "Rome", "people": "2"}]


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["error one\nwarning two\n", "Ошибка диска\nещё\n", "a", "日本語 text\n" * 900])
@pytest.mark.parametrize("pack", [bytes, PACKERS["gzip"]])
def test_utf_16_and_32_without_a_mark_are_refused_by_name(
    folder: Path, name: str, text: str, pack: type[bytes]
) -> None:
    (folder / "a.txt").write_bytes(pack(text.encode(name)))

    with pytest.raises(InputError, match=rf"a\.txt looks like text in {name.upper()}.*--encoding {name}"):
        find_sources(folder / "a.txt")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"plain\n",
        b"a\0b",
        b"ab\0cd\0ef\0gh\0",
        b"abc\0def\0ghi\0" * 9,
        b"\x00\x01\x02\x03" * 9,
        b"\x7fELF\2\1\1\0\0\0\0\0",
        bytes(64),
        b"a\0b\n",
        b"1\0002\n",
        b"a\0A\n",
        b"a\0\0\0b\0\0\n",
        b"\0\0\0a\0\0",
        b"a\0\0\xd8",
    ],
)
def test_other_bytes_are_not_taken_for_utf_16(head: bytes) -> None:
    assert unmarked(head) == ""


def test_a_list_of_names_with_zeros_between_is_read_as_it_is_where_somebody_says_so(folder: Path) -> None:
    path = folder / "names"
    path.write_bytes(b"a\0b\0c\0")

    with pytest.raises(InputError, match=r"looks like text in UTF-16-LE.* as it is .* with --encoding utf-8"):
        find_sources(path)
    assert _read(path, Cutting(3), "UTF8") == ["a\0b\0c\0"]
    path.write_bytes(PACKERS["gzip"](b"a\0b\0c\0"))
    assert _read(path, Cutting(3), "utf-8") == ["a\0b\0c\0"]


@pytest.mark.parametrize("pack", [bytes, PACKERS["gzip"]])
@pytest.mark.parametrize(("name", "rest"), [("utf-16", 1), ("utf-32", 1), ("utf-32", 3), ("utf-16-be", 1)])
def test_text_that_ends_within_a_character_is_refused_by_name(
    folder: Path, name: str, rest: int, pack: type[bytes]
) -> None:
    path = folder / "a.txt"
    path.write_bytes(pack("one\ntwo\n".encode(name) + b"\0" * rest))

    with pytest.raises(InputError, match=r"a\.txt is cut off: it ends in the middle of a character of UTF-"):
        _read(path, Cutting(3), "" if len(name) == len("utf-16") else name)


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"\xff\xfe\0\0", "utf-32-le"), (b"\xff\xfea\0", "utf-16-le"), (b"\xef\xbb\xbf", ""), (b"abc", None)],
)
def test_marks_are_told_apart(head: bytes, name: str | None) -> None:
    assert marked(head) == name


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("UTF8", ""),
        ("utf_8_sig", ""),
        ("", ""),
        ("Latin1", "iso8859-1"),
        ("utf-16", "utf-16-le"),
        ("windows-1252", "cp1252"),
    ],
)
def test_an_encoding_has_one_name(name: str, known: str) -> None:
    assert encoding_named(name) == known


@pytest.mark.parametrize(
    "name", ["klingon", "utf-7", "iso2022_jp", "hz", "rot13", "base64", "idna", "unicode_escape", "a\0b"]
)
def test_what_cannot_be_cut_into_lines_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / "a").write_text("x\n")

    with pytest.raises(UsageError, match="is no encoding that can be read here: give one"):
        find_sources(folder / "a", encoding=name)


def test_a_job_says_the_encoding_of_its_inputs_and_a_mapper_does_not() -> None:
    class Wrong(Mapper):
        encoding = "latin-1"

        def map(self, line: str) -> Sequence[tuple[str, int]]:
            return [(line, 1)]

    with pytest.raises(JobLoadError, match="encoding is what a job says of its inputs; put it into Job"):
        Job(mapper=Wrong, reducer=Sum)
