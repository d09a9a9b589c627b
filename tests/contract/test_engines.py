"""The contract of all engines: exact results, the same bytes however the work is cut, and clear errors otherwise."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import jobs
from tests.contract.conftest import EngineUnderTest
from tests.oracle import count_words, results_bytes, results_text
from word_counter import Job, JobFailedError, Sum
from word_counter.errors import EncodingError, InputChangedError, InputError, RecordError
from word_counter.inputs.encodings import marked
from word_counter.inputs.kinds.decompression import HEAD_BYTES, packing_of
from word_counter.inputs.kinds.signatures import refuse_archive, refuse_unread
from word_counter.observer import Observer, Progress

_WORDS = [
    "the",
    "The",
    "don't",
    "don\u2019t",
    "'tis'",
    "x_y",
    "42nd",
    "\u00dcber",
    "na\u00efve",
    "\u4f60\u597d",
    "\u0130",
    "\ufb01",
    "e\u0301",
]
_PIECES = st.one_of(
    st.sampled_from(_WORDS).map(str.encode),
    st.sampled_from([b" ", b"\n", b"\n", b"\r\n", b"\r", b"\t", b"\0", b",", b"\xff", b"\xe2\x82", b"\xef\xbb\xbf"]),
    st.text(max_size=6).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=6),
)
CONTENTS = st.lists(_PIECES, max_size=60).map(b"".join)


def _is_plain(content: bytes) -> bool:
    """Whether content is read as it is: see tests/integration/test_malformed.py for what is not."""
    head = content[:HEAD_BYTES]
    try:
        refuse_unread(head, "a.txt")
        refuse_archive(head, "a.txt")
    except InputError:
        return False
    return not packing_of(head) and not marked(head)


def _files(folder: Path, contents: list[bytes]) -> list[Path]:
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{number}.txt")
        paths[-1].write_bytes(content)
    return paths


def _pairs(path: Path, pairs: list[tuple[Any, Any]]) -> Path:
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


def _pythonic(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


class TestWordCount:
    @settings(max_examples=60)
    @given(st.data())
    def test_equals_counter_for_any_text_chunk_size_partitions_and_workers(
        self, engine: EngineUnderTest, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        plain = CONTENTS.filter(_is_plain)
        contents = data.draw(st.lists(plain, min_size=1, max_size=3))
        lines = sum(content.count(b"\n") + 1 for content in contents)
        chunk_size = data.draw(st.integers(1, lines))
        partitions = data.draw(st.integers(1, 16))
        workers = data.draw(st.integers(1, 4))
        inputs = _files(tmp_path_factory.mktemp("inputs"), contents)

        results = engine.results(inputs, chunk_size=chunk_size, partitions=partitions, workers=workers)

        assert results == results_bytes(count_words(*contents))

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="an empty file"),
            pytest.param(b"\n", id="one empty line"),
            pytest.param(b"one two one", id="no newline at the end"),
            pytest.param(b"one\r\ntwo\r\none\r\n", id="CRLF"),
            pytest.param(b"\xef\xbb\xbfone two\none\n", id="a byte order mark"),
            pytest.param(b"\xef\xbb\xbf", id="nothing but a byte order mark"),
            pytest.param("eins zw\u00f6lf \u00dcBER\n".encode("latin-1") * 3, id="not UTF-8"),
            pytest.param(b"one\0two\0\0\none\0\n", id="NULs"),
            pytest.param(b"one\rtwo\rthree\x0bfour\x0cfive\x85\xe2\x80\xa8six\n", id="breaks that end no line"),
            pytest.param(b'{}\n"quoted" \\ \x7f\x1b[0m\n', id="what JSON must escape"),
        ],
    )
    @pytest.mark.parametrize("chunk_size", [1, 2, 50_000])
    def test_odd_files_are_counted(
        self, engine: EngineUnderTest, tmp_path: Path, content: bytes, chunk_size: int
    ) -> None:
        inputs = _files(tmp_path, [content, b"one more\n"])

        results = engine.results(inputs, chunk_size=chunk_size)

        assert results == results_bytes(count_words(content, b"one more\n"))

    def test_nothing_but_empty_files_gives_an_empty_object(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        outcome = engine.run(_files(tmp_path, [b"", b""]))

        assert engine.output.read_bytes() == b"{}\n"
        assert (outcome.files, outcome.lines, outcome.chunks, outcome.keys) == (2, 0, 0, 0)

    def test_a_word_that_spans_the_place_where_a_block_is_read_is_whole(
        self, engine: EngineUnderTest, tmp_path: Path
    ) -> None:
        content = b"x" * (1024 * 1024 - 3) + b" \xc3\xbcberall und \xc3\xbcberall\nunten\n"

        results = engine.results(_files(tmp_path, [content]), chunk_size=1)

        assert results == results_bytes(count_words(content))

    def test_a_line_of_many_megabytes_is_counted(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        word = b"x" * 99
        words = 1_000_000 if engine.name == "inline" else 200_000
        inputs = _files(tmp_path, [b"before\n" + (word + b" ") * words + b"\nafter\n"])

        outcome = engine.run(inputs, chunk_size=1)

        assert outcome.results == {"after": 1, "before": 1, word.decode(): words}
        assert outcome.lines == 3

    def test_a_million_empty_lines_are_counted(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        outcome = engine.run(_files(tmp_path, [b"\n" * 1_000_000 + b"end"]))

        assert outcome.results == {"end": 1}
        assert outcome.lines == 1_000_001

    def test_two_thousand_small_files_are_counted(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        contents = [b"file %d\nshared" % number for number in range(2_000)]
        _files(tmp_path, contents)

        outcome = engine.run(tmp_path)

        assert engine.output.read_bytes() == results_bytes(count_words(*contents))
        assert (outcome.files, outcome.lines, outcome.chunks) == (2_000, 4_000, 2_000)

    def test_the_outcome_says_what_was_done(self, engine: EngineUnderTest, tmp_path: Path, job_id: str) -> None:
        content = b"b a a\nb\na\nc c\nd"
        first, second = map(str, _files(tmp_path, [content, content]))

        outcome = engine.run([first, second], chunk_size=2, job_id=job_id)

        assert (outcome.job_id, outcome.files, outcome.bytes, outcome.lines) == (job_id, 2, 2 * len(content), 10)
        assert (outcome.chunks, outcome.keys, outcome.retries) == (6, 4, 0)
        assert outcome.largest == [("a", 6), ("b", 4), ("c", 4), ("d", 2)]
        assert outcome.repeated == [(second, first)]

    def test_observers_see_the_job_begin_and_move_to_its_end(
        self, engine: EngineUnderTest, tmp_path: Path, job_id: str
    ) -> None:
        class Notes(Observer):
            def __init__(self) -> None:
                self.begun: list[str] = []
                self.seen: list[Progress] = []

            def started(self, job_id: str, hint: str) -> None:
                self.begun.append(job_id)

            def progressed(self, progress: Progress) -> None:
                self.seen.append(progress)

        notes = Notes()

        engine.run(_files(tmp_path, [b"a\n" * 10]), chunk_size=1, job_id=job_id, observer=notes)

        last = notes.seen[-1]
        mapped = [progress.chunks_mapped for progress in notes.seen]
        assert notes.begun == [job_id]
        assert mapped == sorted(mapped)
        assert (last.chunks, last.chunks_mapped, last.lines, last.bytes_mapped) == (10, 10, 10, 20)

    def test_an_observer_that_raises_is_reported_once_a_method_and_the_job_goes_on(
        self, engine: EngineUnderTest, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(Observer):
            def started(self, job_id: str) -> None:  # type: ignore[override]
                """Has the signature of another version."""

            def progressed(self, progress: Progress) -> None:
                message = "no such panel"
                raise LookupError(message)

        engine.run(_files(tmp_path, [b"a b\n" * 10]), chunk_size=1, observer=Broken())

        assert engine.output.read_bytes() == results_bytes(Counter(a=10, b=10))
        begun, moved = (record.getMessage() for record in caplog.records if "observer" in record.getMessage())
        assert "Broken.started() raised TypeError: " in begun
        assert "Broken.progressed() raised LookupError: no such panel" in moved
        assert f"({__file__}:" in moved
        assert moved.endswith("; the job goes on")

    def test_an_observer_that_raises_hears_of_it_where_it_takes_warnings(
        self, engine: EngineUnderTest, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(Observer):
            def __init__(self) -> None:
                self.warnings: list[str] = []

            def progressed(self, progress: Progress) -> None:
                raise OSError

            def warned(self, message: str) -> None:
                self.warnings.append(message)

        broken = Broken()

        engine.run(_files(tmp_path, [b"a b\n" * 10]), chunk_size=1, observer=broken)

        (warning,) = broken.warnings
        assert "Broken.progressed() raised OSError (" in warning
        assert not [record for record in caplog.records if "observer" in record.getMessage()]

    def test_an_observer_may_still_interrupt_the_job(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        class Interrupts(Observer):
            def progressed(self, progress: Progress) -> None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            engine.run(_files(tmp_path, [b"a\n"]), observer=Interrupts())


PLAIN_KEYS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
KEYS = st.one_of(PLAIN_KEYS, st.lists(PLAIN_KEYS, max_size=3))


def _appears_as(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key, separators=(",", ":"), ensure_ascii=False)


def _distinct(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Leave out pairs whose keys would look like the key of another kind in the results."""
    first: dict[str, type] = {}
    return [(key, value) for key, value in pairs if first.setdefault(_appears_as(key), type(key)) is type(key)]


