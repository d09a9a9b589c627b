"""The kernels: for any bytes each counts what the word rule finds, and encodes like partitioning.py."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from string import ascii_letters
from types import ModuleType
from typing import Any
from unicodedata import category
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import native
from tests.oracle import count_words, known_words, words_of
from word_counter import Lines, Mapper, Max, Sum
from word_counter.compute import native_sums as summing
from word_counter.compute.grouping import gather
from word_counter.compute.native_sums import adds_up
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import run_map, run_reduce
from word_counter.errors import UsageError
from word_counter.job import reducers
from word_counter.job.step import Phase
from word_counter.jobs.word_count import WordCount, WordMapper
from word_counter.native import kernel, python_kernel
from word_counter.native.python_kernel import count_in_python
from word_counter.native.word_rule import known_tokens, words_in
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.partitioning import canonical, decode_partial, encode_partials, encode_plainly, partition_of

Count = Callable[[bytes], dict[str, int]]

needs_compiler = pytest.mark.skipif(not native.compiler(), reason="a C compiler and Python's headers are needed")
#: Both paths of the native kernel, compiled here with warnings as errors.
BUILDS = [pytest.param([], id="native", marks=needs_compiler)]
BUILDS.append(pytest.param(native.PLAIN_C, id="native-plain-c", marks=needs_compiler))


Builds = Callable[[list[str]], native.Build]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Compiles the kernel with some flags, each once."""
    made: dict[tuple[str, ...], native.Build] = {}

    def build_with(flags: list[str]) -> native.Build:
        if tuple(flags) not in made:
            made[tuple(flags)] = native.load(native.build(tmp_path_factory.mktemp("kernel"), *flags))
        return made[tuple(flags)]

    return build_with


@pytest.fixture(scope="module", params=BUILDS)
def build(request: pytest.FixtureRequest, builds: Builds) -> native.Build:
    return builds(request.param)


@pytest.fixture(scope="module", params=[*BUILDS, pytest.param(None, id="python")])
def count(request: pytest.FixtureRequest, builds: Builds) -> Count:
    if request.param is None:
        return count_in_python
    module = builds(request.param).module
    return lambda chunk: kernel.count_natively(module, chunk)


_ASCII = [chr(code) for code in range(128)]
#: Letters, marks, joints and traps of other scripts: that change their length or number in lower case or in NFC, that
#: compose with a letter of ASCII, that look at the letters around them, or look like a space.
_OTHERS = list("\u2019\u03a3\u03c3\u03b1\u0130\u212a\u00e9\u00df\u1e9e\ufb01\u4f60\u0661\u00b2\u0301\u0345\u02bc\u00ad")
_OTHERS += list(
    "\u0307\u030a\u0323\u0331\u0327\u0340\u0344\u093c\u094d\u0958\u093f\u0e33\u1100\u1161\u11a8\u212b\u2126"
)
_OTHERS += list("\u20dd\u302a\ufe0f\U000110bd\U0001d165\U000e0100\u200b\u200c\u00bd\u2167\u1e96\u0374\u1fef\u037e")
_OTHERS += list("\u200d\u00a0\u0085\u1680\u2028\u3000\ufeff\u00b7\u201c\ufffd\U0001d49c\U0001f600")
_BROKEN = [b"\x80", b"\xff", b"\xe2\x80", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]
_PIECES = st.one_of(
    st.sampled_from([*(character.encode() for character in [*_ASCII, *_OTHERS]), *_BROKEN]),
    st.sampled_from([b"'", b" ", b"\r\n", b"\xe2\x80\x99", b"a", b"Z9"]),
    st.text(max_size=5).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=5),
    st.integers(10, 40).map(lambda n: b"aB'c" * n),
    st.integers(1, 70).map(lambda n: b" " * n),
    st.integers(1, 70).map(lambda n: b"x" * n),
)
CHUNKS = st.lists(_PIECES, max_size=60).map(b"".join)

