"""Jobs in mrjob's API as their users write, run and test them in Python."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processes import eventually
from word_counter import UsageError, run
from word_counter.mrjob import MRJob, MRStep, protocol
from word_counter.mrjob.compat import jobconf_from_env, map_version, uses_yarn
from word_counter.mrjob.parse import parse_mr_job_stderr
from word_counter.mrjob.protocol import JSONValueProtocol, RawProtocol, RawValueProtocol, ReprProtocol
from word_counter.mrjob.tasks.translation import job_of

Pairs = Iterator[tuple[Any, Any]]


class Words(MRJob):
    """Two steps, options and counters."""

    def configure_args(self) -> None:
        super().configure_args()
        self.add_passthru_arg("-l", "--least", type=int, default=1)
        self.add_passthru_arg("--drop", action="append", default=[])
        self.add_passthru_arg("--upper", action="store_true")
        self.add_file_arg("--stop-words")

    def steps(self) -> list[MRStep]:
        return [MRStep(mapper=self.words, reducer=self.totals), MRStep(reducer=self.by_count)]

    def words(self, _: None, line: str) -> Pairs:
        stop = Path(self.options.stop_words).read_text().split() if self.options.stop_words else []
        for word in line.upper().split() if self.options.upper else line.split():
            if len(word) >= self.options.least and word not in {*self.options.drop, *stop}:
                self.increment_counter("words, all", "kept")
                yield word, 1

    def totals(self, word: str, counts: Iterator[int]) -> Pairs:
        self.increment_counter("words, all", "distinct")
        yield sum(counts), word

    def by_count(self, count: int, words: Iterator[str]) -> Pairs:
        self.increment_counter("counts", "seen", 2)
        yield count, sorted(words)


def _results(job: MRJob, text: str = "a b a\nccc b\n") -> list[tuple[Any, Any]]:
    job.sandbox(stdin=BytesIO(text.encode()))
    with job.make_runner() as runner:
        runner.run()
        return list(job.parse_output(runner.cat_output()))


class TestRunner:
    def test_gives_results_and_the_counters_of_each_step(self) -> None:
        job = Words(args=["-q", "--no-conf"]).sandbox(stdin=BytesIO(b"a b a\nccc b"))

        with job.make_runner() as runner:
            runner.run()

            assert list(job.parse_output(runner.cat_output())) == [(1, ["ccc"]), (2, ["a", "b"])]
            assert runner.counters() == [{"words; all": {"kept": 5, "distinct": 3}}, {"counts": {"seen": 4}}]

    def test_tells_tasks_the_jobs_own_options(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "stop.txt").write_text("e")
        args = ["-l", "1", "--drop=-X", "--drop", "A", "--upper", "--stop-words", "stop.txt", "-q"]

        job = Words(args=args)

        assert job.task_args() == ["-l=1", "--drop=-X", "--drop=A", "--upper", f"--stop-words={tmp_path / 'stop.txt'}"]
        assert _results(job, "a b e -x e\n") == [(1, ["B"]), (2, ["E"])]

    def test_reads_files_and_standard_input(self, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("a a\n")

        assert _results(Words(args=[str(tmp_path / "in.txt"), "-"]), "b\n") == [(1, ["b"]), (2, ["a"])]

    def test_of_a_job_writes_to_a_folder_that_is_new(self, tmp_path: Path) -> None:
        job = Words(args=["-o", str(tmp_path / "out")])

        _results(job)

        assert (tmp_path / "out" / "part-00000").read_bytes() == b'1\t["ccc"]\n2\t["a", "b"]\n'
        with pytest.raises(UsageError, match="is there already, and not empty"):
            _results(job)

    def test_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

        assert _results(Words(args=[]))
        gc.collect()  # folders of tasks go with what they belong to, at the latest when the process ends
        eventually(lambda: list(tmp_path.iterdir()) == [])

    def test_has_no_results_before_it_has_run(self) -> None:
        with Words(args=[]).make_runner() as runner, pytest.raises(ValueError, match="run the job before"):
            list(runner.cat_output())

    @pytest.mark.parametrize("name", ["emr", "hadoop", "dataproc", "spark"])
    def test_is_none_of_a_cluster(self, name: str) -> None:
        with pytest.raises(UsageError, match=f"the runner {name} is not supported"):
            Words(args=["-r", name]).make_runner()


class TestScript:
    def test_prints_results_and_counters(self) -> None:
        job = Words(args=[]).sandbox(stdin=BytesIO(b"a b a\n"))

        job.execute()

        assert job.stdout.getvalue() == b'1\t["b"]\n2\t["a"]\n'
        assert b"step 1: words; all: kept=3\n" in job.stderr.getvalue()

    def test_is_quiet_when_asked(self) -> None:
        job = Words(args=["-q", "--no-output"]).sandbox(stdin=BytesIO(b"a b a\n"))

        job.execute()

        assert job.stdout.getvalue() == job.stderr.getvalue() == b""

    def test_says_in_a_line_what_is_wrong(self, tmp_path: Path) -> None:
        job = Words(args=[str(tmp_path / "none.txt")]).sandbox()

        with pytest.raises(SystemExit) as caught:
            job.execute()

        assert caught.value.code == 2
        assert job.stderr.getvalue() == f"Error: no such file or directory: {tmp_path / 'none.txt'}\n".encode()

    def test_refuses_options_that_it_does_not_know(self) -> None:
        with pytest.raises(ValueError, match="unrecognized arguments: --region"):
            Words(args=["--region", "x"])

    def test_shows_its_options(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["words.py", "--help"])

        with pytest.raises(SystemExit) as caught:
            Words.run()

        assert caught.value.code == 0
        assert "--stop-words" in capsys.readouterr().out


class TestParts:
    def test_are_methods_like_any_other(self) -> None:
        assert list(Words(args=["--least", "2"]).sandbox().words(None, "a bb")) == [("bb", 1)]

    def test_map_and_reduce_standard_input(self) -> None:
        job = Words(args=[]).sandbox(stdin=[b"a b\r\n", b"c"])

        job.run_mapper()

        assert job.stdout.getvalue() == b'"a"\t1\n"b"\t1\n"c"\t1\n'
        assert parse_mr_job_stderr(job.stderr.getvalue())["counters"] == {"words; all": {"kept": 3}}
        job.sandbox(stdin=[b'2\t"b"\n', b'2\t"a"\n', b'3\t"c"\n']).run_reducer(1)
        assert job.stdout.getvalue() == b'2\t["a", "b"]\n3\t["c"]\n'

    def test_report_to_standard_error_where_no_job_runs(self) -> None:
        job = Words(args=[]).sandbox()

        job.increment_counter("a,b", 1, 2)
        job.set_status("reading")
        job.stderr.write(b"else\n")

        found = parse_mr_job_stderr(BytesIO(job.stderr.getvalue()), {"a;b": {"1": 1}})
        assert found == {"counters": {"a;b": {"1": 3}}, "statuses": ["reading"], "other": ["else\n"]}
        with pytest.raises(TypeError, match=r"not by 1\.5"):
            job.increment_counter("a", "b", 1.5)  # type: ignore[arg-type]


class Begun(MRJob):
    """One step by the names of its methods, all nine of them."""

    def mapper_init(self) -> Pairs:
        yield "init", 1

    def mapper(self, _: None, line: str) -> Pairs:
        yield line, 1

    def mapper_final(self) -> Pairs:
        yield "final", 1

    def combiner_init(self) -> Pairs:
        yield "init of combiner", 1

    def combiner(self, key: str, values: Iterator[int]) -> Pairs:
        yield key, sum(values)
        yield key + "!", 1
        yield "groups", 1

    def combiner_final(self) -> Pairs:
        yield "final of combiner", 1

    def reducer_init(self) -> Pairs:
        self.keys = 0
        yield "first", 0

    def reducer(self, key: str, values: Iterator[int]) -> Pairs:
        self.keys += 1
        yield key, sum(values)

    def reducer_final(self) -> Pairs:
        yield "last", self.keys


@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_what_a_reducer_yields_at_its_start_and_end_comes_once_whatever_the_partitions(
    tmp_path: Path, partitions: int
) -> None:
    (tmp_path / "in.txt").write_text("a\nb\na\n")

    lines = _run(Begun(args=[str(tmp_path / "in.txt")]), tmp_path, partitions=partitions, chunk_size=2)

    expected = [("groups", 7), ("a", 2), ("a!", 2), ("b", 1), ("b!", 1)]
    expected += [("final", 2), ("final of combiner", 2), ("final!", 2)]
    expected += [("init", 2), ("init of combiner", 2), ("init!", 2)]
    assert [json.loads(f"[{line.replace(chr(9), ',')}]") for line in lines] == [
        ["first", 0],
        *map(list, sorted(expected, key=lambda pair: json.dumps(pair[0]))),
        ["last", 11],
    ]


def _run(job: MRJob, folder: Path, **settings: Any) -> list[str]:
    output = folder / "results.txt"
    run(None, job_of(job), engine="inline", output=str(output), **settings)
    return output.read_text().splitlines()


class Order(MRJob):
    """Lists values in the order in which they come, in the second step."""

    def steps(self) -> list[MRStep]:
        return [MRStep(mapper=self.letters, reducer=self.kept), MRStep(reducer=self.listed)]

    def letters(self, _: None, line: str) -> Pairs:
        for letter in line:
            yield letter, line

    def kept(self, letter: str, lines: Iterator[str]) -> Pairs:
        for line in lines:
            yield len(line), [letter, line]

    def listed(self, length: int, values: Iterator[Any]) -> Pairs:
        yield length, list(values)


class Sorted(Order):
    SORT_VALUES = True


@pytest.mark.parametrize("job", [Order, Sorted])
def test_values_of_later_steps_come_in_one_order_whatever_the_partitions(tmp_path: Path, job: type[MRJob]) -> None:
    (tmp_path / "in.txt").write_text("".join(f"{chr(98 + n * 7 % 20)}{chr(97 + n % 3)}\n" for n in range(60)))
    made = job(args=[str(tmp_path / "in.txt")])

    first, *others = [_run(made, tmp_path, partitions=n, chunk_size=size) for n, size in [(1, 90), (4, 7), (9, 20)]]

    assert others == [first, first]
    values = json.loads(first[0].partition("\t")[2])
    assert values == (sorted(values) if job is Sorted else sorted(values, key=lambda value: value[0]))
    assert (values == sorted(values)) == (job is Sorted)


class Places(MRJob):
    """Nothing but a map: its lines keep the order of the input."""

    OUTPUT_PROTOCOL = RawValueProtocol

    def mapper(self, _: None, line: str) -> Pairs:
        if line == "bad":
            message = "cannot take this"
            raise ValueError(message)
        yield None, f"{line} of {jobconf_from_env('mapreduce.map.input.file', '').rpartition('/')[2]}"

    def mapper_final(self) -> None:
        """Yield nothing."""


class TestMapOnly:
    def test_keeps_the_order_of_the_input(self, tmp_path: Path) -> None:
        for name in ("1.txt", "2.txt"):
            (tmp_path / name).write_text("".join(f"{n % 7}\n" for n in range(20)))

        lines = _run(Places(args=[str(tmp_path / "1.txt"), str(tmp_path / "2.txt")]), tmp_path, chunk_size=3)

        assert lines == [f"{n % 7} of {name}" for name in ("1.txt", "2.txt") for n in range(20)]

    def test_names_the_line_that_it_fails_at(self, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("good\nbad\n")

        with pytest.raises(ValueError, match="cannot take this") as caught:
            _results(Places(args=[str(tmp_path / "in.txt")]))

        assert "byte 5, line 2: 'bad'" in caught.value.__notes__[0]

    def test_sets_bad_lines_aside(self, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("good\nbad\ngood\n")

        lines = _run(Places(args=[str(tmp_path / "in.txt")]), tmp_path, max_bad_records=1)

        assert lines == ["good of in.txt"] * 2
        assert "cannot take this" in (tmp_path / "results.txt.quarantine.jsonl").read_text()


class NoSteps(MRJob):
    pass


class Java(Words):
    LIBJARS: ClassVar[list[str]] = ["x.jar"]


class Parted(Words):
    def partitioner(self) -> str:
        return "org.example.Partitioner"


class LateRaw(Words):
    def steps(self) -> list[MRStep]:
        return [MRStep(mapper=self.words), MRStep(mapper_raw=self.whole)]

    def whole(self, path: str, uri: str) -> None:
        """Yield nothing."""


class OnSpark(MRJob):
    def spark(self, input_path: str, output_path: str) -> None:
        """Do nothing."""


class Strange(MRJob):
    def steps(self) -> list[Any]:
        return ["jar"]


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (NoSteps, "job NoSteps has no mapper, no combiner and no reducer"),
        (LateRaw, "job LateRaw, step 2: mapper_raw is for the first step"),
        (OnSpark, "job OnSpark: spark is not supported"),
        (Java, "job Java: LIBJARS is not supported"),
        (Parted, "job Parted: PARTITIONER is not supported"),
        (Strange, "job Strange: str is not supported"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_name(job: type[MRJob], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        job(args=[]).make_runner()

    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["PickleProtocol", "PickleValueProtocol"])
def test_pickles_are_refused_with_their_name(name: str) -> None:
    with pytest.raises(ImportError, match=f"{name} is not supported: nothing is ever unpickled"):
        exec(f"from word_counter.mrjob.protocol import {name}")


def test_steps_take_only_what_mrjob_knows() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'mapers'"):
        MRStep(mapers=print)
    with pytest.raises(ValueError, match="needs a mapper"):
        MRStep(jobconf={})


class TestProtocols:
    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
    def test_read_what_they_wrote(self, value: Any) -> None:
        for made in (protocol.JSONProtocol(), ReprProtocol()):
            assert made.read(made.write(value, [value])) == (value, [value])
        for alone in (JSONValueProtocol(), protocol.ReprValueProtocol()):
            assert alone.read(alone.write("left out", value)) == (None, value)

    @pytest.mark.parametrize(
        ("made", "line", "pair"),
        [
            (RawProtocol(), b"a\tb\tc", ("a", "b\tc")),
            (RawProtocol(), b"a", ("a", None)),
            (RawValueProtocol(), b"a\tb", (None, "a\tb")),
            (protocol.BytesProtocol(), b"\xff\t", (b"\xff", b"")),
            (protocol.BytesValueProtocol(), b"\xff", (None, b"\xff")),
        ],
    )
    def test_of_raw_lines_give_them_back(self, made: Any, line: bytes, pair: tuple[Any, Any]) -> None:
        assert made.read(line) == pair
        assert made.write(*pair) == line

    def test_of_text_read_what_is_no_utf_8_as_latin_1(self) -> None:
        assert RawValueProtocol().read(b"\xfc") == (None, "ü")


@pytest.mark.parametrize(
    ("version", "value"), [("0.18", "a"), ("0.20", "a"), ("0.21", "b"), ("1.0.3", "c"), ("2.7.1", "d"), ("10", "d")]
)
def test_values_are_found_by_version(version: str, value: str) -> None:
    assert map_version(version, {"1": "c", "0.20": "a", "2": "d", "0.21": "b"}) == value


@pytest.mark.parametrize(
    ("version", "has"), [("0.20", False), ("0.23", True), ("1.2", False), ("2", True), ("3", True)]
)
def test_yarn_is_known_by_version(version: str, *, has: bool) -> None:
    assert uses_yarn(version) is has
