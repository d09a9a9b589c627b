"""The ready-made reducers: each equals its plain definition, however its values were cut into chunks and folded."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from enum import IntEnum
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter import Collect, Count, Max, Mean, Min, Reducer, Sum, TopN, Unique
from word_counter.shuffle.partitioning import canonical


def _by_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _rank(value: Any) -> tuple[int, Any, str]:
    """The order that the reducers promise: null < booleans < numbers < strings < lists < objects."""
    text = _by_text(value)
    kinds: list[tuple[type | tuple[type, ...], Any]] = [
        (type(None), 0),
        (bool, value),
        ((int, float), value),
        (str, value),
    ]
    for rank, (kind, by) in enumerate(kinds):
        if isinstance(value, kind):
            return rank, by, "" if kind is str else text
    return (4, [_rank(item) for item in value], text) if isinstance(value, list) else (5, text, "")


def _exact_sum(values: list[Any]) -> Any:
    if all(isinstance(value, int) for value in values):
        return sum(values)
    return float(sum(map(Fraction, values)))


class TopTwo(TopN):
    n = 2


_PLAIN: dict[type[Reducer], Callable[[list[Any]], Any]] = {
    Sum: _exact_sum,
    Count: len,
    Min: lambda values: min(values, key=_rank),
    Max: lambda values: max(values, key=_rank),
    Mean: lambda values: float(sum(map(Fraction, values)) / len(values)),
    Unique: lambda values: sorted({_by_text(value): value for value in values}.values(), key=_rank),
    Collect: lambda values: sorted(values, key=_rank),
    TopN: lambda values: sorted(values, key=_rank, reverse=True)[:10],
    TopTwo: lambda values: sorted(values, key=_rank, reverse=True)[:2],
}
_OF_NUMBERS = [Sum, Mean]
_OF_ANYTHING = [reducer for reducer in _PLAIN if reducer not in _OF_NUMBERS]

#: Sums of these stay far from the largest float.
_NUMBERS = st.one_of(
    st.integers(),
    st.booleans(),
    st.floats(min_value=-1e300, max_value=1e300),
    st.sampled_from([0.1, 1e16, -1e16, 1e-320]),
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=3,
)
#: Where the values are cut into chunks, and how many of the chunks' partials are folded into one on the way.
_CUTS = st.tuples(st.lists(st.integers(1, 30), max_size=5), st.integers(0, 6))


def _through_the_stages(reducer: type[Reducer], values: list[Any], cuts: tuple[list[int], int]) -> Any:
    places, folded = cuts
    ends = sorted({min(place, len(values)) for place in places} | {len(values)})
    chunks = [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    travelled = [_travel(reducer(), chunk) for chunk in chunks if chunk]
    last = reducer()
    if not last.folds:
        travelled = [value for several in travelled for value in several]
    elif folded:
        travelled[:folded] = [_as_json(last.refold("k", travelled[:folded]))]
    return last.conclude("k", travelled)


def _travel(reducer: Reducer, chunk: list[Any]) -> Any:
    groups: dict[Any, Any] = {}
    reducer.gather((("k", value) for value in chunk), groups, canonical)
    return _as_json(reducer.condense("k", groups["k"]))


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


@pytest.mark.parametrize("reducer", _OF_NUMBERS)
@given(values=st.lists(_NUMBERS, min_size=1, max_size=30), cuts=_CUTS)
def test_reducers_of_numbers_equal_exact_arithmetic(
    reducer: type[Reducer], values: list[Any], cuts: tuple[list[int], int]
) -> None:
    result = _through_the_stages(reducer, values, cuts)

    assert _by_text(result) == _by_text(_PLAIN[reducer](values))


@pytest.mark.parametrize("reducer", _OF_ANYTHING)
@given(values=st.lists(_ANYTHING, min_size=1, max_size=30), cuts=_CUTS)
def test_reducers_of_anything_equal_their_plain_definition(
    reducer: type[Reducer], values: list[Any], cuts: tuple[list[int], int]
) -> None:
    result = _through_the_stages(reducer, values, cuts)

    assert _by_text(result) == _by_text(_PLAIN[reducer](values))


@pytest.mark.parametrize("reducer", _PLAIN)
@given(values=st.lists(st.integers(-5, 5) | st.sampled_from([0.5, -2.5]), min_size=1, max_size=20))
def test_reduce_alone_gives_the_same(reducer: type[Reducer], values: list[Any]) -> None:
    assert _by_text(reducer().reduce("k", iter(values))) == _by_text(_PLAIN[reducer](values))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=12), st.randoms())
def test_a_sum_of_floats_does_not_depend_on_their_order(values: list[float], random: Any) -> None:
    def outcome(order: list[float]) -> Any:
        try:
            return Sum().reduce("k", order)
        except OverflowError:
            return "too large"

    shuffled = random.sample(values, len(values))

    assert outcome(shuffled) == outcome(values)


def test_a_sum_whose_middle_is_too_large_for_a_float_is_exact() -> None:
    assert Sum().reduce("k", [1.7e308, 1.7e308, -1.7e308, -1.7e308, 0.5]) == 0.5


def test_a_sum_that_is_too_large_for_a_float_is_an_error() -> None:
    with pytest.raises(OverflowError):
        Sum().reduce("k", [1.7e308, 1.7e308])


def test_a_sum_of_whole_numbers_has_no_limit() -> None:
    assert Sum().reduce("k", [10**100, 1]) == 10**100 + 1


def test_numbers_of_other_kinds_count_as_what_they_are() -> None:
    class Level(IntEnum):
        HIGH = 3

    assert _by_text(_through_the_stages(Sum, [Level.HIGH, True, 2], ([1], 0))) == "6"
    assert _through_the_stages(Mean, [Level.HIGH, False], ([1], 0)) == 1.5


@pytest.mark.parametrize("reducer", _OF_NUMBERS)
@pytest.mark.parametrize("value", ["1", None, [1], {"int": 1, "floats": []}])
def test_what_is_no_number_is_named_with_its_key(reducer: type[Reducer], value: Any) -> None:
    with pytest.raises(TypeError, match=rf"{reducer.__name__} takes numbers.*'guilty'"):
        reducer().gather([("guilty", 1), ("guilty", value)], {}, canonical)


@pytest.mark.parametrize("reducer", [Sum, Mean, Min, Max, Unique, Collect, TopN])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("first", [True, False])
def test_what_json_cannot_hold_is_never_dropped_in_silence(reducer: type[Reducer], value: float, first: bool) -> None:  # noqa: FBT001
    values = [value, 1] if first else [1, value]

    with pytest.raises(ValueError):  # noqa: PT011 (who notices first says it in its own words)
        _through_the_stages(reducer, values, ([], 0))


class TestOwnReducers:
    def test_a_subclass_that_writes_reduce_gets_the_values_as_they_are(self) -> None:
        class Spread(Sum):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                seen = list(values)
                return max(seen) - min(seen)

        assert _through_the_stages(Spread, [5, 1, 9], ([1, 2], 0)) == 8

    def test_a_reduce_that_comes_from_a_mixin_counts_too(self) -> None:
        class Backwards:
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                return list(values)[::-1]

        class Mine(Backwards, Sum):
            pass

        assert _through_the_stages(Mine, [1, 2, 3], ([2], 0)) == [3, 2, 1]

    def test_a_subclass_of_such_a_subclass_does_the_same(self) -> None:
        class Listing(Count):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                return list(values)

        class More(Listing):
            pass

        assert _through_the_stages(More, [1, 2], ([1], 0)) == [1, 2]

    def test_a_subclass_that_writes_finish_alone_still_folds(self) -> None:
        class Doubled(Sum):
            def finish(self, state: Any) -> Any:
                return 2 * super().finish(state)

        assert Doubled().folds
        assert _through_the_stages(Doubled, [1, 2, 3], ([1], 2)) == 12

    def test_without_combine_a_chunk_sends_all_values(self) -> None:
        class Joined(Reducer):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                return "".join(values)

        assert not Joined().folds
        assert _through_the_stages(Joined, ["a", "b", "c"], ([1, 2], 0)) == "abc"
        with pytest.raises(TypeError, match="Joined does not combine"):
            Joined().refold("k", ["a"])

    def test_with_combine_a_chunk_sends_one_value(self) -> None:
        class Joined(Reducer):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                return ",".join(values)

            def combine(self, key: Any, values: Iterable[Any]) -> Any:
                return "+".join(values)

        assert _travel(Joined(), ["a", "b"]) == "a+b"
        assert _through_the_stages(Joined, ["a", "b", "c", "d"], ([2], 0)) == "a+b,c+d"

    def test_keys_of_every_kind_are_gathered_apart(self) -> None:
        for reducer in _PLAIN:
            groups: dict[Any, Any] = {}
            reducer().gather([("1", 1), (1, 2), (1.0, 3), (True, 4), ((1,), 5)], groups, canonical)

            assert len(groups) == 5, reducer.__name__


def test_lists_are_compared_item_by_item() -> None:
    pairs = [[9, "tea"], [10, "cups"], [10, "a"], [9.5, "b"]]

    assert TopTwo().reduce("k", pairs) == [[10, "cups"], [10, "a"]]
    assert Min().reduce("k", pairs) == [9, "tea"]