_NASTY = {
    "nothing": b"",
    "one letter": b"A",
    "apostrophes": b"'' don't 'n' rock'n'roll o'' ''o x''y 'a' b' 'c ' a'b'c'd",
    "apostrophes and line ends": b"don'\nt a'\r\nb 'c\n'\n",
    "curly apostrophes": "don\u2019t \u2019tis o\u2019\u2019o a\u2019b'c x\u2019 \u2019".encode(),
    "nuls": b"\0a\0\0b\0 a\0'b \0\xc3\xa9\0",
    "every white space": b"a\tb\nc\x0bd\x0ce\rf\x1cg\x1dh\x1ei\x1fj k\x7fl",
    "white space beyond ASCII": "a\u0085b\u00a0c\u2028d\u3000e\u1680f\u180eg\u200bh".encode(),
    "separators beside other letters": "\u00e9\x1c\u00e9\x1d\u00e9\x1e\u00e9\x1f\u00e9\0\u00e9_\u00e9-\u00e9".encode(),
    "underscores": "snake_case __ _a_ \u00e9_\u00e9".encode(),
    "final sigma": "\u0394\u039f\u03a3 \u03a3 A\u03a3. A\u03a3.A A\u03a3'A A\u03a3:A A\u03a3^A A\u03a3`A".encode(),
    "final sigma before separators": "A\u03a3-A A\u03a3\tA A\u03a3_A A\u03a3/A A\u03a3\0A A\u03a3\u2019A".encode(),
    "final sigma far away": ("A" + "\u0301" * 200 + "\u03a3" + "\u0301" * 200 + "A").encode(),
    "lower case is longer": "\u0130stanbul \u0130 x\u0130'y \u1e9e".encode(),
    "lower case is ASCII": "\u212aelvin 273\u212a".encode(),
    "no letters": "1\u00b2\u0661 \u2460 \u00bd \u20ac".encode(),
    "marks": "e\u0301t\u00e9 a\u0308b \u0915\u094d\u0937 \u0301x x\u0301\u0302 \u0301 1\u20dd a\ufe0f".encode(),
    "marks beside apostrophes": "a'\u0301b a\u0301'b a\u2019\u0301b a\u0301\u2019b'\u0301 '\u0301'a".encode(),
    "marks beside separators": "a.\u0301b \u00e9_\u0301a -\u0301 a\n\u0301a \u00a0\u0301a \ufffd\u0301a".encode(),
    "marks that compose with ASCII": "A\u030a a\u030a K\u030c H\u0331 h\u0331 I\u0307 i\u0307 \u0130 J\u030c".encode(),
    "marks in either order": "a\u0323\u0302 a\u0302\u0323 \u1ead A\u0302\u0323 \u1eac o\u0344 o\u0308\u0301".encode(),
    "marks far from their letter": ("a" + "\u0301" * 100 + "b " + "x" * 70 + "\u0301").encode(),
    "joiners": "\u0645\u06cc\u200c\u062e\u0648\u0627 a\u200db \u200da a\u200d b\u200c \u200d 'a\u200d'b".encode(),
    "Hangul by its letters": "\u1112\u1161\u11ab \ud55c \u1112\u1161 \u1112 \u1161\u11ab".encode(),
    "no ASCII after NFC": "x\u037ey x\u1fefy x\u0387y \u2126 \u212b \u0374a a\u0374".encode(),
    "broken": b"a\xffb \xe2\x80 \xe2\x80\x99 x\xe2\x80\x99y x\xe2\x80y \xc3( \xf0\x9f\x98 \xed\xa0\x80 \xc0\x80 \xf5",
    "broken at a cut": b"\xe2\x80 \x99 a\xe2\n\x80\x99b \xc3'\xa9 x\xc3.\xa9",
    "a mark of the byte order": b"\xef\xbb\xbfword \xef\xbb\xbf a\xef\xbb\xbfb",
    "long words": b"a" * 16 + b" " + b"A" * 17 + b" " + b"a" * 17 + b" " + b"Ab'" * 100 + b"c " + b"aB'" * 100 + b"C",
    "a very long word": b"Abc'" * 100_000 + b"d",
    "a very long token": ("\u00e9b'" * 50_000).encode(),
    "a very long gap": b"a" + b" .'" * 30_000 + b"b",
    "alike but for one byte": b" ".join(b"x" * i + b"y" + b"x" * (40 - i) for i in range(41)) + b" " + b"x" * 41,
    "a token at each place of a block": b" ".join(b"x" * i + " \u00e9 y".encode() + b"." * (60 - i) for i in range(61)),
    "blocks with one separator": b" ".join(b"ab'c" * 15 + b"x" * i for i in range(70)),
    "blocks with one separator and tokens": b"-".join("a\u00e9'c".encode() * 12 + b"x" * i for i in range(70)),
    "many words": b" ".join(b"w%d W%d" % (i, i * i) for i in range(3_000)),
    "many tokens": " ".join(f"\u00e9{i} {i}" + "\u00e9" * 8 for i in range(2_000)).encode(),
    "many long words": b" ".join(b"%040d" % i for i in range(2_000)),
}  # fmt: skip


