"""Grouping: the native kernel gives what the reducer defines for any pairs, and anything but a pair is an error."""

from __future__ import annotations

import gc
import sys
from collections import namedtuple
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import jobs, native
from word_counter import Collect, Count, Job, Lines, Mapper, Max, Mean, Min, Reducer, Sum, Unique
from word_counter.compute import grouping as gathering
from word_counter.compute.grouping import gather
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import run_map
from word_counter.errors import EncodingError, RecordError
from word_counter.native import kernel
from word_counter.shuffle.partitioning import canonical, compact


class Shade(StrEnum):
    DARK = "a"


class Level(IntEnum):
    LOW = 1


class Text(str):
    __slots__ = ()


class Own(Sum):
    """Gathers in a way of its own."""

    def gather(self, pairs: Any, into: dict[Any, Any], canonical: Any) -> None:
        super().gather(((key, value * 2) for key, value in pairs), into, canonical)


class OwnReduce(Sum):
    """Sums in a way of its own, and so gets all values."""

    def reduce(self, key: Any, values: Any) -> Any:
        return list(values)


Named = namedtuple("Named", "key value")  # noqa: PYI024 (as users write it)

OF_NUMBERS = [Sum, Mean, Own]
REDUCERS = [Sum, Count, Min, Max, Mean, Unique, Collect, Own, OwnReduce, jobs.LongestText]
needs_compiler = pytest.mark.skipif(not native.compiler(), reason="a C compiler and Python's headers are needed")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> native.Build:
    return native.load(native.build(tmp_path_factory.mktemp("kernel")))


