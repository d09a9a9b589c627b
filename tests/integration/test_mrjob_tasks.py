"""What tasks of jobs in mrjob's API run in and what they are made of: environment, folder, commands, whole files."""

from __future__ import annotations

import gc
import gzip
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.processes import eventually, started, word_counter
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.mrjob import MRJob, MRStep
from word_counter.mrjob.compat import jobconf_from_env
from word_counter.mrjob.protocol import RawValueProtocol

Pairs = Iterator[tuple[Any, Any]]


def _results(job: MRJob, text: str = "b a\na c\n") -> list[tuple[Any, Any]]:
    job.sandbox(stdin=BytesIO(text.encode()))
    with job.make_runner() as runner:
        runner.run()
        return list(job.parse_output(runner.cat_output()))


class Variables(MRJob):
    """Tells of variables that an option names, in its first and in its second step."""

    JOBCONF: ClassVar[dict[str, Any]] = {"my.conf": True}

    def configure_args(self) -> None:
        super().configure_args()
        self.add_passthru_arg("--names", default="")

    def steps(self) -> list[MRStep]:
        return [MRStep(mapper=self.told), MRStep(mapper=self.told_again, jobconf={"my.conf": "step"})]

    def told(self, _: None, line: str) -> Pairs:
        yield 0, [os.environ.get(name) for name in self.options.names.split(",")]

    def told_again(self, step: int, values: list[str]) -> Pairs:
        yield step, values
        yield 1, [os.environ.get(name) for name in self.options.names.split(",")]


class TestEnvironment:
    def test_has_the_28_variables_that_mrjob_sets_and_is_put_back(self) -> None:
        before = dict(os.environ), os.getcwd(), list(sys.path)
        seen: dict[str, str] = {}

        class Looks(MRJob):
            def mapper(self, _: None, line: str) -> None:
                seen.update(os.environ)

        _results(Looks(args=[]), "a\n")

        new = seen.keys() - before[0].keys()
        assert len(new) == 28
        assert {"mapreduce_map_input_file", "map_input_file", "mapred_tip_id", "mapred_cache_localFiles"} < new
        assert (dict(os.environ), os.getcwd(), list(sys.path)) == before

    def test_is_put_back_when_the_job_raises(self) -> None:
        before = dict(os.environ), os.getcwd(), list(sys.path)

        class Raises(MRJob):
            def mapper(self, _: None, line: str) -> None:
                os.environ["OWN"] = line
                message = "no"
                raise LookupError(message)

        with pytest.raises(LookupError):
            _results(Raises(args=[]))

        assert (dict(os.environ), os.getcwd(), list(sys.path)) == before

    def test_has_the_configuration_of_job_step_and_command_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_PATH", "/old")
        args = [
            "--names",
            "my_conf,x_y,FOO,MY_PATH",
            "-D",
            "x.y=1",
            "--cmdenv",
            "FOO=bar=2",
            "--cmdenv",
            "MY_PATH=/new",
        ]

        found = _results(Variables(args=args), "a\n")

        assert found == [(0, ["true", "1", "bar=2", "/new:/old"]), (1, ["step", "1", "bar=2", "/new:/old"])]

    def test_is_read_by_either_name(self) -> None:
        class Reads(MRJob):
            def mapper(self, _: None, line: str) -> Pairs:
                names = ("map.input.file", "mapreduce.map.input.file")
                yield line, [jobconf_from_env(name).rpartition("/")[2] for name in names]

        assert _results(Reads(args=[]), "a\n") == [("a", ["STDIN", "STDIN"])]

    @pytest.mark.parametrize("option", ["=x", "a\0b=x"])
    def test_refuses_what_it_cannot_hold(self, option: str) -> None:
        with pytest.raises(Exception, match="no environment can hold"):
            Variables(args=["--cmdenv", option]).make_runner()