class TestCounts:
    @given(CHUNKS)
    @example("A\u03a3.\u0130 '\u212a' don\u2019t\r\n".encode() + b"\xe2\x80'\x99 \xff")
    def test_are_those_of_the_word_rule(self, count: Count, chunk: bytes) -> None:
        assert count(chunk) == count_words(chunk)

    @given(st.text(alphabet=st.sampled_from("aB'. \u03a3\u2019\u0301"), max_size=30))
    def test_are_those_of_the_word_rule_where_letters_look_at_each_other(self, count: Count, text: str) -> None:
        assert count(text.encode()) == count_words(text.encode())

    @given(
        st.text(st.sampled_from("aI' \u03a3\u2019\u0130") | st.characters(categories=["M", "Lm", "Lo"]), max_size=40)
    )
    def test_are_those_of_the_word_rule_where_marks_are_many(self, count: Count, text: str) -> None:
        assert count(text.encode()) == count_words(text.encode())

    def test_are_those_of_the_word_rule_for_every_mark_behind_letters_of_ascii(self, count: Count) -> None:
        marks = [character for character in map(chr, range(sys.maxunicode + 1)) if category(character)[0] == "M"]
        composing = map(chr, range(0x300, 0x370))
        pairs = [*product("aI", marks), *product(ascii_letters, composing)]
        chunk = "\n".join(map("".join, pairs)).encode()

        assert count(chunk) == count_words(chunk)

    @pytest.mark.parametrize("name", _NASTY)
    def test_of_a_nasty_chunk_are_those_of_the_word_rule(self, count: Count, name: str) -> None:
        assert count(_NASTY[name]) == count_words(_NASTY[name])

    @pytest.mark.parametrize("tail", [b"x", b" x", b"'x", b"' x", b"''x", b"x'", b"Xyz'a.b\xc3\xa9 c", b"\xc3\xa9"])
    @pytest.mark.parametrize("filler", [b" ", b"a", b".", b"a'", b"a "])
    def test_do_not_depend_on_where_a_word_stands(self, count: Count, filler: bytes, tail: bytes) -> None:
        for n in range(200):  # a block is 64 bytes
            chunk = (filler * n)[:n] + tail
            assert count(chunk) == count_words(chunk), n

    @given(CHUNKS)
    def test_of_whole_lines_add_up_wherever_a_source_is_split(self, count: Count, content: bytes) -> None:
        ends = [match.end() for match in re.finditer(b"\n", content)]
        for end in ends:
            assert Counter(count(content[:end])) + Counter(count(content[end:])) == count_words(content)

    @given(CHUNKS, CHUNKS)
    def test_do_not_depend_on_what_stands_behind_the_chunk(
        self, build: native.Build, chunk: bytes, more: bytes
    ) -> None:
        seen = memoryview(chunk + more)[: len(chunk)]

        assert build.module.count(seen) == build.module.count(chunk)

    @pytest.mark.parametrize("character", _ASCII)
    def test_of_ascii_text_need_no_rule(self, build: native.Build, character: str) -> None:
        chunk = f"a{character}B {character} {character}c9{character}".encode()

        words, tokens = build.module.count(chunk)

        assert not tokens
        assert words == count_words(chunk)

    def test_in_several_threads_are_the_same(self, build: native.Build) -> None:
        chunk = b" ".join(_NASTY[name] for name in _NASTY if name.startswith("many"))
        counts: list[Any] = []
        threads = [threading.Thread(target=lambda: counts.append(build.module.count(chunk))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert counts == [build.module.count(chunk)] * 4

    @pytest.mark.parametrize("wrong", ["text", None, 1, [b"a"]])
    def test_of_what_is_no_bytes_are_refused(self, build: native.Build, wrong: Any) -> None:
        with pytest.raises(TypeError):
            build.module.count(wrong)


class TestCuts:
    """Why tokens may be cut out of a line: what the comments at the head of _words.h claim."""

    _CONTEXTS = st.text(
        alphabet=st.sampled_from("aA1\u03a3\u03c3\u0391'.:^`\u2019\u00ad\u0301\u0345\u0130\u200d -"), max_size=6
    )

    @given(_CONTEXTS, _CONTEXTS)
    @example("A\u03a3", "A")
    @example("a", "\u0301a")
    def test_change_nothing_in_what_the_rule_finds(self, before: str, after: str) -> None:
        words = words_of(before) + words_of(after)

        assert [cut for cut in python_kernel.CUTS if words_of(before + cut + after) != words] == []

    def test_are_not_made_at_an_apostrophe(self) -> None:
        assert words_of("a'b") == ["a'b"]
        assert "'" not in python_kernel.CUTS

    @given(st.lists(_CONTEXTS, max_size=5))
    @example(["A\u03a3", "\u0301A", "", "A"])
    def test_keep_tokens_apart_that_the_rule_is_applied_to_together(self, texts: list[str]) -> None:
        tokens = dict.fromkeys((text.replace(" ", "").encode() for text in texts), 1)
        known_tokens.clear()

        assert words_in(tokens) == Counter(word for token in tokens for word in words_of(token.decode()))


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9)
_OTHER_KEYS = st.one_of(_SCALARS, st.lists(_SCALARS | st.text(), max_size=3).map(tuple)).map(canonical)
_GROUPS = st.dictionaries(st.text(), st.integers(-(2**63), 2**63 - 1), max_size=30)


class TestEncoding:
    @given(_GROUPS, st.integers(1, 9))
    @example({"": 0, '"\\\b\f\n\r\t\0\x1f\x7f': 2**63 - 1, "\u00e9\u4f60\U0001f600": -(2**63)}, 2)
    @example({chr(code) * 3_000: 1 for code in range(40)}, 3)
    def test_writes_the_same_text(self, build: native.Build, groups: dict[Any, int], partitions: int) -> None:
        assert build.module.encode_counts(groups, partitions) == encode_plainly(groups, partitions)

    @given(st.dictionaries(_OTHER_KEYS, st.integers(-(2**63), 2**63 - 1), max_size=30), st.integers(1, 9))
    def test_writes_the_same_text_of_keys_that_are_not_text(
        self, build: native.Build, groups: dict[Any, int], partitions: int
    ) -> None:
        assert build.module.encode_counts(groups, partitions) == encode_plainly(groups, partitions)

    @given(st.dictionaries(st.text() | _OTHER_KEYS, st.integers() | st.text(), max_size=9), st.integers(1, 3))
    def test_gives_each_partition_its_pairs(self, groups: dict[Any, Any], partitions: int) -> None:
        partials = encode_partials(groups, partitions, "me")

        assert {number: dict(decode_partial(text)) for number, text in partials.items()} == {
            number: {key: value for key, value in groups.items() if partition_of(key, partitions) == number}
            for number in {partition_of(key, partitions) for key in groups}
        }

    @given(st.text())
    def test_chooses_the_same_partition(self, build: native.Build, key: str) -> None:
        assert list(build.module.encode_counts({key: 1}, 4_099)) == [partition_of(key, 4_099)]

    @pytest.mark.parametrize(
        "pair", [(b"1", 1), ("a", True), ("a", 1.0), ("a", None), ("a", [1]), ("a", 2**63), ("a", -(2**63) - 1)]
    )
    def test_leaves_other_keys_and_values_to_python(self, build: native.Build, pair: tuple[Any, Any]) -> None:
        assert build.module.encode_counts(dict([("x", 1), pair, ("y", 1)]), 2) is None

    def test_leaves_what_is_no_unicode_to_python_to_name(self, build: native.Build) -> None:
        assert build.module.encode_counts({"a": 1, "\ud800": 1}, 2) is None

    @pytest.mark.parametrize("partitions", [0, -1, 2**31, 2**40])
    def test_leaves_odd_numbers_of_partitions_to_python(self, build: native.Build, partitions: int) -> None:
        assert build.module.encode_counts({"a": 1}, partitions) is None

    def test_is_used_by_the_shuffle(self) -> None:
        groups: dict[Any, Any] = {"a": 1, "b\n": 2, "\u00e9": 3}

        assert encode_partials(groups, 3, "me") == encode_plainly(groups, 3)


class TestPartials:
    """From the bytes of a chunk to JSON, without objects in between."""

    @given(CHUNKS, st.integers(1, 9))
    def test_are_those_of_the_counts(self, build: native.Build, chunk: bytes, partitions: int) -> None:
        words: dict[Any, int] = dict(count_in_python(chunk))
        expected = {n: json.loads(text) for n, text in encode_plainly(words, partitions).items()}

        for every in (0, 1, 2):
            known = known_words(build.module.count(chunk)[1], every)
            partials, pairs = build.module.word_partials(chunk, partitions, known, words_in)

            assert {n: json.loads(text) for n, text in partials.items()} == expected
            listed = [pair for text in partials.values() for pair in json.loads(text, object_pairs_hook=list)]
            assert len(listed) == pairs == len(words)

    @pytest.mark.parametrize("every", [0, 1, 2])
    @pytest.mark.parametrize("name", _NASTY)
    def test_of_a_nasty_chunk_are_those_of_the_counts(self, build: native.Build, name: str, every: int) -> None:
        known = known_words(build.module.count(_NASTY[name])[1], every)

        partials, _ = build.module.word_partials(_NASTY[name], 1, known, words_in)

        assert json.loads(partials.get(0, "{}")) == count_in_python(_NASTY[name])

    def test_add_words_that_the_rule_finds_in_tokens_to_the_others(self, build: native.Build) -> None:
        long = "a" * 40
        chunk = f"don't b {long} caf\u00e9.don't \u2019b\u2019 \u00e9:{long} \u201ccaf\u00e9\n".encode()

        for every in (0, 1, 2):
            known = known_words(build.module.count(chunk)[1], every)
            (text,) = build.module.word_partials(chunk, 1, known, words_in)[0].values()

            assert json.loads(text) == {"don't": 2, "b": 2, long: 2, "caf\u00e9": 2, "\u00e9": 1}
            assert len(json.loads(text)) == text.count(":")  # each once

    def test_pass_on_what_the_rule_raises(self, build: native.Build) -> None:
        def rule(tokens: dict[bytes, int]) -> dict[str, int]:
            raise LookupError(*tokens)

        with pytest.raises(LookupError, match="caf"):
            build.module.word_partials("caf\u00e9".encode(), 2, {}, rule)

    def test_refuse_words_that_are_none(self, build: native.Build) -> None:
        chunk = "caf\u00e9".encode()
        for known, made in (
            ({chunk: ["caf\u00e9"]}, {}),
            ({chunk: (1,)}, {}),
            ({}, ["caf\u00e9"]),
            ({}, {1: 1}),
            ({}, {"a": -1}),
        ):
            with pytest.raises((TypeError, SystemError, OverflowError)):
                build.module.word_partials(chunk, 2, known, lambda _, made=made: made)

    @pytest.mark.parametrize("partitions", [0, -1, 2**31])
    def test_are_none_of_an_odd_number_of_partitions(self, build: native.Build, partitions: int) -> None:
        with pytest.raises(ValueError, match="partitions"):
            build.module.word_partials(b"a", partitions, {}, words_in)


@pytest.mark.parametrize(("start", "stop"), [(0, 9_999), (1, 9_998), (17, 17), (20, 10), (0, 20_000), (5_000, 5_015)])
def test_newlines_are_counted_as_bytes_count_them(build: native.Build, start: int, stop: int) -> None:
    block = (b"\n" * 5_000 + b"a\n\x8a" * 1_667)[:9_999]

    assert build.module.newlines(block, start, stop) == block.count(b"\n", start, stop)


class TestSums:
    """Partials added up without objects in between."""

    @given(st.lists(st.dictionaries(st.text(), st.integers(-(10**13) + 1, 10**13 - 1), max_size=9), max_size=9))
    def test_are_those_of_the_partials_that_are_taken(
        self, build: native.Build, partials: list[dict[str, int]]
    ) -> None:
        sums, expected, values = build.module.Sums(), Counter[str](), Counter[str]()
        for partial in partials:
            text = json.dumps(partial, ensure_ascii=False, separators=(",", ":"))
            taken = sums.add(text.encode("utf-8", "replace"))
            assert taken == ("\\" not in text)
            if taken:
                expected.update(partial)
                values.update(partial.keys())

        assert sums.items() == [(key, expected[key], values[key]) for key in sorted(expected)]
        for brackets in ("{}", "[]"):
            texts = [json.loads(text) for text in sums.segments(30, brackets)]
            pairs = [(key, n) for text in texts for key, n in (text if brackets == "[]" else text.items())]
            assert pairs == [(key, expected[key]) for key in sorted(expected)]

    @pytest.mark.parametrize(
        "odd",
        [
            b"", b"{", b"}", b"[]", b"null", b'{"a":1', b'{"a":1,}', b'{"a":1}x', b'{"a":1}{"b":1}', b'{"a" :1}',
            b'{"a":}', b'{"a":-}', b'{"a":1.5}', b'{"a":true}', b'{"a":[1]}', b'{"a":10000000000000}', b'{"a\\n":1}',
            b'{"a":1,"b\\"":2}', b"{a:1}", b'{"a":1]', b'["a":1]', b'{"a":1,"a',
        ],
    )  # fmt: skip
    def test_take_nothing_of_a_partial_of_another_kind(self, build: native.Build, odd: bytes) -> None:
        sums = build.module.Sums()
        sums.add(b'{"a":40,"c":1}')

        assert not sums.add(odd)
        assert not sums.add(b'{"new":5,"a":7,' + odd)
        assert sums.add(b'{"a":2}')
        assert sums.add(b"{}")
        assert sums.items() == [("a", 42, 2), ("c", 1, 1)]
        assert sums.heaviest(5) == (2, 3, [("a", 2), ("c", 1)])
        assert sums.segments(100, "{}") == ['{"a":42,"c":1}']

    @given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True)), st.integers(0, 4))
    def test_know_the_heaviest_keys(self, build: native.Build, partials: list[list[str]], most: int) -> None:
        sums, values = build.module.Sums(), Counter[str]()
        for keys in partials:
            sums.add(json.dumps(dict.fromkeys(keys, 1), separators=(",", ":")))
            values.update(keys)

        heaviest = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
        assert sums.heaviest(most) == (len(values), values.total(), heaviest)

    def test_hold_many_keys_of_any_length(self, build: native.Build) -> None:
        partial = {"k" * (n % 90) + str(n): n for n in range(20_000)} | {"x" * 200_000: 1}
        sums = build.module.Sums()
        for _ in range(2):
            assert sums.add(json.dumps(partial, separators=(",", ":")))

        assert sums.items() == [(key, 2 * partial[key], 2) for key in sorted(partial)]

    @given(
        st.lists(
            st.dictionaries(st.text(max_size=2), st.integers() | st.floats(-1e9, 1e9), max_size=5),
            max_size=5,
        )
    )
    def test_reduce_to_what_python_reduces_to(self, build: native.Build, chunks: list[dict[str | bytes, Any]]) -> None:
        phase = Phase(mappers=(WordMapper,), reducer=Sum)
        partials = [encode_plainly(chunk, 1).get(0, "{}") for chunk in chunks]
        weights, results = [], []
        for kernel_in_use in (build.module, None):
            with patch.object(summing, "native", lambda chosen=kernel_in_use: chosen):
                weights.append(KeySkew())
                results.append("".join(run_reduce(phase, partials, {}, weights[-1])))

        assert results[0] == results[1]
        assert (weights[0].keys, weights[0].values) == (weights[1].keys, weights[1].values)

    def test_are_not_used_for_a_reducer_that_does_more(self) -> None:
        class Rounded(Sum):
            def finish(self, state: Any) -> Any:
                return round(state, -1)

        assert adds_up(Sum())
        assert adds_up(reducers.Count())
        assert not adds_up(Rounded())
        assert not adds_up(Max())