def _grouped(pairs: list[tuple[Any, Any]]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[_appears_as(key)].append(value)
    return groups


CUT = st.fixed_dictionaries({"chunk_size": st.integers(1, 8), "partitions": st.integers(1, 5)})


class TestCustomJobs:
    @settings(max_examples=25)
    @given(pairs=st.lists(st.tuples(KEYS, st.integers()), max_size=20).map(_distinct), cut=CUT)
    def test_keys_of_every_kind_are_summed_each_under_its_own_text(
        self,
        engine: EngineUnderTest,
        tmp_path_factory: pytest.TempPathFactory,
        pairs: list[tuple[Any, Any]],
        cut: dict[str, Any],
    ) -> None:
        path = _pairs(tmp_path_factory.mktemp("pairs") / "pairs.txt", pairs)

        results = engine.results(path, jobs.Summing, **cut)

        expected = {text: sum(values) for text, values in _grouped(pairs).items()}
        assert results.decode() == results_text(expected)

    @settings(max_examples=25)
    @given(
        pairs=st.lists(st.tuples(st.sampled_from("abc"), st.integers(-9, 9)), max_size=30),
        cut=CUT,
    )
    def test_ready_made_reducers_equal_their_plain_definitions(
        self,
        engine: EngineUnderTest,
        tmp_path_factory: pytest.TempPathFactory,
        pairs: list[tuple[Any, Any]],
        cut: dict[str, Any],
    ) -> None:
        path = _pairs(tmp_path_factory.mktemp("pairs") / "pairs.txt", pairs)
        groups = _grouped(pairs)
        plain: dict[type[Job], Any] = {
            jobs.Summing: sum,
            jobs.Counting: len,
            jobs.Smallest: min,
            jobs.Largest: max,
            jobs.Averaging: mean,
            jobs.Distinct: lambda values: sorted(set(values)),
            jobs.Collecting: sorted,
            jobs.Topping: lambda values: sorted(values, reverse=True)[:3],
            jobs.Ordering: list,
        }
        chosen = list(plain) if engine.name == "inline" else [list(plain)[len(pairs) % len(plain)]]
        for job in chosen:
            results = json.loads(engine.results(path, job, **cut))

            assert results == {key: plain[job](values) for key, values in groups.items()}, job.__name__

    def test_values_arrive_in_the_order_of_the_input(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        first = _pairs(tmp_path / "z.txt", [("k", n) for n in range(50)])
        second = _pairs(tmp_path / "a.txt", [("k", n) for n in range(50, 100)])

        results = engine.results([first, second], jobs.Ordering, chunk_size=3)

        assert json.loads(results) == {"k": list(range(100))}

    def test_a_combine_of_the_users_own_is_used_and_changes_nothing(
        self, engine: EngineUnderTest, tmp_path: Path
    ) -> None:
        path = _pairs(tmp_path / "pairs.txt", [("k", "x" * (n % 7)) for n in range(40)])

        outcome = engine.run(path, jobs.Longest, chunk_size=4)

        assert outcome.results == {"k": "x" * 6}

    def test_values_may_be_anything_that_json_holds(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        values = [None, True, 1, 1.5, "\u00fc\n", [1, [2]], {"b": 1, "a": {"c": []}}]
        path = _pairs(tmp_path / "pairs.txt", [("k", value) for value in values])

        results = engine.results(path, jobs.Ordering, chunk_size=2)

        assert results.decode() == results_text({"k": values})

    def test_setup_close_and_counters_see_every_line_once(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        inputs = _files(tmp_path, [b"a\n\nb\n", b"c"])

        outcome = engine.run(inputs, jobs.Full, chunk_size=2)

        assert outcome.results == {"0.txt:1": 10, "0.txt:2": 10, "0.txt:3": 10, "1.txt:1": 10, "seen": 40}
        assert outcome.counters == {"lines seen": 4, "empty": 2, "keys reduced": 5}

    def test_map_chunk_gets_whole_chunks(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        outcome = engine.run(_files(tmp_path, [b"ab\r\ncd\ne"]), jobs.ByChunk, chunk_size=2)

        assert outcome.results == {"letters": 5, "lines": 3}

    def test_a_job_built_in_place_runs_too(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        job = Job(_files(tmp_path, [b"a\na\n"]), mapper=jobs.FailsAtBoom, reducer=Sum, chunk_size=1)

        assert engine.run(None, job).results == {"a": 2}

    def test_what_user_code_prints_is_not_in_the_way(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        outcome = engine.run(_files(tmp_path, [b"a\nb\n"]), jobs.Shouter)

        assert outcome.results == {"a": 1, "b": 1}


class TestSameBytes:
    def test_whatever_the_chunk_size_partitions_and_workers(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        values = [0.1, 1e100, -1e100, 3, 1e-300, 0.2, True, -7.25, 1e16, 1.0] * 3
        path = _pairs(tmp_path / "pairs.txt", [(f"k{n % 4}", value) for n, value in enumerate(values)])
        for job in (jobs.Summing, jobs.Averaging, jobs.Distinct, jobs.Topping, jobs.Smallest):
            seen = {
                engine.results(path, job, chunk_size=chunk_size, partitions=partitions, workers=workers)
                for chunk_size, partitions, workers in [(1, 1, 1), (2, 16, 2), (7, 3, 1), (1000, 8, 2)]
            }

            assert len(seen) == 1, job.__name__

    def test_on_every_engine(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        path = _pairs(tmp_path / "pairs.txt", [(["\u00e9", 1], 0.5), (2, 1), ("x", 1e300), (None, 2), ([], 3)])

        results = engine.results(path, jobs.Summing, chunk_size=1)

        assert results.decode() == results_text({'["\u00e9",1]': 0.5, "2": 1, "x": 1e300, "null": 2, "[]": 3})


class TestFailure:
    def test_a_mapper_that_raises_is_shown_with_file_byte_offset_and_line(
        self, engine: EngineUnderTest, tmp_path: Path
    ) -> None:
        (path,) = _files(tmp_path, ["fine\n\u00fcber\nmore\nboom at last\nfine\n".encode()])

        error, told = engine.failure(path, jobs.Failing, chunk_size=3)

        assert isinstance(error, ValueError if engine.name == "inline" else JobFailedError)
        assert "cannot digest boom at last" in told
        assert f"{path}, byte 16, line 4: 'boom at last'" in told

    def test_a_line_after_a_byte_order_mark_is_found_where_it_is(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        (path,) = _files(tmp_path, [b"\xef\xbb\xbffine\nboom\n"])

        _, told = engine.failure(path, jobs.Failing)

        assert f"{path}, byte 8, line 2: 'boom'" in told

    def test_a_mapper_that_exits_fails_the_job(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        (path,) = _files(tmp_path, [b"fine\nboom\n"])

        error, told = engine.failure(path, jobs.Leaving, chunk_size=1)

        assert isinstance(error, RecordError if engine.name == "inline" else JobFailedError)
        assert f"{path}, byte 5, line 2" in told

    def test_a_reducer_that_raises_is_shown_with_its_key(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        path = _pairs(tmp_path / "pairs.txt", [("fine", 1), ("boom", 2)])

        error, told = engine.failure(path, Job(mapper=jobs.JsonPairs, reducer=jobs.ReducerFailsAtBoom))

        assert isinstance(error, LookupError if engine.name == "inline" else JobFailedError)
        assert "the key 'boom'" in told
        assert "cannot reduce this" in told

    @pytest.mark.parametrize(
        ("line", "named"),
        [
            ("('word', nan)", "word"),
            ("('word', {1: 2})", "word"),
            ("('word', [1, {2}])", "word"),
            ("('word', b'bytes')", "word"),
            ("('word', '\\ud800')", "word"),
            ("(nan, 1)", "nan"),
            ("((1, inf), 1)", "(1, inf)"),
            ("((1, (2,)), 1)", "(1, (2,))"),
            ("(['a'], 1)", "['a']"),
            ("({'a': 1}, 1)", "{'a': 1}"),
            ("(b'bytes', 1)", "b'bytes'"),
            ("('\\ud800', 1)", "\\ud800"),
        ],
    )
    def test_a_key_or_value_that_json_cannot_hold_is_named_with_the_mapper(
        self, engine: EngineUnderTest, tmp_path: Path, line: str, named: str
    ) -> None:
        path = _pythonic(tmp_path / "lines.txt", "('fine', 1)", line)

        error, told = engine.failure(path, jobs.Evaluated)

        assert isinstance(error, EncodingError if engine.name == "inline" else JobFailedError)
        assert named in told
        assert "Pythonic" in told

    @pytest.mark.parametrize("result", ["nan", "{1: 2}", "{2}", "'\\ud800'", "[b'']"])
    def test_a_result_that_json_cannot_hold_is_named_with_the_reducer(
        self, engine: EngineUnderTest, tmp_path: Path, result: str
    ) -> None:
        path = _pythonic(tmp_path / "lines.txt", "1", result)

        error, told = engine.failure(path, jobs.BadResults)

        assert isinstance(error, EncodingError if engine.name == "inline" else JobFailedError)
        assert repr(result) in told
        assert "PythonicReducer" in told

    def test_a_key_and_a_text_that_would_look_the_same_are_refused(
        self, engine: EngineUnderTest, tmp_path: Path
    ) -> None:
        path = _pairs(tmp_path / "pairs.txt", [("1", 1), (1, 1)])

        error, told = engine.failure(path, jobs.Summing, chunk_size=1)

        assert isinstance(error, EncodingError if engine.name == "inline" else JobFailedError)
        assert "'1'" in told
        assert "int and str" in told

    def test_a_failed_job_leaves_the_old_results(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        (path,) = _files(tmp_path, [b"boom\n"])
        engine.output.write_text("old")
        before = set(engine.output.parent.iterdir())

        with pytest.raises((ValueError, JobFailedError)):
            engine.run(path, jobs.Failing, max_attempts=1)

        assert engine.output.read_text() == "old"
        assert set(engine.output.parent.iterdir()) == before

    def test_a_file_that_changes_under_the_job_is_named(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        (path,) = _files(tmp_path, [b"one\n" * 100])

        class Appends(Observer):
            def started(self, job_id: str, hint: str) -> None:
                with path.open("ab") as file:
                    file.write(b"more\n")

        error, told = engine.failure(path, jobs.Failing, chunk_size=10, observer=Appends())

        assert isinstance(error, InputChangedError)
        assert f"{path} changed" in told
