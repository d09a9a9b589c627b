"""Files by their content: archives and packings of any name are read, or refused by name; binary files are told of."""

from __future__ import annotations

import lzma
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.packed import PACKERS, tar, zipped, zstd
from word_counter.errors import InputError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor

TEXT = b"alpha beta\nalpha\n"
_LZ4 = bytes.fromhex("04224d186040828000001000") + TEXT


def _old_tar(files: dict[str, bytes]) -> bytes:
    """Return a tar file as of before there was a signature."""
    made = bytearray(tar(files))
    made[257:265] = bytes(8)
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made[:512])
    return bytes(made)


#: What is not read, and how it is named.
UNREAD = {
    "lz4": (_LZ4, "packed with lz4"),
    "old lz4": (bytes.fromhex("02214c1810000000") + TEXT, "packed with lz4"),
    "compress": (b"\x1f\x9d\x90a\xc2\xa0\x01", r"packed with compress \(\.Z\)"),
    "pack": (b"\x1f\x1e\0\0\0\x11", r"packed with compress \(\.Z\)"),
    "lzma": (lzma.compress(TEXT, lzma.FORMAT_ALONE), "packed with lzma"),
    **{f"zlib {level}": (zlib.compress(TEXT * 9, level), "packed with zlib") for level in (0, 1, 6, 9)},
    "lzip": (b"LZIP\x01\x0c\0\x33\x1b", "packed with lzip"),
    "lzop": (b"\x89LZO\0\r\n\x1a\n\x10\x30", "packed with lzop"),
    "snappy": (b"\xff\x06\0\0sNaPpY\x01\x15\0\0", "packed with snappy"),
    "7z": (b"7z\xbc\xaf'\x1c\0\x04", "a 7z archive"),
    "rar": (b"Rar!\x1a\x07\x01\0", "a rar archive"),
    "cab": (b"MSCF\0\0\0\0\x57", "a cab archive"),
    "ar": (b"!<arch>\na.txt/          0           0     0     644     4         `\nabc\n", "an ar archive"),
    "cpio": (b"070701" + b"0" * 104 + b"a\0\0\0", "a cpio archive"),
    "rpm": (b"\xed\xab\xee\xdb\3\0\0\0", "an rpm package"),
}
TEXTS = [
    b"x^2 is the square of x\n",
    b"x\n",
    b"BZ0 is a bus\n",
    b"bvx2 and bvx1\n",
    b"070701 is a number\n",
    b"PK is a player\n",
    b"LZIP is a tool\n",
    b"MZ\n" + b"a line\n" * 20,
    b"ORCHARD\n",
    b"7z and Rar! and xar!\n",
    b"ustar\n" * 100,
    b"\x1b[31mred\x1b[0m\n",
    b"caf\xe9 in latin-1\n",
    b"a form feed\x0c\n",
    b"%PDF- is how they begin\n",
]


