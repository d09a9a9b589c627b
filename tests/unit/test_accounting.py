"""Accounting: it adds up when each line and each pair is in it once, and otherwise says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.files.digest import Digest, chunk_line, digest_of
from word_counter.job.model import Chunk, Done, Source
from word_counter.receipts.accounting import Accounting

_CHUNKS = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), min_size=2, max_size=6)
_SHARES = st.integers(1, 4)
Entry = tuple[Chunk, Done]


def entries_of(chunks: list[tuple[int, int]]) -> list[Entry]:
    """Return map tasks of a file, one for each number of lines, of four bytes each, and of pairs."""
    made: list[Entry] = []
    line = 0
    for number, (lines, pairs) in enumerate(chunks):
        amounts = {"lines": lines, "pairs": pairs, "bytes": 4 * lines}
        chunk = Chunk(number, 0, 4 * line, 4 * lines, line + 1, lines)
        made.append((chunk, Done(amounts, "w", 1000, 0.5, digest_of(b"%d" % number))))
        line += lines
    return made


def account_of(entries: list[Entry], size: int, pairs: int, partitions: int) -> Accounting:
    accounting = Accounting([Source("/in/a.txt", size, 0)], 1)
    for chunk, done in entries:
        accounting.chunk(chunk, done)
    for number in range(partitions):
        share = pairs // partitions + (number < pairs % partitions)
        accounting.reduced(0, Done({"reduced_values": share, "reduced_keys": share}))
    return accounting


@given(_CHUNKS, _SHARES)
def test_what_is_whole_adds_up(chunks: list[tuple[int, int]], partitions: int) -> None:
    entries = entries_of(chunks)
    lines, pairs = (sum(column) for column in zip(*chunks, strict=True))

    accounting = account_of(entries, 4 * lines, pairs, partitions)

    assert accounting.problems() == ""
    counts = accounting.counts()
    assert (counts["lines_read"], counts["lines_mapped"], counts["bytes_read"]) == (lines, lines, 4 * lines)
    (read,) = accounting.inputs()
    whole = Digest()
    for chunk, done in entries:
        whole.update(chunk_line(chunk.length, done.digest))
    assert read["blake3_of_chunks"] == whole.text
    assert read["chunks"] == [chunk.length for chunk, _ in entries]


def _first_lost(entries: list[Entry]) -> list[Entry]:
    return entries[1:]


def _one_twice(entries: list[Entry]) -> list[Entry]:
    return [entries[0], *entries]


def _in_another_order(entries: list[Entry]) -> list[Entry]:
    return [entries[1], entries[0], *entries[2:]]


def _changed(**amounts: int) -> Callable[[list[Entry]], list[Entry]]:
    def change(entries: list[Entry]) -> list[Entry]:
        *others, (chunk, done) = entries
        more = {name: done.amounts.get(name, 0) + n for name, n in amounts.items()}
        return [*others, (chunk, replace(done, amounts={**done.amounts, **more}))]

    return change


@pytest.mark.parametrize(
    "change",
    [_first_lost, _one_twice, _in_another_order, _changed(lines=-1), _changed(lines=1), _changed(pairs=1)],
    ids=["lost", "twice", "order", "a line less", "a line more", "a pair more"],
)
@given(chunks=_CHUNKS, partitions=_SHARES)
def test_what_is_not_does_not(
    change: Callable[[list[Entry]], list[Entry]], chunks: list[tuple[int, int]], partitions: int
) -> None:
    lines, pairs = (sum(column) for column in zip(*chunks, strict=True))

    accounting = account_of(change(entries_of(chunks)), 4 * lines, pairs, partitions)

    assert accounting.problems()


def test_headers_and_what_is_set_aside_are_told_apart_from_what_is_mapped() -> None:
    accounting = Accounting([Source("/in/a.csv", 40, 0)], 1)
    accounting.chunk(Chunk(0, 0, 0, 12, 1, 3), Done({"lines": 2, "lines_set_aside": 1}))
    accounting.chunk(Chunk(1, 0, 12, 28, 4, 7), Done(skipped=True))

    assert accounting.problems() == ""
    counts = accounting.counts()
    assert (counts["lines_read"], counts["header_lines"]) == (10, 1)
    assert (counts["lines_mapped"], counts["lines_set_aside"], counts["chunks_set_aside"]) == (1, 8, 1)
    assert next(iter(accounting.inputs()))["blake3_of_chunks"] is None  # nobody could read the second chunk


def test_the_same_bytes_are_told_of_by_whatever_name_they_were_read() -> None:
    names = ["/in/a", "/in/b", "/in/a", "/in/c", "/in/empty", "/in/none", "/in/shorter"]
    contents = [b"1\n2\n", b"1\n3\n", b"1\n2\n", b"1\n3\n", b"", b"", b"1\n"]
    accounting = Accounting([Source(name, len(content), 0) for name, content in zip(names, contents, strict=True)], 1)
    for number, content in enumerate(contents):
        for start in range(0, len(content), 2):
            chunk = Chunk(0, number, start, 2, 1 + start // 2, 1)
            accounting.chunk(chunk, Done({"lines": 1}, digest=digest_of(content[start : start + 2])))

    assert accounting.repeated() == [("/in/a", "/in/a"), ("/in/c", "/in/b")]