class TestMemory:
    def test_that_runs_out_is_an_error_and_nothing_worse(self, build: native.Build) -> None:
        chunk = b" ".join([_NASTY["many words"], _NASTY["many tokens"], _NASTY["many long words"][: 300 * 41]])
        groups = build.module.count(chunk)[0]
        partial = json.dumps({f"{'k' * 99}{n}": n for n in range(2_000)}, separators=(",", ":"))

        def summed() -> None:
            sums = build.module.Sums()
            sums.add(partial)
            sums.items()
            sums.heaviest(3)
            sums.segments(1_000, "{}")

        known = known_words(build.module.count(chunk)[1], 2)
        assert build.starve(lambda: build.module.count(chunk)) > 3
        assert build.starve(lambda: build.module.encode_counts(groups, 3)) > 3
        assert build.starve(lambda: build.module.word_partials(chunk, 3, known, words_in)) > 3
        assert build.starve(summed) > 3

    def test_is_given_back(self, build: native.Build) -> None:
        for chunk in _NASTY.values():
            build.module.encode_counts(build.module.count(chunk)[0], 3)

        assert build.held.value == 0


def test_constants_keep_their_references(build: native.Build) -> None:
    def call() -> None:
        sums = build.module.Sums()
        assert sums.add('{"a":1}') is True
        assert sums.add("no partial") is False
        assert build.module.encode_counts({"a": "text"}, 2) is None
        assert build.module.gather("sum", [("a", 1)], {}, canonical, print) is None

    def references() -> list[int]:
        return [sys.getrefcount(constant) for constant in (True, False, None)]

    call()
    before = references()
    for _ in range(200):
        call()

    assert all(abs(now - then) < 100 for now, then in zip(references(), before, strict=True))