def _found(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return what the sources that a path leads to hold, by name, and what is said."""
    said: list[str] = []
    sources = find_sources(path, say=said.append)
    found = {source.name.removeprefix(f"{path}"): b"" for source in sources}
    for piece in split_sources(sources, Cursor(), Cutting(9, inline=True)):
        found[sources[piece.chunk.source].name.removeprefix(f"{path}")] += piece.content or b""
    return found, said


@pytest.mark.parametrize("content", TEXTS, ids=range(len(TEXTS)))
def test_text_is_text_whatever_it_begins_with(folder: Path, content: bytes) -> None:
    (folder / "a.log").write_bytes(content)

    assert _found(folder / "a.log") == ({"": content}, [])


@pytest.mark.parametrize("name", UNREAD)
def test_a_packing_or_archive_that_is_not_read_is_refused_by_its_name_wherever_it_is(folder: Path, name: str) -> None:
    content, what = UNREAD[name]
    for file, made in {
        "a.txt": content,
        "b.gz": PACKERS["gzip"](content),
        "c.bz2": PACKERS["bzip2"](content),
        "d.zip": zipped({"in.txt": content}),
        "e.tar.gz": PACKERS["gzip"](tar({"in.txt": content})),
    }.items():
        (folder / file).write_bytes(made)

        with pytest.raises(InputError, match=rf"{file}(!in\.txt)? is {what}.*which is not read here; unpack it \("):
            _found(folder / file)


@pytest.mark.parametrize("name", ["a.log.br", "a.sz", "a.BR", "a.deflate", "a.lzo"])
def test_a_name_tells_of_a_packing_without_a_signature_unless_it_is_text(folder: Path, name: str) -> None:
    (folder / name).write_bytes(TEXT)
    assert _found(folder / name)[0] == {"": TEXT}

    (folder / name).write_bytes(b"\x8b\x0a\x80\xff\x01\xfe")
    with pytest.raises(InputError, match="is packed with"):
        _found(folder / name)


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["plain", *PACKERS])
@pytest.mark.parametrize("make", [tar, _old_tar])
@pytest.mark.parametrize("name", ["app.log.1", "backup", "a.gz", "a.docx.bak"])
def test_a_tar_file_is_read_as_one_under_any_name(folder: Path, name: str, make: Any, pack: Any) -> None:
    if name == "a.gz" and pack is not PACKERS["gzip"]:
        return
    (folder / name).write_bytes(pack(make({"in/x.txt": TEXT})))

    assert _found(folder / name)[0] == {"!in/x.txt": TEXT}


@pytest.mark.parametrize("name", ["app.log", "backup.jar", "a.txt"])
def test_a_zip_file_is_read_as_one_under_any_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(zipped({"x.txt": TEXT}))

    assert _found(folder / name) == ({"!x.txt": TEXT}, [])


@pytest.mark.parametrize("outer", ["set.zip", "set.tar", "set.tgz"])
@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (tar({"a": TEXT}), "a tar archive"),
        (PACKERS["gzip"](tar({"a": TEXT})), "a tar archive"),
        (zipped({"a": TEXT}), "a zip archive"),
        (PACKERS["gzip"](PACKERS["xz"](TEXT)), "packed with xz"),
    ],
    ids=["tar", "packed tar", "zip", "packed twice"],
)
def test_an_archive_in_an_archive_is_refused_by_name(folder: Path, outer: str, inner: bytes, what: str) -> None:
    files = {"ok.txt": TEXT, "x.bin": inner}
    made = zipped(files) if outer.endswith("zip") else tar(files)
    (folder / outer).write_bytes(PACKERS["gzip"](made) if outer.endswith("tgz") else made)

    with pytest.raises(InputError, match=rf"{outer}!x\.bin is {what} inside, which is not read there; unpack it"):
        find_sources(folder / outer)


@pytest.mark.parametrize("packing", PACKERS)
def test_what_is_packed_twice_is_refused_by_name(folder: Path, packing: str) -> None:
    (folder / "a").write_bytes(PACKERS["gzip"](PACKERS[packing](TEXT)))

    with pytest.raises(InputError, match=f"a is packed with {packing} inside"):
        _found(folder / "a")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture"),
        (b"\x7fELF\2\1\1\0" + bytes(60), "a program"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an office document"),
        (b"PAR1\x15\x04\x15\0", "a Parquet file"),
        (b"SQLite format 3\0\x10\0", "an SQLite database"),
        (b"some\0bytes\n", "bytes that are zero"),
        (PACKERS["gzip"](b"some\0bytes\n"), "bytes that are zero"),
        (zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "an office document"),
        (zipped({"mimetype": b"application/vnd.oasis", "content.xml": b"<x/>"}), "an office document"),
    ],
    ids=["png", "elf", "pdf", "doc", "parquet", "sqlite", "zeros", "packed zeros", "docx", "odt"],
)
def test_binary_files_are_told_of_once_with_a_way_out(folder: Path, content: bytes, what: str) -> None:
    for name in ("a.bin", "b.bin"):
        (folder / name).write_bytes(content)
    (folder / "c.txt").write_bytes(TEXT)
    said: list[str] = []

    find_sources(folder, say=said.append)

    (line,) = said
    assert line.startswith(f"looks like no text: {folder}/a.bin and 1 more ({what})")
    assert "--exclude '*.bin'" in line
    assert "--include" in line


def test_binary_files_in_an_archive_are_told_of_too(folder: Path) -> None:
    (folder / "a.zip").write_bytes(zipped({"ok.txt": TEXT, "p.png": b"\x89PNG\r\n\x1a\n\0\0"}))

    _, said = _found(folder / "a.zip")

    assert said[0].startswith(f"looks like no text: {folder}/a.zip!p.png (a picture)")
    assert "--exclude '*.png'" in said[0]


@pytest.mark.parametrize("name", ["utf-16-le", "utf-32-be"])
def test_zeros_of_an_encoding_that_is_given_are_no_binary_ones(folder: Path, name: str) -> None:
    (folder / "a.txt").write_bytes("one\n".encode(name))
    said: list[str] = []

    find_sources(folder / "a.txt", say=said.append, encoding=name)

    assert said == []


def test_lines_that_end_as_those_of_old_macs_are_told_of(folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"one\rtwo\rthree")

    _, said = _found(folder / "a.txt")

    (line,) = said
    assert line.startswith(f"the lines of {folder}/a.txt end with a carriage return alone, which ends no line here")


def _with_window(log: int) -> bytes:
    library = zstd()
    compressor = library.ZstdCompressor(options={library.CompressionParameter.window_log: log})
    return bytes(compressor.compress(TEXT) + compressor.flush())


@pytest.mark.parametrize("log", [20, 27])
def test_zstd_works_up_to_the_window_that_is_stated(folder: Path, log: int) -> None:
    (folder / "a.zst").write_bytes(_with_window(log))

    assert _found(folder / "a.zst")[0] == {"": TEXT}


@pytest.mark.parametrize(("log", "mib"), [(28, "256"), (30, "1,024")])
def test_zstd_says_which_window_it_needs_beyond_that(folder: Path, log: int, mib: str) -> None:
    (folder / "a.zst").write_bytes(_with_window(24) + _with_window(log))

    with pytest.raises(InputError, match=rf"a\.zst needs a zstd window of {mib} MiB, and 128 MiB.*--long={log}"):
        _found(folder / "a.zst")


def test_zstd_frames_that_are_passed_over_are(folder: Path) -> None:
    skipped = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"abcde"
    (folder / "a.zst").write_bytes(skipped + PACKERS["zstd"](TEXT) + skipped + PACKERS["zstd"](TEXT))

    assert _found(folder / "a.zst")[0] == {"": TEXT * 2}


def test_a_zip_file_with_a_name_that_is_no_unicode_is_refused(folder: Path) -> None:
    made = zipped({"caf\u00e9.txt": TEXT}).replace("caf\u00e9".encode(), b"caf\xe9\xe9")
    (folder / "a.zip").write_bytes(made)

    with pytest.raises(InputError, match=r"a\.zip has a name in it that is no UTF-8"):
        find_sources(folder / "a.zip")
