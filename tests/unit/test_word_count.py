"""The word count: its words are those of the word rule, for any text and any bytes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.oracle import count_words
from word_counter import Lines
from word_counter.compute.stages import run_map
from word_counter.jobs.word_count import WordCount
from word_counter.shuffle.partitioning import decode_partial


def _counted(raw: bytes, partitions: int = 3) -> Counter[str]:
    output = run_map(WordCount().phases()[0], Lines(raw), partitions)
    counts: Counter[str] = Counter()
    for text in output.partials.values():
        for word, n in decode_partial(text):
            assert isinstance(word, str)
            counts[word] += n
    return counts


_JOINTS = st.sampled_from(["'", "\u2019", "_", "-", " ", "\n", "\t", "''", "\u00a0", "\u2028", "\u0301", "\u200d", "."])
_LETTERS = st.sampled_from(
    ["a", "B", "\u00c9", "\u0130", "\ufb01", "\u00df", "\u4f60", "\u0661", "9", "\u00b2", "\u02bc", "\U0001d49c"]
)
TEXTS = st.lists(st.one_of(_JOINTS, _LETTERS, st.text(max_size=4)), max_size=40).map(
    lambda pieces: "".join(pieces).encode("utf-8", "replace")
)


@given(TEXTS)
@example(b"don't 'quoted' rock'n'roll o'' ''o x_y __ 3.14 1st")
@example("\u0130stanbul \u1e9e \ufb01n e\u0301t\u00e9 don\u2019t \u0661\u0662".encode())
def test_any_text_is_counted_by_the_word_rule(raw: bytes) -> None:
    assert _counted(raw) == count_words(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_counted_by_the_word_rule(raw: bytes) -> None:
    assert _counted(raw.removeprefix(b"\xef\xbb\xbf")) == count_words(raw)


@pytest.mark.parametrize("code", range(0, 0x110000, 0x1000))
def test_every_character_is_a_letter_or_none_as_the_word_rule_has_it(code: int) -> None:
    characters = [chr(n) for n in range(code, code + 0x1000) if not 0xD800 <= n < 0xE000]
    raw = "\n".join(f"a{character}b'{character}" for character in characters).encode()

    assert _counted(raw) == count_words(raw)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't PANIC, don't.", {"don't": 2, "panic": 1}),
        ("it\u2019s its", {"it\u2019s": 1, "its": 1}),
        ("'quoted'", {"quoted": 1}),
        ("snake_case", {"snake": 1, "case": 1}),
        ("x-ray 24/7 3.14", {"x": 1, "ray": 1, "24": 1, "7": 1, "3": 1, "14": 1}),
        ("\u4f60\u597d \u00dcBER", {"\u4f60\u597d": 1, "\u00fcber": 1}),
        ("re\u0301sume\u0301 R\u00e9sum\u00c9", {"r\u00e9sum\u00e9": 2}),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u0939\u093f\u0928\u094d\u0926\u0940.",
            {"\u0939\u093f\u0928\u094d\u0926\u0940": 2},
        ),
        ("\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", {"\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22": 1}),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", {"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645": 1}),
        ("\u0130stanbul I\u0307stanbul", {"i\u0307stanbul": 2}),
        ("\u1e96 H\u0331 h\u0331", {"\u1e96": 3}),
        ("\u039f\u0394\u039f\u03a3.\u0391 \u03a3", {"\u03bf\u03b4\u03bf\u03c2": 1, "\u03b1": 1, "\u03c3": 1}),
        ("m\u00b2 \u00bd \u2167 H\u2082O", {"m\u00b2": 1, "\u00bd": 1, "\u2177": 1, "h\u2082o": 1}),
        ("\u0301x '\u0301 \u200dx a'\u0301b", {"x": 2, "a": 1, "b": 1}),
        ("... --- '' _ \u00a0", {}),
    ],
)
def test_a_word_is(text: str, words: dict[str, int]) -> None:
    assert _counted(text.encode()) == words


def test_the_word_count_is_found_where_it_was_before() -> None:
    from word_counter import word_count

    assert word_count.WordCount is WordCount