@pytest.fixture(params=[pytest.param("native", marks=needs_compiler), "python"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Gather with a kernel that was built with warnings as errors, or with none."""
    module = request.getfixturevalue("build").module if request.param == "native" else None
    monkeypatch.setattr(gathering, "native", lambda: module)
    return str(request.param)


#: Some of them are equal though JSON tells them apart.
_PARTS: list[Any] = ["", "a", "1", "\u00e9", Shade.DARK, Text("a"), Level.LOW, None, True, False]
_PARTS += [0, 1, -1, 2**70, 0.0, -0.0, 1.0, 0.5]
_KEYS = [
    *_PARTS,
    (),
    *((part,) for part in _PARTS),
    *((part, other) for part in _PARTS[:12] for other in ("a", 1, 1.0)),
]
_NUMBERS: list[Any] = [0, 1, 2, -3, True, Level.LOW, 0.5, 0.1, 1e300, -1e300]
_NUMBERS += [2**62, 2**63 - 1, -(2**63), 2**63, 10**40]
_VALUES = [*_NUMBERS, "", "x", "y", Shade.DARK, None, [1], {"a": 1}]
_KINDS = [tuple, tuple, tuple, list, lambda pair: Named(*pair)]


def _pairs(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    numbers = st.tuples(*(st.integers(0, len(each) - 1) for each in (_KINDS, _KEYS, values)))
    return st.lists(numbers, max_size=25).map(lambda drawn: [_KINDS[a]((_KEYS[b], values[c])) for a, b, c in drawn])


def _told(reducer: Reducer, groups: dict[Any, Any]) -> dict[Any, str]:
    return {group: compact(reducer.condense(group, gathered)) for group, gathered in groups.items()}


def _gathered(module: ModuleType | None, reducer: Reducer, *parts: list[Any]) -> dict[Any, str] | str:
    into: dict[Any, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "native", lambda: module)
        try:
            for pairs in parts:
                gather(reducer, iter(pairs), into)
            return _told(reducer, into)
        except Exception as error:  # noqa: BLE001 (errors are compared, too)
            return f"{type(error).__name__}: {error}"


def _defined(reducer: Reducer, *parts: list[Any]) -> dict[Any, str]:
    into: dict[Any, Any] = {}
    for pairs in parts:
        reducer.gather(((key, value) for key, value in pairs), into, canonical)
    return _told(reducer, into)


@pytest.mark.parametrize("cls", REDUCERS)
class TestBothWays:
    @needs_compiler
    @settings(max_examples=50)
    @given(st.data())
    def test_come_to_what_the_reducer_says(self, build: native.Build, cls: type[Reducer], data: st.DataObject) -> None:
        pairs = _pairs(_NUMBERS if cls in OF_NUMBERS else ["x"] if cls is jobs.LongestText else _VALUES)
        first, second = data.draw(pairs), data.draw(pairs)

        expected = _defined(cls(), first, second)

        assert _gathered(build.module, cls(), first, second) == expected
        assert _gathered(None, cls(), first, second) == expected

    @needs_compiler
    @settings(max_examples=50)
    @given(st.data())
    def test_raise_the_same(self, build: native.Build, cls: type[Reducer], data: st.DataObject) -> None:
        bad: Any = data.draw(
            st.sampled_from(["ab", b"ab", {"a": 1, "b": 2}, {1, 2}, (1,), (1, 2, 3), [], 5, None, "a", ("a", {1})])
            | st.sampled_from(
                [(key, 1) for key in (b"x", [1], {1}, ("a", ("b",)), float("nan"), 10**5000, (10**5000,))]
            )
        )
        pairs = [*data.draw(_pairs([1, 2])), bad, ("a", 1)]

        assert _gathered(build.module, cls(), pairs) == _gathered(None, cls(), pairs)


@pytest.mark.usefixtures("way")
class TestPairs:
    @pytest.mark.parametrize(
        ("yielded", "said"),
        [
            ("ab", "'ab'"),
            (b"ab", "b'ab'"),
            ({"a": 1, "b": 2}, r"\{'a': 1, 'b': 2\}"),
            ({"a", 1}, r"\{"),
            (("a",), r"\('a',\)"),
            (("a", 1, 2), r"\('a', 1, 2\)"),
            (["a"], r"\['a'\]"),
            (7, "7"),
            (None, "None"),
            ("x" * 1000, "'x{199}"),
            pytest.param(10**5000, r"\(int that cannot be shown: Exceeds the limit", id="many digits"),
        ],
    )
    @pytest.mark.parametrize("cls", [Sum, Mean, Collect])
    @pytest.mark.parametrize("skip_bad", [None, SkipBadRecords(limit=5, at_once=True)])
    def test_are_tuples_or_lists_of_two(
        self, cls: type[Reducer], yielded: Any, said: str, skip_bad: SkipBadRecords | None
    ) -> None:
        class Odd(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield (line, 1) if line != "odd" else yielded

        with pytest.raises(
            EncodingError,
            match=rf"^Odd yielded a bad pair in f.txt, byte 4, line 2: 'odd': {said}.* is not a \(key, value\) pair; ",
        ):
            run_map(Job(mapper=Odd, reducer=cls).phases()[0], Lines(b"one\nodd\ntwo\n", "f.txt"), 2, skip_bad)

    def test_may_be_lists_or_named(self) -> None:
        into: dict[Any, Any] = {}

        gather(Sum(), [["a", 1], Named("a", 2), ("a", 3)], into)

        assert into == {"a": 6}

    def test_that_are_returned_where_they_should_be_yielded_are_an_error(self) -> None:
        class Returning(Mapper):
            def map(self, line: str) -> Any:
                return line, 1

        with pytest.raises(EncodingError, match=r"line 1: 'ab': map returned \('ab', 1\)"):
            run_map(Job(mapper=Returning, reducer=Sum).phases()[0], Lines(b"ab\n"), 2)

    @pytest.mark.parametrize("key", [10**5000, ("a", -(10**5000))], ids=["int", "tuple"])
    def test_with_keys_of_too_many_digits_are_an_error(self, key: Any) -> None:
        class Large(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield key, 1

        with pytest.raises(EncodingError, match=r"Large yielded a bad pair in .*the key .* that cannot be shown"):
            run_map(Job(mapper=Large, reducer=Sum).phases()[0], Lines(b"ab\n"), 2)

    def test_with_values_of_too_many_digits_are_an_error(self) -> None:
        class Large(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield line, 10**5000

        with pytest.raises(
            EncodingError, match="Large yielded for the key 'ab' a value that JSON cannot hold: Exceeds"
        ):
            run_map(Job(mapper=Large, reducer=Sum).phases()[0], Lines(b"ab\n"), 2)

    def test_are_few_or_none_as_it_comes(self) -> None:
        class Rarely(Mapper):
            def map(self, line: str) -> Any:
                return [(line, 1)] * int(line) if line != "0" else None

        output = run_map(Job(mapper=Rarely, reducer=Sum).phases()[0], Lines(b"0\n2\n1\n"), 1)

        assert output.partials == {0: '{"2":2,"1":1}'}

    @pytest.mark.parametrize("cls", [Sum, Count, Min, Collect, Mean])
    def test_are_taken_as_they_come_so_that_a_mistake_is_placed(self, cls: type[Reducer]) -> None:
        with pytest.raises(RecordError, match=r"FailsAtBoom failed in f.txt, byte 8, line 3: 'boom'"):
            run_map(Job(mapper=jobs.FailsAtBoom, reducer=cls).phases()[0], Lines(b"one\ntwo\nboom\n", "f.txt"), 2)

    def test_with_a_value_that_the_reducer_does_not_take_are_placed(self) -> None:
        class Texts(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield "k", int(line) if line.isdigit() else line

        with pytest.raises(RecordError, match=r"line 2: 'x'\n(.*\n)*TypeError: Sum takes numbers, but .* 'k' is 'x'"):
            run_map(Job(mapper=Texts, reducer=Sum).phases()[0], Lines(b"1\nx\n3\n"), 2)


@needs_compiler
class TestNatively:
    @pytest.mark.parametrize("way", ["list", "sum", "count", "min", "max"])
    @pytest.mark.parametrize("end", [None, ValueError("the mapper's own")])
    def test_nothing_is_kept(self, build: native.Build, way: str, end: Exception | None) -> None:
        def pairs() -> Iterator[Any]:
            for n in range(300):
                yield key, value
                yield (key, n), value
                yield (n % 2 == 0, n), value
                yield 1.0, value
            if end is not None:
                raise end

        key, value = f"key {way}", 2**40
        seen: list[Any] = []
        into: dict[Any, Any] = {}

        def counts() -> list[int]:
            gc.collect()
            return [sys.getrefcount(each) for each in (key, value, canonical, into, None)][:4]

        before = counts()
        for _ in range(3):
            if end is None:
                build.module.gather(way, pairs(), into, canonical, seen.append)
            else:
                with pytest.raises(ValueError, match="the mapper's own"):
                    build.module.gather(way, pairs(), into, canonical, seen.append)
            assert build.held.value == 0
            into.clear()
        assert {pair[0] for pair in seen} == {1.0}
        seen.clear()

        assert counts() == before

    def test_memory_that_runs_out_is_an_error_and_nothing_worse(self, build: native.Build) -> None:
        pairs = [((n,), 1) for n in range(1_000)]
        into: dict[Any, Any] = {}

        def gather() -> None:
            into.clear()
            build.module.gather("sum", pairs, into, canonical, None)

        assert build.starve(gather) > 3
        assert len(into) == 1_000

    @pytest.mark.parametrize(
        ("args", "error"),
        [
            (("mean", [], {}, canonical, None), ValueError),
            (("sum", [], [], canonical, None), TypeError),
            (("sum", 5, {}, canonical, None), TypeError),
            (("sum", [("a", 1.0)], {}, canonical, None), TypeError),
            (("sum", [(1, 1)], {}, None, None), TypeError),
            (("sum", [("a", 1)], {"a": "x"}, canonical, None), TypeError),
            (("list", [("a", 1)], {"a": "x"}, canonical, None), SystemError),
            (("sum",), TypeError),
        ],
    )
    def test_wrong_arguments_are_refused(self, build: native.Build, args: tuple[Any, ...], error: type) -> None:
        with pytest.raises(error):
            build.module.gather(*args)

    @example(1)
    @given(st.integers(0, 5))
    def test_totals_beyond_64_bits_are_whole(self, build: native.Build, more: int) -> None:
        pairs = [("a", 2**63 - 1)] * 3 + [("a", 1), ("a", 2**64), ("b", -(2**63)), ("b", -more)]
        into: dict[Any, Any] = {}

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gathering, "native", lambda: build.module)
            gather(Sum(), pairs, into)

        assert into == {"a": 3 * (2**63 - 1) + 1 + 2**64, "b": -(2**63) - more}


@pytest.mark.skipif(kernel.active() != "native", reason="the native kernel is not built")
@pytest.mark.parametrize("cls", [Sum, Count, Min, Max, Collect])
def test_a_mapper_costs_its_own_calls_a_line_and_no_more(cls: type[Reducer]) -> None:
    class Levels(Mapper):
        def map(self, line: str) -> Iterator[Any]:
            yield (line, None, 7), 1
            yield line, 2

    def calls(n: int) -> int:
        counted = 0

        def on_call(frame: Any, event: str, argument: Any) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"} and frame.f_code is not Levels.map.__code__

        lines = Lines(b"a b\nc d\n" * n)
        sys.setprofile(on_call)
        try:
            run_map(Job(mapper=Levels, reducer=cls).phases()[0], lines, 8)
        finally:
            sys.setprofile(None)
        return counted

    calls(1)  # what is looked up once a class
    assert calls(2_000) < calls(20) + 200  # others call too: whoever follows the garbage collector
