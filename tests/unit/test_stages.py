"""The stages: map, reduce and merge, and where they locate a user's error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter import Job, Lines, Mapper, Reducer, Sum
from word_counter.compute.merge import Summary, merge, summarised
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import MapOutput, run_map, run_reduce
from word_counter.errors import EncodingError, RecordError, TooManyBadError
from word_counter.job.step import Phase
from word_counter.shuffle.key_skew import KeySkew
from word_counter.shuffle.partitioning import decode_partial

RAW = b"fine\n\xc3\xbcber\nmore\nboom at last\nfine\n"


class Picky(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        self.count("seen")
        yield line, 1
        if "boom" in line:
            message = f"cannot digest {line!r}"
            raise ValueError(message)


class Values(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return list(values)


def _lines(raw: bytes = RAW, offset: int = 1_000, line: int = 11) -> Lines:
    return Lines(raw, "/in/text.txt", offset, line)


def _job(mapper: type[Mapper] = Picky, reducer: type[Reducer] = Sum) -> Phase:
    return Job(mapper=mapper, reducer=reducer).phases()[0]


def _pairs(output: MapOutput) -> dict[Any, Any]:
    return {key: value for text in output.partials.values() for key, value in decode_partial(text)}


def _failure(mapper: type[Mapper], raw: bytes = RAW, reducer: type[Reducer] = Sum) -> str:
    with pytest.raises(RecordError) as caught:
        run_map(_job(mapper, reducer), _lines(raw), 2)
    return str(caught.value)


class TestMap:
    def test_gives_each_partition_its_partial_and_says_how_much_it_was(self) -> None:
        output = run_map(_job(), _lines(b"b\na\nb\n"), 2)

        assert _pairs(output) == {"a": 1, "b": 2}
        assert (output.lines, output.pairs, output.counters) == (3, 2, {"seen": 3})

    def test_takes_the_last_pairs_from_close(self) -> None:
        class Lasting(Picky):
            def close(self) -> Iterator[tuple[str, int]]:
                yield "last", 7

        assert _pairs(run_map(_job(Lasting), _lines(b"a\n"), 1)) == {"a": 1, "last": 7}

    def test_counts_what_mapper_and_combining_reducer_count(self) -> None:
        class Combines(Reducer):
            def setup(self) -> None:
                self.ready = True

            def combine(self, key: Any, values: Iterable[Any]) -> Any:
                assert self.ready
                self.count("combined")
                self.count("seen", 10)
                return sum(values)

            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                return sum(values)

        output = run_map(_job(reducer=Combines), _lines(b"a\na\nb\n"), 1)

        assert _pairs(output) == {"a": 2, "b": 1}
        assert output.counters == {"seen": 3 + 20, "combined": 2}

    @pytest.mark.parametrize(("name", "n"), [("x", 1.5), (None, 1), ("x", 2**53 + 1)])
    def test_counts_whole_numbers_only(self, name: Any, n: Any) -> None:
        class Counts(Picky):
            def setup(self) -> None:
                self.count(name, n)

        with pytest.raises(EncodingError, match="Counts"):
            run_map(_job(Counts), _lines(b"a\n"), 1)


class TestAMistakeInAMapper:
    def test_is_shown_with_file_byte_offset_line_and_traceback(self) -> None:
        told = _failure(Picky)

        assert told.startswith("Picky failed in /in/text.txt, byte 1016, line 14: 'boom at last'\nTraceback")
        assert "ValueError: cannot digest 'boom at last'" in told
        assert f'File "{__file__}"' in told
        assert "word_counter/stages.py" not in told

    @given(st.lists(st.sampled_from([b"a\n", b"\r\n", b"\xff\xfe\n", b"\xe2\x82\xac\r\n", b"\n"]), max_size=12))
    def test_is_found_at_the_right_byte_whatever_stands_before_it(self, before: list[bytes]) -> None:
        raw = b"".join(before)

        told = _failure(Picky, raw + b"boom\n")

        assert f"byte {1_000 + len(raw)}, line {11 + len(before)}: 'boom'" in told

    def test_is_shown_with_the_beginning_of_a_line_that_is_long(self) -> None:
        class Brief(Mapper):
            def map(self, line: str) -> Iterator[tuple[str, int]]:
                raise ValueError
                yield line, 1

        told = _failure(Brief, b"boom" * 1_000_000)

        assert len(told) < 5_000
        assert "boom..." in told

    def test_that_leaves_the_process_is_a_mistake_too(self) -> None:
        class Leaves(Mapper):
            def map(self, line: str) -> Iterator[tuple[str, int]]:
                sys.exit(0)
                yield line, 1

        assert "line 11: 'fine'" in _failure(Leaves)

    def test_in_close_setup_or_init_is_not_blamed_on_a_line(self) -> None:
        class InClose(Picky):
            def close(self) -> Iterator[tuple[str, int]]:
                message = "in close"
                raise ValueError(message)
                yield "never", 1

        class InSetup(Picky):
            def setup(self) -> None:
                message = "in setup"
                raise ValueError(message)

        class InInit(Picky):
            def __init__(self) -> None:
                message = "in init"
                raise ValueError(message)

        for mapper, words in ((InClose, "in close"), (InSetup, "in setup"), (InInit, "in init")):
            told = _failure(mapper, b"a\nb\n")
            assert f"ValueError: {words}" in told
            assert "line 11:" not in told
            assert "line 12:" not in told

    def test_in_map_chunk_is_placed_in_the_chunk(self) -> None:
        class Whole(Mapper):
            def map_chunk(self, lines: Lines) -> Iterable[tuple[Any, Any]]:
                return [(line, 1 // 0) for line in lines]

        assert "Whole failed in /in/text.txt, byte 1000, in the 5 lines from line 11 on" in _failure(Whole)

    def test_in_what_it_yields_is_shown(self) -> None:
        class NoPairs(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield 1

        with pytest.raises(EncodingError, match=r"1 is not a \(key, value\) pair"):
            _failure(NoPairs)

    def test_of_the_wrong_key_is_placed_at_its_line(self) -> None:
        class BadKey(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield (b"bytes" if line == "more" else line), 1

        with pytest.raises(EncodingError, match=r"BadKey.*byte 1011, line 13: 'more'.*b'bytes'"):
            run_map(_job(BadKey), _lines(), 2)

    def test_of_the_wrong_value_names_the_key(self) -> None:
        class BadValue(Mapper):
            def map(self, line: str) -> Iterator[Any]:
                yield line, {1: 2}

        with pytest.raises(EncodingError, match=r"BadValue.*'fine'"):
            run_map(_job(BadValue, Values), _lines(), 2)


class Careless(Picky):
    """Yields a pair and counts before it raises, so that half of a record could be left behind."""


class TestSkipBadRecords:
    def test_a_bad_record_is_set_aside_whole_and_all_others_count(self) -> None:
        output = run_map(_job(Careless), _lines(), 2, SkipBadRecords(limit=1))

        assert _pairs(output) == {"fine": 2, "\u00fcber": 1, "more": 1}
        assert output.counters == {"seen": 4}
        ((index, (why, record)),) = output.aside.records.items()
        assert (index, output.aside.raised) == (3, 1)
        assert "cannot digest" in why
        assert (record.raw, record.offset, record.line) == (b"boom at last\n", 1_016, 14)

    def test_more_bad_records_than_allowed_fail_with_the_last_of_them(self) -> None:
        raw = b"boom 1\nfine\nboom 2\n"

        with pytest.raises(TooManyBadError, match=r"more than 1 bad records.*byte 1012, line 13: 'boom 2'"):
            run_map(_job(), _lines(raw), 2, SkipBadRecords(limit=1))

    def test_a_key_that_json_cannot_hold_is_no_bad_record(self) -> None:
        class BadKey(Picky):
            def map(self, line: str) -> Iterator[Any]:
                yield (b"bytes" if line == "more" else line), 1

        with pytest.raises(EncodingError, match=r"BadKey.*byte 1011, line 13: 'more'.*b'bytes'"):
            run_map(_job(BadKey), _lines(), 2, SkipBadRecords(limit=9, at_once=True))

    def test_a_single_bad_record_of_a_chunk_without_allowance_is_the_usual_error_too(self) -> None:
        with pytest.raises(RecordError, match="line 14: 'boom at last'"):
            run_map(_job(), _lines(), 2, SkipBadRecords(at_once=True))

    def test_no_bad_records_allowed_means_the_usual_error(self) -> None:
        with pytest.raises(RecordError, match="line 14: 'boom at last'"):
            run_map(_job(), _lines(), 2, SkipBadRecords(limit=0))

    def test_records_that_killed_their_process_are_left_out_unread(self) -> None:
        seen: list[int] = []

        output = run_map(_job(), _lines(), 2, SkipBadRecords(at_once=True, skip={3: "it died"}, before=seen.append))

        assert _pairs(output) == {"fine": 2, "\u00fcber": 1, "more": 1}
        assert seen == [0, 1, 2, 4]
        assert output.aside.raised == 0
        assert output.aside.records[3][0] == "it died"

    @given(st.lists(st.sampled_from([b"a\n", b"b\r\n", b"boom\n", b"\n"]), min_size=1, max_size=20))
    def test_what_is_left_equals_the_input_without_the_bad_records(self, records: list[bytes]) -> None:
        good = [record for record in records if record != b"boom\n"]

        output = run_map(_job(), _lines(b"".join(records)), 3, SkipBadRecords(limit=99))

        expected = run_map(_job(), _lines(b"".join(good)), 3)
        assert output.partials == expected.partials
        assert output.aside.raised == len(records) - len(good)

    def test_map_chunk_is_given_one_record_at_a_time(self) -> None:
        class Whole(Mapper):
            def map_chunk(self, lines: Lines) -> Iterable[tuple[Any, Any]]:
                return [(line, 1 // len(line)) for line in lines]

        output = run_map(_job(Whole), _lines(b"a\n\nb\n"), 1, SkipBadRecords(limit=1))

        assert _pairs(output) == {"a": 1, "b": 1}
        assert list(output.aside.records) == [1]


def _reduced(phase: Phase, *partials: dict[str, Any] | list[Any]) -> dict[str, Any]:
    segments = run_reduce(phase, [json.dumps(partial) for partial in partials], {})
    return {key: value for segment in segments for key, value in json.loads(segment).items()}


class TestReduce:
    def test_brings_the_values_of_all_chunks_together_in_their_order(self) -> None:
        job = _job(reducer=Values)

        assert _reduced(job, {"a": [1, 2]}, {"b": [3]}, {"a": [4]}) == {"a": [1, 2, 4], "b": [3]}

    def test_gives_segments_whose_keys_are_sorted_and_ever_larger(self) -> None:
        keys = [f"key {n * 7919 % 30_000:05d} {'x' * 20}" for n in range(30_000)]

        segments = list(run_reduce(_job(), [json.dumps(dict.fromkeys(keys, 1))], {}))

        assert len(segments) > 1
        assert [key for segment in segments for key in json.loads(segment)] == sorted(keys)

    def test_folds_many_values_of_a_key_on_the_way(self) -> None:
        assert _reduced(_job(), *[{"a": 1, "b": 0.1}] * 5_000) == {"a": 5_000, "b": 500.0}

    def test_counts_what_the_reducer_counts(self) -> None:
        class Counts(Values):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                self.count("keys")
                return 0

        counters = {"keys": 10, "other": 1}
        list(run_reduce(_job(reducer=Counts), ['{"a": [1], "b": [2]}'], counters))

        assert counters == {"keys": 12, "other": 1}

    def test_gives_last_results_after_those_of_all_keys(self) -> None:
        class Counting(Values):
            keys = 0

            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                self.keys += 1
                return list(values)

            def last_results(self) -> Iterator[tuple[Any, Any]]:
                yield "~", self.keys

        found = _reduced(_job(reducer=Counting), {"b": [1], "a": [2]})

        assert list(found.items()) == [("a", [2]), ("b", [1]), ("~", 2)]

    def test_calls_setup_before_the_first_key_and_close_after_the_last(self) -> None:
        calls: list[str] = []

        class Watched(Values):
            def setup(self) -> None:
                calls.append("setup")

            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                calls.append(key)
                return 0

            def close(self) -> None:
                calls.append("close")

        list(run_reduce(_job(reducer=Watched), ['{"b": [1], "a": [1]}'], {}))

        assert calls == ["setup", "a", "b", "close"]

    def test_a_mistake_is_shown_with_its_key_and_traceback(self) -> None:
        class Fails(Values):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                message = "no such thing"
                raise LookupError(message)

        with pytest.raises(RecordError) as caught:
            _reduced(_job(reducer=Fails), [[["guilty", 1], [2]]])

        assert "Fails failed for the key ('guilty', 1)\nTraceback" in str(caught.value)
        assert "LookupError: no such thing" in str(caught.value)

    @pytest.mark.parametrize("method", ["setup", "close"])
    def test_a_mistake_in_setup_or_close_is_shown(self, method: str) -> None:
        def fails(self: Reducer) -> None:
            message = f"in {method}"
            raise LookupError(message)

        reducer = type("Fails", (Values,), {method: fails})

        with pytest.raises(RecordError, match=f"(?s)Fails failed.*LookupError: in {method}"):
            _reduced(_job(reducer=reducer), {"a": [1]})

    @pytest.mark.parametrize("result", [float("nan"), {1: 2}, {2}, "\ud800", b"", object()])
    def test_a_result_that_json_cannot_hold_is_named_by_its_key(self, result: Any) -> None:
        class Odd(Values):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                return result

        with pytest.raises(EncodingError, match=r"Odd returned for the key 'guilty'"):
            _reduced(_job(reducer=Odd), {"guilty": [1]})

    @pytest.mark.parametrize(
        ("text", "key", "kinds"),
        [("1", 1, "int and str"), ("null", None, "NoneType and str"), ("[1]", [1], "str and tuple")],
    )
    def test_two_keys_with_one_text_are_an_error(self, text: str, key: Any, kinds: str) -> None:
        with pytest.raises(EncodingError) as caught:
            _reduced(_job(), {text: 1}, [[key, 1]])

        assert repr(text) in str(caught.value)
        assert kinds in str(caught.value)

    def test_a_partial_that_is_none_is_not_taken_for_an_empty_one(self) -> None:
        with pytest.raises(ValueError, match="partial"):
            list(run_reduce(_job(), ['"text"'], {}))


class TestMerge:
    @given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=30), st.integers(1, 5), st.integers(1, 4))
    def test_gives_all_results_sorted_by_key(self, results: dict[str, int], partitions: int, segment: int) -> None:
        shares: list[list[str]] = [sorted(results)[n::partitions] for n in range(partitions)]
        segments = [
            [json.dumps({key: results[key] for key in keys[at : at + segment]}) for at in range(0, len(keys), segment)]
            for keys in shares
        ]

        assert list(merge(segments)) == sorted(results.items())

    def test_of_nothing_is_nothing(self) -> None:
        assert list(merge([])) == []
        assert list(merge([[], []])) == []


class TestSummary:
    @given(st.dictionaries(st.text("abcdef", max_size=3), st.integers(-5, 5) | st.just(0.5), max_size=40))
    def test_holds_the_largest_values_the_earlier_keys_first_among_equals(self, results: dict[str, float]) -> None:
        summary = Summary()

        passed = list(summarised(sorted(results.items()), summary))

        assert passed == sorted(results.items())
        assert summary.keys == len(results)
        assert summary.largest == sorted(results.items(), key=lambda pair: (-pair[1], pair[0]))[:10]

    @pytest.mark.parametrize(("top", "shown"), [(0, 10), (5, 5), (20, 10)])
    def test_shows_no_more_than_are_written(self, top: int, shown: int) -> None:
        summary = Summary.of(top)

        list(summarised([(f"key{n:02}", n) for n in range(30)], summary))

        assert summary.keys == 30
        assert [value for _, value in summary.largest] == list(range(29, 29 - shown, -1))

    def test_leaves_out_what_is_no_number(self) -> None:
        summary = Summary()

        list(summarised([("a", "text"), ("b", True), ("c", None), ("d", [9]), ("e", 1)], summary))

        assert (summary.keys, summary.largest) == (5, [("e", 1)])


class TestKeySkew:
    def test_counts_keys_and_values_and_keeps_the_heaviest(self) -> None:
        skew = KeySkew()

        list(run_reduce(_job(reducer=Values), ['{"a": [1, 2, 3], "b": [1]}', '[[["c", 1], [1, 2]]]'], {}, skew))

        assert (skew.keys, skew.values) == (3, 6)
        assert skew.heaviest == [("a", 3), (b'["c",1]', 2), ("b", 1)]

    def test_counts_what_was_folded_on_the_way(self) -> None:
        skew = KeySkew()

        list(run_reduce(_job(), ['{"a": 1}'] * 2_500 + ['{"b": 1}'], {}, skew))

        assert skew.heaviest == [("a", 2_500), ("b", 1)]

    def test_tells_of_five_keys(self) -> None:
        skew = KeySkew()
        skew.count_all({str(n): [0] * (n * 37 % 100) for n in range(1, 100)})

        assert skew.heaviest == [("27", 99), ("54", 98), ("81", 97), ("8", 96), ("35", 95)]