@pytest.fixture
def choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def choose(name: str) -> None:
        monkeypatch.setenv("WORD_COUNTER_KERNEL", name)
        kernel._kernel.cache_clear()

    yield choose
    kernel._kernel.cache_clear()


class TestChoice:
    def test_of_the_python_kernel_is_made_in_the_environment(self, choice: Callable[[str], None]) -> None:
        choice("python")

        assert kernel.active() == "python (WORD_COUNTER_KERNEL says so)"
        assert kernel.count_words(b"a A \xc3\x89") == {"a": 2, "\u00e9": 1}
        assert kernel.encode_counts({"a": 1}, 2) is None

    def test_falls_on_python_when_there_is_no_other(
        self, choice: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "word_counter.native._kernel", None)
        choice("auto")

        assert kernel.active().startswith("python (the native kernel was not built")
        assert kernel.count_words(b"a A \xc3\x89") == {"a": 2, "\u00e9": 1}
        choice("native")
        with pytest.raises(UsageError, match="asks for the native kernel, which cannot be loaded"):
            kernel.active()

    def test_falls_on_python_when_the_native_kernel_is_of_an_older_version(
        self, choice: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "word_counter.native._kernel", ModuleType("word_counter.native._kernel"))
        choice("auto")

        assert kernel.active().startswith("python (the native kernel cannot be loaded: it was built from an older")
        assert kernel.native() is None
        choice("native")
        with pytest.raises(UsageError, match="install the package again"):
            kernel.active()

    def test_of_a_kernel_that_there_is_not_is_an_error(self, choice: Callable[[str], None]) -> None:
        choice("pyhton")

        with pytest.raises(UsageError, match="must be one of auto, native, python, not 'pyhton'"):
            kernel.count_words(b"a")


