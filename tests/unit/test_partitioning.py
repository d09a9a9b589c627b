"""Partitioning: keys of every kind keep their types, and every machine chooses the same partition."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processes import environment
from word_counter.errors import EncodingError
from word_counter.job.json_order import order_of
from word_counter.job.reducers import Sum
from word_counter.shuffle.partitioning import (
    canonical,
    check_value,
    decode_partial,
    encode_partials,
    key_text,
    partition_of,
    restore,
)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
_SCALARS = st.one_of(_TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none())
KEYS = st.one_of(_SCALARS, st.lists(_SCALARS, max_size=4).map(tuple))
VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6
)


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, type and all: 1, 1.0 and True are not, 0.0 and -0.0 are not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(_same, one.values(), other.values()))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


class TestKeys:
    @given(KEYS)
    def test_come_back_as_they_were(self, key: Any) -> None:
        assert _same(restore(canonical(key)), key)

    @given(st.lists(KEYS, max_size=12))
    def test_are_told_apart_exactly_as_json_tells_them_apart(self, keys: list[Any]) -> None:
        groups = {canonical(key) for key in keys}

        assert len(groups) == len({json.dumps(key) for key in keys})

    def test_that_python_holds_equal_are_four(self) -> None:
        assert len({canonical(key) for key in (1, 1.0, True, "1")}) == 4

    def test_of_kinds_that_json_knows_by_another_name_are_plain(self) -> None:
        class Colour(StrEnum):
            RED = "red"

        class Number(IntEnum):
            ONE = 1

        assert canonical(Colour.RED) == "red"
        assert type(canonical(Colour.RED)) is str
        assert canonical(Number.ONE) == canonical(1)

    @pytest.mark.parametrize(
        "key",
        [
            math.nan,
            math.inf,
            (1, -math.inf),
            b"bytes",
            ["list"],
            {"a": 1},
            {1},
            (1, (2,)),
            ([],),
            object(),
            1j,
            "\ud800",
            ("a", "\udfff"),
        ],
    )
    def test_that_json_cannot_hold_are_named_with_who_yielded_them(self, key: Any) -> None:
        with pytest.raises(EncodingError) as caught:
            encode_partials({canonical(key): 1}, 4, "MyMapper")

        shown = repr(key) if not isinstance(key, str) else "\\ud800"
        assert shown in str(caught.value)

    def test_that_are_very_long_are_named_in_short(self) -> None:
        with pytest.raises(EncodingError) as caught:
            canonical(b"x" * 100_000)

        assert len(str(caught.value)) < 1_000

    @given(KEYS)
    def test_appear_in_results_as_their_compact_json_or_as_themselves(self, key: Any) -> None:
        expected = key if isinstance(key, str) else json.dumps(key, ensure_ascii=False, separators=(",", ":"))

        assert key_text(canonical(key)) == expected


#: MurmurHash3_x86_32 with seed 0: the first ones from the reference implementation's published test vectors.
_MURMUR3 = {
    "": 0,
    "a": 0x3C2569B2,
    "aaaa": 0x7EEED987,
    "test": 0xBA6BD213,
    "Hello, world!": 0xC0363E43,
    "The quick brown fox jumps over the lazy dog": 0x2E4FF723,
}


class TestPartitions:
    @pytest.mark.parametrize(("text", "value"), _MURMUR3.items())
    def test_are_those_of_murmurhash3(self, text: str, value: int) -> None:
        assert partition_of(text, 2**32) == value
        assert partition_of(text, 7) == value % 7

    @given(KEYS, st.integers(1, 100))
    def test_are_in_range_and_the_same_for_a_text_and_its_bytes(self, key: Any, partitions: int) -> None:
        group = canonical(key)

        number = partition_of(group, partitions)

        assert 0 <= number < partitions
        assert number == partition_of(key_text(group), partitions)

    def test_are_the_same_in_another_process_with_another_hash_seed(self) -> None:
        words = [f"word {n}" for n in range(50)]
        code = (
            "import json, sys; from word_counter.shuffle.partitioning import partition_of;"
            "print(json.dumps([partition_of(word, 16) for word in json.loads(sys.argv[1])]))"
        )

        elsewhere = subprocess.run(
            [sys.executable, "-c", code, json.dumps(words)],
            env=environment(PYTHONHASHSEED="12345"),
            capture_output=True,
            check=True,
        )

        assert json.loads(elsewhere.stdout) == [partition_of(word, 16) for word in words]


class TestPartials:
    @given(st.lists(st.tuples(KEYS, VALUES), max_size=10), st.integers(1, 5))
    def test_bring_back_every_pair_in_its_partition(self, pairs: list[tuple[Any, Any]], partitions: int) -> None:
        groups = {canonical(key): value for key, value in pairs}

        partials = encode_partials(groups, partitions, "M")

        found: dict[Any, Any] = {}
        for number, text in partials.items():
            for group, value in decode_partial(text):
                assert partition_of(group, partitions) == number
                found[group] = value
        assert found.keys() == groups.keys()
        assert all(_same(found[group], groups[group]) for group in groups)

    def test_with_texts_as_keys_only_are_plain_objects(self) -> None:
        assert encode_partials({"a": 1, "\u00fc": [2]}, 1, "M") == {0: '{"a":1,"\u00fc":[2]}'}

    def test_with_other_keys_are_readable_lists(self) -> None:
        assert encode_partials({"a": 1, canonical((1, None)): 2}, 1, "M") == {0: '[["a",1],[[1,null],2]]'}

    def test_that_would_be_empty_are_left_out(self) -> None:
        assert encode_partials({}, 3, "M") == {}
        assert len(encode_partials({"a": 1}, 3, "M")) == 1

    @pytest.mark.parametrize("text", ["", "nonsense", "1", '"a"', "null", "[1]", '[["a"]]', "{"])
    def test_that_are_none_are_refused(self, text: str) -> None:
        with pytest.raises((ValueError, TypeError)):
            list(decode_partial(text))

    @pytest.mark.parametrize(
        "value", [math.nan, [1, math.inf], {1: 2}, {"a": {None: 1}}, {1}, b"x", [object()], "\ud800", ["\udfff"]]
    )
    def test_name_the_key_whose_value_json_cannot_hold(self, value: Any) -> None:
        with pytest.raises(EncodingError, match=r"MyMapper.*'guilty'"):
            encode_partials({"fine": 1, "guilty": value}, 4, "MyMapper")

    def test_name_a_value_that_holds_itself(self) -> None:
        loop: list[Any] = []
        loop.append(loop)

        with pytest.raises(EncodingError, match="guilty"):
            encode_partials({"guilty": loop}, 1, "M")


@given(VALUES)
def test_every_json_value_passes_the_check(value: Any) -> None:
    check_value(value)


_PANDAS_NA = type("NAType", (), {"__module__": "pandas._libs.missing"})()


class TestConversions:
    @pytest.mark.parametrize(
        ("value", "conversion"),
        [
            ({"a"}, "sorted(...)"),
            (b"a", ".decode()"),
            (datetime(2026, 1, 2, tzinfo=UTC), ".isoformat()"),
            (Decimal("1.5"), "float(...)"),
            (Path("a"), "str(...)"),
            ((n for n in "ab"), "list(...)"),
            (_PANDAS_NA, "None in its place"),
        ],
    )
    def test_of_values_that_json_cannot_hold_are_told(self, value: Any, conversion: str) -> None:
        with pytest.raises(EncodingError) as caught:
            encode_partials({"a": [value]}, 2, "Mine")

        assert "; convert it with " + conversion in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "conversion"),
        [
            ("int64", "int(...) or .item()"),
            ("uint8", "int(...) or .item()"),
            ("float32", "float(...) or .item()"),
            ("bool_", "bool(...) or .item()"),
        ],
    )
    def test_of_numpy_scalars_are_told_as_keys_as_parts_of_keys_as_values_and_in_sums(
        self, name: str, conversion: str
    ) -> None:
        scalar = getattr(pytest.importorskip("numpy"), name)(1)

        for give in (
            lambda: canonical(scalar),
            lambda: canonical(("a", scalar)),
            lambda: encode_partials({"a": [scalar]}, 2, "Mine"),
            lambda: encode_partials({"a": {"b": [scalar]}}, 2, "Mine"),
            lambda: Sum().gather([("a", scalar)], {}, canonical),
            lambda: order_of(scalar),
        ):
            with pytest.raises((EncodingError, TypeError)) as caught:
                give()
            assert f"; convert it with {conversion}" in str(caught.value)

    def test_of_a_type_that_is_not_known_is_not_guessed(self) -> None:
        with pytest.raises(EncodingError, match=r"object is not a JSON type$"):
            encode_partials({"a": [object()]}, 2, "Mine")
