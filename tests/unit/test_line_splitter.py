"""Splitting: chunks of whole lines that cover a file without gaps, from any place where splitting goes on."""

from __future__ import annotations

from io import BytesIO
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.inputs import line_splitter as split_module
from word_counter.inputs.line_splitter import CHUNK_BYTES, UNLIMITED, blocks_of, chunk_limits, cut, nth_newline
from word_counter.job.model import Chunk, Cursor

CONTENTS = st.lists(st.sampled_from([b"\n", b"a", b"bc\n", b"\r\n", b"\xc3\xbc", b"long" * 10]), max_size=60).map(
    b"".join
)


def _split(content: bytes, cursor: Cursor, chunk_size: int, size: int, chunk_bytes: int = CHUNK_BYTES) -> list[Chunk]:
    """Split a file that had this size when the job was made, as a kind of source does whose chunks do not travel."""
    blocks = blocks_of(BytesIO(content), cursor.offset, size)
    return [chunk for chunk, _ in cut(blocks, cursor, chunk_size, chunk_bytes, keep=False)]


def _by_hand(content: bytes, chunk_size: int, chunk_bytes: int) -> list[Chunk]:
    """Split line by line, as the words of the contract say."""
    chunks: list[Chunk] = []
    start = offset = lines = 0
    first = 1
    for line in BytesIO(content):
        offset += len(line)
        lines += 1
        if line.endswith(b"\n") and (lines == chunk_size or offset - start >= chunk_bytes):
            chunks.append(Chunk(len(chunks), 0, start, offset - start, first, lines))
            start, first, lines = offset, first + lines, 0
    if lines:
        chunks.append(Chunk(len(chunks), 0, start, offset - start, first, lines))
    return chunks


@given(CONTENTS, st.integers(1, 70), st.integers(1, 200), st.integers(1, 50))
def test_chunks_are_what_splitting_line_by_line_gives(
    content: bytes, chunk_size: int, chunk_bytes: int, block_bytes: int
) -> None:
    with patch.object(split_module, "_BLOCK_BYTES", block_bytes):
        chunks = _split(content, Cursor(), chunk_size, len(content), chunk_bytes)

    assert chunks == _by_hand(content, chunk_size, chunk_bytes)


@given(CONTENTS, st.integers(1, 70), st.integers(1, 200))
def test_chunks_cover_every_byte_once_and_end_on_line_breaks(content: bytes, chunk_size: int, chunk_bytes: int) -> None:
    chunks = _split(content, Cursor(), chunk_size, len(content), chunk_bytes)

    texts = [content[chunk.offset : chunk.offset + chunk.length] for chunk in chunks]
    assert b"".join(texts) == content
    assert all(text.endswith(b"\n") for text in texts[:-1])
    assert all(
        chunk.lines == len(BytesIO(text).readlines()) <= chunk_size for chunk, text in zip(chunks, texts, strict=True)
    )
    assert [chunk.line for chunk in chunks] == [1 + sum(c.lines for c in chunks[:n]) for n in range(len(chunks))]
    assert [chunk.id for chunk in chunks] == list(range(len(chunks)))


@given(CONTENTS, st.integers(1, 10), st.integers(1, 60), st.data())
def test_splitting_goes_on_from_any_chunk_as_if_it_had_not_stopped(
    content: bytes, chunk_size: int, chunk_bytes: int, data: st.DataObject
) -> None:
    chunks = _split(content, Cursor(), chunk_size, len(content), chunk_bytes)
    done = data.draw(st.integers(0, len(chunks)))
    offset = sum(chunk.length for chunk in chunks[:done])
    line = 1 + sum(chunk.lines for chunk in chunks[:done])

    rest = _split(content, Cursor(done, 0, offset, line), chunk_size, len(content), chunk_bytes)

    assert chunks[:done] + rest == chunks


@given(CONTENTS, CONTENTS, st.integers(1, 10))
def test_what_was_added_to_the_file_later_is_not_read(content: bytes, more: bytes, chunk_size: int) -> None:
    as_it_was = _split(content, Cursor(), chunk_size, len(content))

    assert _split(content + more, Cursor(), chunk_size, len(content)) == as_it_was


def test_a_chunk_takes_no_further_line_once_it_is_full() -> None:
    content = b"0123456789\n" * 10

    chunks = _split(content, Cursor(), 1_000, len(content), chunk_bytes=23)

    assert [chunk.length for chunk in chunks] == [33, 33, 33, 11]


def test_a_line_longer_than_a_chunk_may_be_is_whole() -> None:
    content = b"a\n" + b"x" * 3_000_000 + b"\nb\n"

    chunks = _split(content, Cursor(), 1, len(content), chunk_bytes=1_000)

    assert [chunk.length for chunk in chunks] == [2, 3_000_001, 2]


def test_a_chunk_knows_its_source() -> None:
    (chunk,) = _split(b"abc\n", Cursor(chunk=7, source=3), 5, 4)

    assert chunk == Chunk(id=7, source=3, offset=0, length=4, line=1, lines=1)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=300), st.data())
def test_the_nth_newline_is_where_counting_one_by_one_finds_it(gaps: list[int], data: st.DataObject) -> None:
    block = b"".join(b"x" * gap + b"\n" for gap in gaps) + b"rest"
    start = data.draw(st.integers(0, block.rindex(b"\n")))
    places = [place + 1 for place, byte in enumerate(block) if byte == 10 and place >= start]
    n = data.draw(st.integers(1, len(places)))

    assert nth_newline(block, n, start) == places[n - 1]


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1_000, 99_999, 100_000])
def test_the_nth_of_dense_newlines_is_found(n: int) -> None:
    assert nth_newline(b"\n" * 100_000, n) == n


class TestChunkLimits:
    @pytest.mark.parametrize(
        ("chunk_size", "megabytes", "limits"),
        [
            (2, 0, (2, 8)),
            (2, 9_999, (2, 8)),
            (0, 0, (UNLIMITED, 1)),
            (0, 32, (UNLIMITED, 1)),
            (0, 33, (UNLIMITED, 2)),
            (0, 250, (UNLIMITED, 8)),
            (0, 10_000, (UNLIMITED, 8)),
        ],
    )
    def test_suit_the_input_unless_somebody_says_how_many_lines(
        self, chunk_size: int, megabytes: int, limits: tuple[int, int]
    ) -> None:
        lines, size = chunk_limits(chunk_size, megabytes * 1024 * 1024)

        assert (lines, size // (1024 * 1024)) == limits
