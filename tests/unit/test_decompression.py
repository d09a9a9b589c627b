"""Decompression: the same bytes come out of every format, and incomplete files are named."""

from __future__ import annotations

import random
import sys
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packed import PACKERS, SUFFIXES
from word_counter.errors import InputError
from word_counter.inputs.base import Cutting
from word_counter.inputs.chunker import split_sources
from word_counter.inputs.kinds.decompression import HEAD_BYTES, packing_of, unpacked
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor

_NOISE = random.Random(1).randbytes(100_000)
CONTENTS = st.lists(st.sampled_from([b"", b"a b\n", b"\n", b"x" * 5_000, _NOISE, _NOISE[:300]]), max_size=5)


def _unpacked(packed: bytes, packing: str) -> bytes:
    return b"".join(unpacked(BytesIO(packed).read, packing, "the file"))


@pytest.fixture(params=[*PACKERS, "gzip without isal"])
def packing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    if name != "gzip without isal":
        return name
    monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)  # as where there is no wheel of it
    return "gzip"


@pytest.mark.parametrize("packing", PACKERS)
@given(contents=CONTENTS)
def test_what_was_packed_comes_out_again_one_after_the_other(packing: str, contents: list[bytes]) -> None:
    packed = b"".join(map(PACKERS[packing], contents)) or PACKERS[packing](b"")

    assert packing_of(packed[:HEAD_BYTES]) == packing
    assert _unpacked(packed, packing) == b"".join(contents)


def test_much_comes_in_blocks_that_are_not_much(packing: str) -> None:
    packed = PACKERS[packing](b"a" * 20_000_000)

    sizes = [len(block) for block in unpacked(BytesIO(packed).read, packing, "the file")]

    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 1024 * 1024


def test_what_is_cut_off_damaged_or_followed_by_something_else_is_named(packing: str) -> None:
    packed = PACKERS[packing](_NOISE + b"line\n" * 1_000)
    middle = len(packed) // 2

    for cut in (b"", packed[:5], packed[:middle], packed[:-1], packed + packed[:-1]):
        with pytest.raises(InputError, match=f"the file is cut off: its {packing} data end"):
            _unpacked(cut, packing)
    with pytest.raises(InputError, match="what follows 105,000 unpacked bytes is not"):
        _unpacked(packed + b"something else", packing)
    if packing != "zstd":  # without a checksum it cannot tell
        broken = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
        with pytest.raises(InputError, match="the file is damaged"):
            _unpacked(packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :], packing)
        with pytest.raises(InputError, match="the file is damaged"):
            _unpacked(broken, packing)


@pytest.mark.parametrize("packing", ["gzip", "xz"])
def test_zeros_that_fill_a_file_up_are_passed_over(packing: str) -> None:
    packed = PACKERS[packing](b"abc\n")

    assert _unpacked(packed + b"\0" * 512 + packed + b"\0" * 4, packing) == b"abc\nabc\n"


def test_how_a_file_is_packed_is_told_by_its_content(folder: Path) -> None:
    for packing, pack in PACKERS.items():
        (folder / f"{packing}.log").write_bytes(pack(b"abc"))
    (folder / "plain.log").write_bytes(b"abc")

    assert {Path(source.path).stem: source.packing for source in find_sources(folder)} == {
        **{packing: packing for packing in PACKERS},
        "plain": "",
    }


@pytest.mark.parametrize("content", [b"", b"abc\n"])
@pytest.mark.parametrize("packing", PACKERS)
def test_a_file_that_is_not_what_its_name_says_is_refused(folder: Path, packing: str, content: bytes) -> None:
    (folder / f"a{SUFFIXES[packing]}").write_bytes(content)

    with pytest.raises(InputError, match=f"should be a {packing} file by its name, and"):
        find_sources(folder)


@pytest.mark.parametrize("packing", PACKERS)
def test_chunks_of_a_packed_file_are_those_of_what_it_holds_from_every_cursor_on(folder: Path, packing: str) -> None:
    content = b"".join(b"line %d of some\n" % n for n in range(100)) + b"the last"
    (folder / "plain").write_bytes(content)
    (folder / "packed").write_bytes(PACKERS[packing](content[:300]) + PACKERS[packing](content[300:]))

    plain = list(split_sources(find_sources(folder / "plain"), Cursor(), Cutting(7)))
    packed = list(split_sources(find_sources(folder / "packed"), Cursor(), Cutting(7)))

    assert [piece[:2] for piece in packed] == [piece[:2] for piece in plain]
    assert b"".join(piece.content or b"" for piece in packed) == content
    for number, piece in enumerate(packed, 1):
        assert list(split_sources(find_sources(folder / "packed"), piece.cursor, Cutting(7))) == packed[number:]
