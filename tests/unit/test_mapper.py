"""Lines and Mapper: what user code gets, and how it knows where it is in the input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import lines_of
from word_counter import Lines, Mapper

#: A chunk is never empty.
CHUNKS = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"\r", b"a", b" b", b"\xff", b"\xe2\x82", "\u20ac".encode(), b"\0", b"\x85", b"\x0b"]
    ),
    min_size=1,
    max_size=30,
).map(b"".join)


class TestLines:
    @given(CHUNKS)
    def test_are_decoded_as_if_one_by_one(self, raw: bytes) -> None:
        lines = Lines(raw)

        assert list(lines) == lines_of(raw)
        assert len(lines) == len(lines_of(raw))

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (b"a\nb\n", ["a", "b"]),
            (b"a\r\nb", ["a", "b"]),
            (b"a\r\r\n", ["a\r"]),
            (b"a\rb\r", ["a\rb\r"]),
            (b"\n\n", ["", ""]),
            (b"", []),
            (b"\xff\n\xe2\x82\n", ["\ufffd", "\ufffd"]),
            (b"a\0b\n", ["a\0b"]),
            ("a\u2028b\x85c\n".encode(), ["a\u2028b\x85c"]),
        ],
    )
    def test_end_with_a_newline_and_with_nothing_else(self, raw: bytes, expected: list[str]) -> None:
        assert list(Lines(raw)) == expected

    def test_can_be_read_more_than_once(self) -> None:
        lines = Lines(b"a\nb\n")

        assert list(lines) == list(lines) == ["a", "b"]

    @given(CHUNKS, st.data())
    def test_know_the_index_of_the_line_that_is_being_read(self, raw: bytes, data: st.DataObject) -> None:
        lines = Lines(raw)
        assert lines.index is None
        stop = data.draw(st.integers(0, len(lines) - 1))

        for number, line in enumerate(lines):
            assert lines.index == number
            assert lines.at(number) == line
            if number == stop:
                break

        assert lines.index == stop
        lines.leave()
        assert lines.index is None

    def test_have_no_index_before_the_first_line_is_taken(self) -> None:
        lines = Lines(b"a\n")

        iter(lines)

        assert lines.index is None

    @given(CHUNKS, st.integers(0, 100), st.integers(1, 100))
    def test_one_by_one_each_keep_their_own_place(self, raw: bytes, offset: int, first: int) -> None:
        singles = list(Lines(raw, "file", offset, first).each())

        assert b"".join(single.raw for single in singles) == raw
        assert [list(single) for single in singles] == [[line] for line in Lines(raw)]
        assert [single.line for single in singles] == list(range(first, first + len(singles)))
        for single in singles:
            assert raw[single.offset - offset :].startswith(single.raw)
            assert single.source == "file"


def _pairs(mapper: Mapper, raw: bytes = b"a\nb\n") -> list[Any]:
    mapper.setup()
    lines = Lines(raw, "file.txt", 100, 11)
    mapper.enter(lines)
    return [*(mapper.map_chunk(lines) or ()), *mapper.last_pairs()]


class TestMapper:
    def test_pairs_are_those_of_every_line_and_then_those_of_close(self) -> None:
        class Full(Mapper):
            def setup(self) -> None:
                self.seen = 0

            def map(self, line: str) -> Iterator[tuple[str, int]]:
                self.seen += 1
                yield line, self.line_number

            def close(self) -> Iterator[tuple[str, int]]:
                yield "seen", self.seen

        assert _pairs(Full()) == [("a", 11), ("b", 12), ("seen", 2)]

    @pytest.mark.parametrize("answer", [None, [], ()])
    def test_a_line_may_give_nothing_in_any_way(self, answer: Any) -> None:
        class Silent(Mapper):
            def map(self, line: str) -> Any:
                return answer

            def close(self) -> Any:
                return answer

        assert _pairs(Silent()) == []

    def test_a_list_will_do_in_place_of_a_generator(self) -> None:
        class Listing(Mapper):
            def map(self, line: str) -> list[tuple[str, int]]:
                return [(line, 1), (line, 2)]

        assert _pairs(Listing(), b"a") == [("a", 1), ("a", 2)]

    def test_map_chunk_gets_the_chunk_with_its_place(self) -> None:
        class Whole(Mapper):
            def map_chunk(self, lines: Lines) -> Iterable[tuple[Any, Any]]:
                return [(lines.source, lines.offset), ("line", lines.line), ("raw", lines.raw)]

        assert _pairs(Whole()) == [("file.txt", 100), ("line", 11), ("raw", b"a\nb\n")]

    def test_knows_its_source_and_line(self) -> None:
        class Placed(Mapper):
            def map(self, line: str) -> Iterator[tuple[str, int]]:
                yield self.source, self.line_number

        mapper = Placed()
        assert (mapper.source, mapper.line_number) == ("", 0)

        assert _pairs(mapper) == [("file.txt", 11), ("file.txt", 12)]

    def test_counts_by_name_and_starts_from_nothing(self) -> None:
        class Counting(Mapper):
            def map(self, line: str) -> Iterator[tuple[str, int]]:
                self.count("lines")
                self.count("more", 10)
                yield line, 1

        first, second = Counting(), Counting()
        _pairs(first)

        assert first.counters == {"lines": 2, "more": 20}
        assert not hasattr(second, "counters")

    def test_without_a_method_is_an_error_that_names_it(self) -> None:
        class Empty(Mapper):
            pass

        with pytest.raises(TypeError, match=r"Empty has neither map\(line\) nor map_chunk"):
            _pairs(Empty())
