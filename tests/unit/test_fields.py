"""Fields of a line."""

from __future__ import annotations

from typing import Any

import pytest

from word_counter.fields import check_delimiter, check_field, field_of, fields_of, key_of


@pytest.mark.parametrize(
    ("line", "delimiter", "expected"),
    [
        ("a,b,c", ",", ["a", "b", "c"]),
        ('1,"Lee, Ann","say ""hi"""', ",", ["1", "Lee, Ann", 'say "hi"']),
        ("a b\t\tc", "\t", ["a b", "", "c"]),
        ("  a  b ", "", ["a", "b"]),
        ("", ",", []),
        (",", ",", ["", ""]),
    ],
)
def test_stand_between_delimiters(line: str, delimiter: str, expected: list[str]) -> None:
    assert fields_of(line, delimiter) == expected


@pytest.mark.parametrize("line", ['a,"b', '"a"b,c'])
def test_with_quotes_that_do_not_fit_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="this is no line of CSV"):
        fields_of(line)


def test_are_numbered_from_1_and_0_is_the_line() -> None:
    assert [field_of("a,b", number) for number in (0, 1, 2)] == ["a,b", "a", "b"]
    with pytest.raises(ValueError, match="field 3 is asked for, and there are 2"):
        field_of("a,b", 3)


@pytest.mark.parametrize("delimiter", ["ab", '"', "\n"])
def test_a_delimiter_that_cannot_be_is_refused(delimiter: str) -> None:
    with pytest.raises(ValueError, match="a delimiter is one character"):
        check_delimiter(delimiter)


@pytest.mark.parametrize(
    ("record", "field", "expected"),
    [
        (["a", "b"], "2", "b"),
        ({"x": "a", "y": "b"}, "2", "b"),
        ({"x": "a", "y": "b"}, "y", "b"),
        ({"x": {"y": 7}}, "x.y", 7),
        ({"x.y": 8, "x": {"y": 7}}, "x.y", 8),
        ({"x": False}, "x", False),
    ],
)
def test_of_records_have_names_or_numbers(record: Any, field: str, expected: Any) -> None:
    assert key_of(record, field) == expected


@pytest.mark.parametrize(
    ("record", "field", "told"),
    [
        (["a"], "2", "field 2 is asked for, and there is 1"),
        (["a"], "x", "there is no field 'x', only fields without names"),
        ({"a": 1, "b": 2}, "x", "there is no field 'x', only a, b"),
        ({"a": 1}, "a.b", "there is no field 'a.b', only a"),
        ({"a": None}, "a", "the field 'a' is null, and so no key"),
        ({"a": {"b": 1}}, "a", "the field 'a' is no single value"),
        (7, "1", "field 1 is asked for, and there are 0"),
    ],
)
def test_that_are_no_keys_are_refused(record: Any, field: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        key_of(record, field)


@pytest.mark.parametrize("field", ["", "0", "00"])
def test_a_field_that_cannot_be_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="a field is a name, or a number from 1"):
        check_field(field)