class Lists(MRJob):
    """Lists the folder that it works in, with what is in the files there."""

    def configure_args(self) -> None:
        super().configure_args()
        self.add_file_arg("--own")

    def mapper_final(self) -> Pairs:
        for parent, _, names in os.walk(".", followlinks=True):
            for name in names:
                if not name.endswith(".py"):
                    yield os.path.relpath(os.path.join(parent, name)), Path(parent, name).read_text()
        if self.options.own:
            yield "own", [self.options.own, Path(self.options.own).read_text()]

    def reducer(self, key: str, values: Iterator[Any]) -> Pairs:
        yield key, next(values)


class TestFolder:
    def test_holds_what_was_sent(self, tmp_path: Path) -> None:
        (tmp_path / "sub" / "deep").mkdir(parents=True)
        (tmp_path / "sub" / "deep" / "x.txt").write_text("x")
        (tmp_path / "a.txt").write_text("a")
        (tmp_path / "own.txt").write_text("o")
        os.system(f"cd {tmp_path} && tar cf pack.tar a.txt")
        args = ["--files", f"{tmp_path}/a.txt,{tmp_path}/a.txt#b.txt", "--dirs", f"{tmp_path}/sub#lib"]
        args += ["--archives", f"{tmp_path}/pack.tar#packed", "--own", str(tmp_path / "own.txt")]

        found = dict(_results(Lists(args=args), ""))

        assert found == {
            "a.txt": "a",
            "b.txt": "a",
            "lib/deep/x.txt": "x",
            "packed/a.txt": "a",
            "own.txt": "o",
            "own": ["own.txt", "o"],
        }

    @pytest.mark.parametrize(
        ("args", "told"),
        [
            (["--files", "none.txt"], "there is no file none.txt"),
            (["--files", "hdfs://x/y.txt"], "cannot send hdfs://x/y.txt"),
            (["--files", f"{__file__}#a,{pytest.__file__}#a"], "would both be called a"),
            (["--dirs", __file__], "there is no folder"),
        ],
    )
    def test_refuses_what_cannot_be_sent(self, args: list[str], told: str) -> None:
        with pytest.raises(Exception, match=told):
            Lists(args=args).make_runner()

    def test_is_where_a_job_that_reads_a_file_when_it_is_made_finds_it(self, tmp_path: Path) -> None:
        (tmp_path / "n.txt").write_text("3")

        class Reads(MRJob):
            def configure_args(self) -> None:
                super().configure_args()
                self.add_file_arg("--n")

            def load_args(self, args: list[str]) -> None:
                super().load_args(args)
                self.n = int(Path(self.options.n).read_text())

            def mapper(self, _: None, line: str) -> Pairs:
                yield line, self.n

            def steps(self) -> list[MRStep]:
                return [MRStep(mapper=self.mapper)] + [MRStep(mapper=self.more)] * self.n

            def more(self, key: str, value: int) -> Pairs:
                yield key, value + 1

        assert _results(Reads(args=["--n", str(tmp_path / "n.txt")]), "a\n") == [("a", 6)]

    def test_is_gone_afterwards(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

        assert _results(Lists(args=["--files", __file__]), "") == []

        gc.collect()  # it goes with what it belongs to, at the latest when the process ends
        assert list(tmp_path.iterdir()) == []


class Commanded(MRJob):
    def configure_args(self) -> None:
        super().configure_args()
        for part in ("mapper", "reducer"):
            self.add_passthru_arg(f"--{part}-cmd")

    OUTPUT_PROTOCOL = RawValueProtocol

    def steps(self) -> list[MRStep]:
        return [MRStep(mapper_cmd=self.options.mapper_cmd, reducer_cmd=self.options.reducer_cmd)]


def _lines(*args: str, text: str = "b a\na c\n") -> list[str]:
    return [value.rstrip("\n") for _, value in _results(Commanded(args=list(args)), text)]


class TestCommands:
    def test_map_and_reduce_lines(self) -> None:
        assert _lines("--mapper-cmd", "tr ' ' '\\n'", "--reducer-cmd", "uniq -c") == [
            "      2 a",
            "      1 b",
            "      1 c",
        ]

    def test_are_split_into_words_and_see_no_shell(self) -> None:
        assert _lines("--mapper-cmd", "echo '$HOME;' a*b", text="x\n") == ["$HOME; a*b"]

    def test_reduce_what_is_nothing(self) -> None:
        assert _lines("--reducer-cmd", "wc -l", text="") == ["0"]

    def test_may_stop_reading(self) -> None:
        assert _lines("--reducer-cmd", "head -n 1", text="a\n" * 200_000) == ["a"]

    def test_count(self) -> None:
        job = Commanded(args=["--mapper-cmd", "sh -c 'cat; echo reporter:counter:g,n,2 >&2'"])
        job.sandbox(stdin=BytesIO(b"a\n"))

        with job.make_runner() as runner:
            runner.run()

            assert runner.counters() == [{"g": {"n": 2}}]

    @pytest.mark.parametrize(
        ("command", "told"),
        [
            ("sh -c 'echo why >&2; exit 3'", "ended with exit code 3; it said:\nwhy"),
            ("sh -c 'kill -9 $$'", "was killed by SIGKILL"),
            ("no-such-program", "cannot run the command 'no-such-program': No such file or directory"),
        ],
    )
    def test_that_fail_are_told(self, command: str, told: str) -> None:
        with pytest.raises(Exception, match="command") as caught:
            _lines("--mapper-cmd", command)

        assert told in str(caught.value)

    def test_die_with_the_task(self, folder: Path) -> None:
        (folder / "in.txt").write_text("a\n")
        command = "sh -c 'echo $$ > pid; sleep 1000 & wait'"
        args = ["run", "in.txt", "--map-cmd", command, "--engine", "inline", "--output", "-"]

        with ExitStack() as stack:
            run = stack.enter_context(started(*args, folder=folder))
            eventually(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
            group = os.getpgid(int((folder / "pid").read_text()))
            assert _lives(group)
            run.send(signal.SIGKILL)
            run.wait()

            assert eventually(lambda: not _lives(group))


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return any(_is_running(Path("/proc", name), group) for name in os.listdir("/proc") if name.isdigit())


def _is_running(process: Path, group: int) -> bool:
    try:
        state, _, of_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return False
    return int(of_group) == group and state != "Z"


class Filtered(MRJob):
    def mapper_pre_filter(self) -> str:
        return "grep -v b"

    def mapper(self, _: None, line: str) -> Pairs:
        yield line, 1

    def reducer_pre_filter(self) -> str:
        return "sed s/c/d/"

    def reducer(self, key: str, values: Iterator[int]) -> Pairs:
        yield key, sum(values)


def test_filters_go_before_functions_and_may_meet_nothing() -> None:
    assert _results(Filtered(args=[]), "b\na\nc\na\n") == [("a", 2), ("d", 1)]
    assert _results(Filtered(args=[]), "b\n") == []


class HalfCombined(MRJob):
    def mapper(self, _: None, line: str) -> Pairs:
        yield line, 1

    def combiner(self, key: str, values: Iterator[int]) -> Pairs:
        yield key, sum(values)


def test_a_combiner_without_a_reducer_gives_what_it_made_of_each_chunk() -> None:
    found = _results(HalfCombined(args=[]), "b\na\nb\na\n")

    assert found == [("a", 1), ("b", 1), ("a", 1), ("b", 1)]  # the inline engine cuts it in two


class Whole(MRJob):
    def mapper_raw(self, path: str, uri: str) -> Pairs:
        opened: Any = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt") as file:
            yield os.path.basename(uri), file.read()


def test_a_raw_mapper_gets_the_files_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n2\n")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"3\n"))

    found = _results(Whole(args=[str(tmp_path / "a.txt"), str(tmp_path / "b.txt.gz")]))

    assert found == [("a.txt", "1\n2\n"), ("b.txt.gz", "3\n")]


def test_an_empty_file_has_a_map_task() -> None:
    class Counts(MRJob):
        def mapper_final(self) -> Pairs:
            yield "tasks", 1

        def reducer(self, key: str, values: Iterator[int]) -> Pairs:
            yield key, sum(values)

    assert _results(Counts(args=[]), "") == [("tasks", 1)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def load_args(self, args):\n        super().load_args(args)\n        {}['x']", "KeyError: 'x'"),
        ("def steps(self):\n        return 1 / 0", "ZeroDivisionError"),
        ("def steps(self):\n        return 7", "steps() must return a list of MRStep, not 7"),
    ],
)
def test_mistakes_of_a_job_are_told_without_frames_of_ours(folder: Path, text: str, told: str) -> None:
    (folder / "in.txt").write_text("a\n")
    (folder / "job.py").write_text(f"from mrjob.job import MRJob\n\nclass J(MRJob):\n    {text}\n")

    ended = word_counter("run", "in.txt", "--mrjob", "job.py", "--engine", "inline", folder=folder)

    assert ended.code == 2
    assert told in ended.err
    assert "word_counter/" not in ended.err


def test_a_job_file_behind_a_link_imports_what_stands_beside_it(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "link").mkdir()
    (folder / "in.txt").write_text("A b a\n")
    (folder / "real" / "linked_words.py").write_text("def words(line):\n    return line.lower().split()\n")
    (folder / "real" / "job.py").write_text(
        "from mrjob.job import MRJob\nfrom linked_words import words\n\nclass W(MRJob):\n"
        "    def mapper(self, _, line):\n        for w in words(line): yield w, 1\n"
        "    def reducer(self, k, v): yield k, sum(v)\n"
    )
    (folder / "link" / "job.py").symlink_to("../real/job.py")

    ended = word_counter("run", "in.txt", "--mrjob", "link/job.py", "--output", "-", "-q", folder=folder)

    assert ended.out == '"a"\t2\n"b"\t1\n', ended.err


_STREAMED = """
import sys
for line in sys.stdin:
    for word in line.split():
        print(word, 1, sep="\\t")
"""


class TestStreaming:
    @pytest.fixture
    def inputs(self, folder: Path) -> Path:
        (folder / "in.txt").write_text("b a\na c\n" * 50)
        (folder / "map.py").write_text(_STREAMED)
        return folder

    @pytest.mark.parametrize("engine", [["--engine", "inline"], ["--workers", "2"]])
    def test_scripts_run_in_the_current_folder(self, inputs: Path, engine: list[str]) -> None:
        commands = ["--map-cmd", f"{sys.executable} map.py", "--reduce-cmd", "uniq -c"]

        ended = word_counter(
            "run", "in.txt", *commands, *engine, "--chunk-size", "7", "--output", "-", "-q", folder=inputs
        )

        assert [line.split() for line in ended.out.splitlines()] == [
            ["100", "a", "1"],
            ["50", "b", "1"],
            ["50", "c", "1"],
        ]

    def test_goes_without_another_job(self, inputs: Path) -> None:
        ended = word_counter("run", "in.txt", "--map-cmd", "cat", "--param", "a=1", folder=inputs)

        assert ended.code == 2
        assert "--map-cmd goes without --job, --mrjob, --app, --param and --file" in ended.err

    def test_a_worker_runs_only_the_commands_that_it_was_allowed(
        self, inputs: Path, fresh_server: EmbeddedRedis
    ) -> None:
        env = {"WORD_COUNTER_REDIS": fresh_server.url}
        args = ["master", "in.txt", "--map-cmd", "tr a-z A-Z", "--output", "-", "-q"]

        with started("worker", "--allow", "cmd+tr a-z A-Y", folder=inputs, env=env):
            refused = word_counter(*args, folder=inputs, env=env)
        with started("worker", "--allow", "cmd+tr a-z A-Z", folder=inputs, env=env):
            allowed = word_counter(*args, folder=inputs, env=env)

        assert refused.code != 0
        assert "this worker may not run 'tr a-z A-Z'" in refused.err
        assert "--allow 'cmd+tr a-z A-Z'" in refused.err
        assert allowed.out == "B A\nA C\n" * 50, allowed.err