class TestWordMapper:
    @given(CHUNKS)
    def test_counts_a_chunk_as_it_counts_its_lines(self, chunk: bytes) -> None:
        mapper, lines = WordMapper(), Lines(chunk)

        assert mapper.map_chunk(lines) == Counter(word for line in lines for word, _ in mapper.map(line))

    def test_never_decodes_a_chunk(self) -> None:
        lines = Lines(b"one\ntwo\nthree")

        output = run_map(WordCount().phases()[0], lines, 2)

        assert (output.lines, output.pairs) == (3, 3)
        assert lines._decoded is None

    def test_counts_record_by_record_when_bad_records_are_skipped(self) -> None:
        raw = "Don't\n\u00c9a don't\n".encode()

        careful = run_map(WordCount().phases()[0], Lines(raw), 2, SkipBadRecords(limit=3, at_once=True))

        assert careful.partials == run_map(WordCount().phases()[0], Lines(raw), 2).partials

    def test_leaves_the_chunk_to_a_subclass_that_maps_lines_its_own_way(self) -> None:
        class Shouting:
            def map(self, line: str) -> Iterator[tuple[str, int]]:
                yield line.upper(), 1

        class Own(WordMapper):
            def map(self, line: str) -> Iterator[tuple[str, int]]:
                yield from ((word, n) for word, n in super().map(line) if word != "the")

        class Mixed(Shouting, WordMapper):
            pass

        class Both(Own):
            def map_chunk(self, lines: Lines) -> dict[str, int]:
                return {"chunks": 1}

        class Named(WordMapper):
            pass

        lines = Lines(b"the end\n")
        pairs: dict[type[Mapper], Any] = {cls: cls().map_chunk(lines) for cls in (Own, Mixed, Both, Named)}
        assert list(pairs[Own]) == [("end", 1)]
        assert list(pairs[Mixed]) == [("THE END", 1)]
        assert pairs[Both] == {"chunks": 1}
        assert pairs[Named] == {"the": 1, "end": 1}
        assert Own.map_chunk is Mapper.map_chunk


