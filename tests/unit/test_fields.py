"""Fields of a line."""

from __future__ import annotations

import pytest

from word_counter.fields import check_delimiter, field_of, fields_of


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