class TestSumOfAWholeChunk:
    _VALUES = st.one_of(st.integers(), st.booleans(), st.floats(-1e9, 1e9))
    _DICTS = st.dictionaries(st.one_of(st.text(max_size=2), st.integers(0, 3)), _VALUES, max_size=5)

    @given(_DICTS, _DICTS)
    def test_is_the_sum_of_its_pairs(self, first: dict[Any, Any], second: dict[Any, Any]) -> None:
        whole: dict[Any, Any] = {}
        pairwise: dict[Any, Any] = {}
        for pairs in (first, second):
            gather(Sum(), pairs, whole)
            Sum().gather(pairs.items(), pairwise, canonical)

        packed = [sorted(map(repr, Sum().condense_all(groups, str).items())) for groups in (whole, pairwise)]
        assert packed[0] == packed[1]

    def test_takes_nothing_for_nothing(self) -> None:
        groups: dict[Any, Any] = {}

        gather(Sum(), None, groups)

        assert groups == {}


@pytest.mark.skipif(kernel.active() != "native", reason="the native kernel is not built")
def test_a_word_count_makes_no_call_a_line_or_word() -> None:
    def calls(raw: bytes) -> int:
        n = 0

        def on_call(frame: Any, event: str, argument: Any) -> None:
            nonlocal n
            n += event in {"call", "c_call"}

        phase, lines = WordCount().phases()[0], Lines(raw)
        sys.setprofile(on_call)
        try:
            run_map(phase, lines, 8)
        finally:
            sys.setprofile(None)
        return n

    few = b"".join(b"line %d of some\n" % i for i in range(10))
    many = b"".join(b"line %d of some\n" % i for i in range(5_000))

    calls(few)  # what is done once a process
    assert calls(many) == calls(few)
