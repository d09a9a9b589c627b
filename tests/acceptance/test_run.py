"""The command ``run`` for its users: its results, its output streams, its errors and exit codes."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.oracle import count_words, results_bytes
from tests.processes import ROOT, environment, eventually, started, without_root, word_counter
from word_counter.cli.main import main
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import connect

ENGINES = pytest.mark.parametrize("engine", ["inline", "redis"])


def _tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}


class TestResults:
    def test_the_sample_is_counted(self, folder: Path) -> None:
        contents = [path.read_bytes() for path in (ROOT / "input").rglob("*") if path.is_file()]

        ended = word_counter("run", str(ROOT / "input"), folder=folder)

        assert ended.code == 0, ended.err
        assert (folder / "output" / "results.json").read_bytes() == results_bytes(count_words(*contents))
        assert ended.out == ""
        assert _tree(folder) == {"output", "output/results.json", "output/results.receipt.json"} | {
            name for name in _tree(folder) if name.startswith(("out-", "err-"))
        }

    @ENGINES
    def test_results_on_standard_output_are_all_that_is_there(self, folder: Path, engine: str) -> None:
        (folder / "my_job.py").write_text(
            "from word_counter import Mapper, Sum\n"
            "class Loud(Mapper):\n"
            "    def map(self, line):\n"
            "        print('a line came by:', line)\n"
            "        yield line, 1\n"
            "class MySum(Sum):\n"
            "    def finish(self, state):\n"
            "        print('a sum')\n"
            "        return super().finish(state)\n"
        )
        (folder / "text.txt").write_text("\u00fcber\nab\n")

        ended = word_counter(
            "run", "text.txt", "--job", "my_job.py", "--engine", engine, "--output", "-", folder=folder
        )

        assert ended.code == 0, ended.err
        assert ended.out == '{\n  "ab": 1,\n  "\u00fcber": 1\n}\n'
        assert "a line came by: ab" in ended.err

    def test_quiet_says_nothing(self, folder: Path) -> None:
        (folder / "text.txt").write_text("a b a\n")

        ended = word_counter("run", "text.txt", "-q", folder=folder)

        assert (ended.code, ended.out, ended.err) == (0, "", "")
        assert json.loads((folder / "output" / "results.json").read_text()) == {"a": 2, "b": 1}

    def test_the_job_is_named_on_standard_error(self, folder: Path, job_id: str) -> None:
        (folder / "text.txt").write_text("a b a\n")

        ended = word_counter("run", "text.txt", "--job-id", job_id, folder=folder)

        assert ended.code == 0
        assert job_id in ended.err

    def test_files_directories_and_globs_are_read_together(self, folder: Path) -> None:
        (folder / "logs" / "deep").mkdir(parents=True)
        (folder / "logs" / "one.txt").write_text("a\n")
        (folder / "logs" / "deep" / "two.txt").write_text("a b\n")
        (folder / "x1.log").write_text("c\n")
        (folder / "x2.log").write_text("c\n")
        (folder / "single.txt").write_text("d\n")

        ended = word_counter(
            "run", "logs", "x?.log", "single.txt", "--engine", "inline", "--output", "-", folder=folder
        )

        assert json.loads(ended.out) == {"a": 2, "b": 1, "c": 2, "d": 1}


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
@ENGINES
class TestNamesThatAreNotUtf8:
    @pytest.fixture
    def odd(self, folder: Path) -> str:
        """The name of a folder, a file and a job in it, as text."""
        odd = os.fsdecode(b"caf\xe9")
        (folder / odd).mkdir()
        (folder / odd / f"{odd}.txt").write_bytes(b"a b\nboom\na\n")
        (folder / odd / f"{odd}.py").write_text(
            "from word_counter import Mapper, Sum\n"
            "class M(Mapper):\n"
            "    def map(self, line):\n"
            "        self.count('seen by \\udce9')\n"
            "        if line == 'boom': raise ValueError('no \\udce9')\n"
            "        yield line, 1\n"
            "class Total(Sum): pass\n"
        )
        return odd

    def test_files_and_folders_are_read_and_written(self, folder: Path, odd: str, engine: str) -> None:
        args = ["--output", f"out-{odd}/{odd}.json", "--engine", engine]

        ended = word_counter("run", f"{odd}.txt", *args, folder=folder / odd)

        assert ended.code == 0, ended.err
        assert json.loads((folder / odd / f"out-{odd}" / f"{odd}.json").read_text()) == {"a": 2, "b": 1, "boom": 1}
        assert "results: " in ended.err

    def test_they_stand_in_quarantine_as_they_are(self, folder: Path, odd: str, engine: str) -> None:
        args = ["--job", f"{odd}/{odd}.py", "--output", f"{odd}/results.json", "--engine", engine]

        ended = word_counter("run", f"{odd}/*.txt", *args, "--max-bad-records", "1", folder=folder)

        assert ended.code == 4, ended.err
        assert json.loads((folder / odd / "results.json").read_text()) == {"a": 1, "a b": 1}
        [entry] = map(json.loads, (folder / odd / "quarantine.jsonl").read_text().splitlines())
        assert entry["file"] == str(folder / odd / f"{odd}.txt").replace("\udce9", r"\xe9")
        assert "seen by " in ended.err


class TestJobs:
    @ENGINES
    def test_a_job_file_may_import_what_stands_beside_it(self, folder: Path, engine: str) -> None:
        (folder / "mine").mkdir()
        (folder / "mine" / "my_words.py").write_text("def clean(line):\n    return line.strip('!').lower()\n")
        (folder / "mine" / "my_job.py").write_text(
            "from my_words import clean\n"
            "from word_counter import Job, Mapper, Reducer\n"
            "class Cleaned(Mapper):\n"
            "    def map(self, line):\n"
            "        yield clean(line), 1\n"
            "class Total(Reducer):\n"
            "    def reduce(self, key, values):\n"
            "        return sum(values)\n"
        )
        (folder / "text.txt").write_text("Hey!\nhey\n")

        ended = word_counter(
            "run", "text.txt", "--job", "mine/my_job.py", "--engine", engine, "--output", "-", folder=folder
        )

        assert ended.code == 0, ended.err
        assert json.loads(ended.out) == {"hey": 2}

    @ENGINES
    def test_a_job_may_stand_in_a_module_of_the_current_folder(self, folder: Path, engine: str) -> None:
        (folder / "pkg").mkdir()
        (folder / "pkg" / "__init__.py").touch()
        (folder / "pkg" / "jobs.py").write_text(
            "from word_counter import Count, Job, Mapper\n"
            "class Lengths(Mapper):\n"
            "    def map(self, line):\n"
            "        yield len(line), line\n"
            "class ByLength(Job):\n"
            "    mapper, reducer = Lengths, Count\n"
        )
        (folder / "text.txt").write_text("ab\ncd\nx\n")

        ended = word_counter(
            "run", "text.txt", "--job", "pkg.jobs:ByLength", "--engine", engine, "--output", "-", folder=folder
        )

        assert ended.code == 0, ended.err
        assert json.loads(ended.out) == {"1": 1, "2": 2}

    def test_a_job_may_name_its_own_inputs(self, folder: Path) -> None:
        (folder / "my_job.py").write_text(
            "from word_counter.jobs.word_count import WordCount\nclass Mine(WordCount):\n    inputs = 'text.txt'\n"
        )
        (folder / "text.txt").write_text("a\n")
        (folder / "other.txt").write_text("b\n")
        args = ["--job", "my_job.py:Mine", "--engine", "inline", "--output", "-"]

        by_itself = word_counter("run", *args, folder=folder)
        given_others = word_counter("run", "other.txt", *args, folder=folder)

        assert (by_itself.out, given_others.out) == ('{\n  "a": 1\n}\n', '{\n  "b": 1\n}\n')

    def test_a_job_runs_itself_as_a_script(self, folder: Path) -> None:
        (folder / "script.py").write_text(
            "from word_counter import Job, Mapper, Sum, run\n"
            "class First(Mapper):\n"
            "    def map(self, line):\n"
            "        yield line[0], 1\n"
            "class FirstLetters(Job):\n"
            "    mapper, reducer = First, Sum\n"
            "if __name__ == '__main__':\n"
            "    print(run('text.txt', FirstLetters, workers=2, output='here.json', chunk_size=1).results)\n"
        )
        (folder / "text.txt").write_text("ab\nac\nb\n")

        ended = subprocess.run(
            [sys.executable, "script.py"], cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )

        assert ended.stdout == "{'a': 2, 'b': 1}\n", ended.stderr

    def test_the_sketch_that_every_user_starts_from_works(self, folder: Path) -> None:
        (folder / "input").mkdir()
        (folder / "input" / "input.txt").write_text("this is a test\na test\n")
        code = "from word_counter import Master; print(Master('input/input.txt', chunk_size=2).run().results)"

        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )

        assert ended.stdout == "{'a': 2, 'is': 1, 'test': 2, 'this': 1}\n", ended.stderr

    def test_a_long_lived_worker_runs_a_job_file_as_it_is_now(self, folder: Path, fresh_server: EmbeddedRedis) -> None:
        job = (
            "from word_counter import Mapper, Sum\n"
            "class Marks(Mapper):\n"
            "    def map(self, line):\n"
            "        yield {key!r}, 1\n"
            "class Total(Sum): pass\n"
        )
        (folder / "text.txt").write_text("a\n")
        env = {"REDIS_URL": fresh_server.url, "WORD_COUNTER_ALLOW": str(folder)}
        args = ["text.txt", "--job", "my_job.py", "--output", "-"]
        with started("worker", folder=folder, env=env):
            seen = []
            for key in ("before", "after the edit"):
                (folder / "my_job.py").write_text(job.format(key=key))
                seen.append(word_counter("master", *args, folder=folder, env=env).out)

        assert [json.loads(out) for out in seen] == [{"before": 1}, {"after the edit": 1}]


class TestInlineFailures:
    def test_are_told_without_frames_of_ours(self, folder: Path) -> None:
        (folder / "text.txt").write_text("fine\nboom\n")

        ended = word_counter("run", "text.txt", "--job", "tests.jobs:Failing", "--engine", "inline", folder=folder)

        assert ended.code == 1
        assert "text.txt, byte 5, line 2: 'boom'" in ended.err
        assert "Traceback (most recent call last)" in ended.err
        assert not re.search(r"word_counter/(cli|engines|stages)|click/", ended.err)
        assert not (folder / "output").exists()

    def test_stop_a_debugger_where_they_were_raised(self, folder: Path) -> None:
        (folder / "text.txt").write_text("fine\nboom\n")
        command = [sys.executable, "-m", "pdb", "-c", "continue", "-m", "word_counter", "run", "text.txt"]

        ended = subprocess.run(
            [*command, "--job", "tests.jobs:Failing", "--engine", "inline", "--output", "o.json"],
            cwd=folder,
            env=environment(),
            input="p line\nq\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert "(Pdb) 'boom'" in ended.stdout

    def test_of_a_mapper_that_exits_are_failures(self, folder: Path) -> None:
        (folder / "text.txt").write_text("fine\nboom\n")

        ended = word_counter("run", "text.txt", "--job", "tests.jobs:Leaving", "--engine", "inline", folder=folder)

        assert ended.code == 1
        assert "text.txt, byte 5, line 2: 'boom'" in ended.err


class TestEnvironment:
    def test_a_kernel_that_there_is_not_is_refused_before_anything_starts(self, folder: Path) -> None:
        (folder / "text.txt").write_text("a\n")

        ended = word_counter("run", "text.txt", folder=folder, env={"WORD_COUNTER_KERNEL": "rust"})

        assert (ended.code, ended.out) == (2, "")
        assert "WORD_COUNTER_KERNEL must be one of auto, native, python, not 'rust'" in ended.err

    def test_settings_come_from_the_environment_and_flags_win(self, folder: Path) -> None:
        (folder / "text.txt").write_text("a\nb\n")
        env = {"WORD_COUNTER_ENGINE": "inline", "WORD_COUNTER_OUTPUT": "env.json", "CHUNK_SIZE": "1"}

        by_environment = word_counter("run", "text.txt", folder=folder, env=env)
        by_flag = word_counter("run", "text.txt", "--output", "flag.json", folder=folder, env=env)

        assert (by_environment.code, by_flag.code) == (0, 0)
        assert (
            (folder / "env.json").read_bytes()
            == (folder / "flag.json").read_bytes()
            == results_bytes(count_words(b"a b"))
        )

    def test_options_that_are_no_settings_come_from_it_too(self, folder: Path) -> None:
        (folder / "my_job.py").write_text(
            "from word_counter import Mapper, Count\n"
            "class Lines(Mapper):\n"
            "    def map(self, line): yield 'lines', 1\n"
            "class Total(Count): pass\n"
        )
        (folder / "text.txt").write_text("a b\nb\n")
        env = {"WORD_COUNTER_JOB": "my_job.py", "WORD_COUNTER_QUIET": "yes", "WORD_COUNTER_OUTPUT": "-"}

        ended = word_counter("run", "text.txt", folder=folder, env=env)

        assert (ended.code, ended.err) == (0, "")
        assert json.loads(ended.out) == {"lines": 2}

    def test_a_run_passes_on_what_concerns_its_own_workers_and_nothing_else(self, folder: Path) -> None:
        (folder / "text.txt").write_text("a\nb\n")
        env = {
            "WORD_COUNTER_BURST": "yes",
            "WORD_COUNTER_CHUNK_SIZE": "many",
            "WORD_COUNTER_PROCESSES": "none",
            "WORD_COUNTER_QUIET": "yes",
            "WORD_COUNTER_CHUNKSIZE": "5",
        }

        ended = word_counter(
            *("run", "text.txt", "--chunk-size", "1", "--workers", "1", "--log-format", "json", "-v"),
            folder=folder,
            env=env,
        )

        assert ended.code == 0, ended.err
        events = [json.loads(line) for line in ended.err.splitlines()]
        assert {e["task"] for e in events if e["action"] == "committed"} >= {"map:0", "map:1", "reduce:0"}
        assert [e["message"] for e in events if e["action"] == "warning"] == [
            "WORD_COUNTER_CHUNKSIZE is not a setting; did you mean WORD_COUNTER_CHUNK_SIZE?"
        ]

    @pytest.mark.parametrize("variable", ["CHUNK_SIZE", "WORD_COUNTER_CHUNK_SIZE"])
    def test_a_bad_variable_is_named(self, folder: Path, variable: str) -> None:
        (folder / "text.txt").write_text("a\n")

        ended = word_counter("run", "text.txt", folder=folder, env={variable: "many"})

        assert ended.code == 2
        assert variable in ended.err

    def test_redis_comes_from_the_environment(self, folder: Path, fresh_server: EmbeddedRedis, job_id: str) -> None:
        (folder / "text.txt").write_text("a\n")

        ended = word_counter("run", "text.txt", "--job-id", job_id, folder=folder, env={"REDIS_URL": fresh_server.url})

        assert ended.code == 0, ended.err
        connection = connect(fresh_server.url)
        assert connection.hget(f"wc:{{{job_id}}}:job", "state") == b"done"
        connection.close()


def _job(text: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        (folder / "my_job.py").write_text("from word_counter import *\n" + text)
        return ["text.txt", "--job", "my_job.py"]

    return make


def _empty_directory(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return ["empty"]


def _socket(folder: Path) -> list[str]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket"))
    return ["socket"]


def _output_below_a_file(folder: Path) -> list[str]:
    return ["text.txt", "--output", "text.txt/results.json"]


def _output_is_a_pipe(folder: Path) -> list[str]:
    os.mkfifo(folder / "pipe")
    return ["text.txt", "--output", "pipe"]


def _output_is_a_directory(folder: Path) -> list[str]:
    (folder / "results").mkdir()
    return ["text.txt", "--output", "results"]


_MAP = "class M(Mapper):\n    def map(self, line): yield line, 1\n"
_REDUCE = "class R(Reducer):\n    def reduce(self, key, values): return 1\n"


class TestBadInput:
    @pytest.mark.parametrize(
        ("args", "said"),
        [
            pytest.param(["missing.txt"], "missing.txt", id="no such file"),
            pytest.param(["text.txt", "missing.txt"], "missing.txt", id="one of two files is missing"),
            pytest.param(["*.log"], "*.log", id="a glob without matches"),
            pytest.param(_empty_directory, "empty has no files", id="a directory without files"),
            pytest.param(_socket, "socket", id="a socket"),
            pytest.param(["text.txt", "--chunk-size", "0"], "chunk-size", id="chunk size 0"),
            pytest.param(["text.txt", "--chunk-size", "many"], "chunk-size", id="chunk size that is no number"),
            pytest.param(["text.txt", "--partitions", "0"], "partitions", id="partitions 0"),
            pytest.param(["text.txt", "--workers", "-1"], "workers", id="workers below 0"),
            pytest.param(["text.txt", "--workers", "0"], "--redis", id="nobody to do the work"),
            pytest.param(["text.txt", "--engine", "spark"], "redis, inline", id="an unknown engine"),
            pytest.param(["text.txt", "--job-id", "a b"], "job-id", id="a bad job id"),
            pytest.param(["text.txt", "--redis", "http://x"], "Redis URL", id="a URL of something else"),
            pytest.param(_output_is_a_directory, "is a directory", id="output is a directory"),
            pytest.param(_output_is_a_pipe, "not a regular file", id="output would replace a pipe"),
            pytest.param(_output_below_a_file, "is a file, not a folder", id="a file in place of a folder"),
            pytest.param(_output_below_a_file, "text.txt/results.json", id="output below a file"),
            pytest.param(["text.txt", "--job", "no_such_module:Job"], "no_such_module", id="no such module"),
            pytest.param(["text.txt", "--job", "no_such_file.py"], "no_such_file.py", id="no such job file"),
            pytest.param(["text.txt", "--job", "json:Missing"], "Missing", id="no such class"),
            pytest.param(["text.txt", "--job", "json:JSONDecoder"], "JSONDecoder", id="a class that is no job"),
            pytest.param(_job("x = 1\n"), "my_job.py defines no Job", id="a job file without a job"),
            pytest.param(
                _job(f"class M(Mapper): pass\n{_REDUCE}"), "M lacks a method map", id="a mapper without a method"
            ),
            pytest.param(
                _job(f"{_MAP}class R(Reducer): pass\n"), "R lacks a method reduce", id="a reducer without a method"
            ),
            pytest.param(_job(f"{_MAP}class J(Job): mapper = M\n"), "J: reducer", id="a job without a reducer"),
        ],
    )
    def test_is_one_line_and_exit_code_2_and_writes_nothing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, args: list[str] | Callable[[Path], list[str]], said: str
    ) -> None:
        (folder / "text.txt").write_text("a\n")
        given = list(args) if isinstance(args, list) else args(folder)
        if "--output" not in given:
            given += ["--output", "out/results.json"]
        before = _tree(folder)
        monkeypatch.chdir(folder)

        ended = CliRunner().invoke(main, ["run", *given])  # here, as nothing is to be started

        assert ended.exit_code == 2, ended.stderr
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert "Traceback" not in ended.stderr
        assert ended.stdout == ""
        assert _tree(folder) == before

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            pytest.param("def (", "SyntaxError: invalid syntax", id="is not Python"),
            pytest.param("1 / 0\n", "ZeroDivisionError: division by zero", id="raises"),
            pytest.param("raise SystemExit(0)\n", "SystemExit: 0", id="exits"),
        ],
    )
    def test_of_a_job_file_that_does_not_import_the_place_is_shown(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
    ) -> None:
        (folder / "text.txt").write_text("a\n")
        args = _job(source)(folder)
        before = _tree(folder)
        monkeypatch.chdir(folder)

        ended = CliRunner().invoke(main, ["run", *args, "--output", "out/results.json"])

        assert ended.exit_code == 2, ended.stderr
        assert said in ended.stderr
        assert f'File "{folder / "my_job.py"}", line 2' in ended.stderr
        assert "word_counter/" not in ended.stderr  # none of our own lines
        assert ended.stdout == ""
        assert _tree(folder) == before

    def test_so_is_a_file_that_may_not_be_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "text.txt").write_text("a\n")
        (folder / "text.txt").chmod(0)
        folder.chmod(0o777)  # so that it is not the output that cannot be
        monkeypatch.chdir(folder)
        args = ["--engine", "inline", "--output", "out/results.json"]
        assert CliRunner().invoke(main, ["run", "missing.txt", *args]).exit_code == 2  # all is imported by now

        with without_root():
            ended = CliRunner().invoke(main, ["run", "text.txt", *args])

        assert (ended.exit_code, ended.stderr) == (2, "Error: cannot read text.txt: Permission denied\n")
        assert not (folder / "out").exists()

    def test_a_job_id_that_is_taken_is_refused(self, folder: Path, fresh_server: EmbeddedRedis, job_id: str) -> None:
        (folder / "text.txt").write_text("a\n")
        args = ["run", "text.txt", "--job-id", job_id, "--redis", fresh_server.url]
        first = word_counter(*args, folder=folder)

        second = word_counter(*args, "--output", "other.json", folder=folder)

        assert (first.code, second.code) == (0, 2), second.err
        assert job_id in second.err
        assert not (folder / "other.json").exists()

    def test_a_missing_argument_is_a_usage_error(self, folder: Path) -> None:
        ended = word_counter("run", folder=folder)

        assert ended.code == 2
        assert "INPUT" in ended.err
        assert "Traceback" not in ended.err


class TestFailure:
    @ENGINES
    def test_a_job_that_raises_shows_where_in_the_code_and_in_the_input(self, folder: Path, engine: str) -> None:
        (folder / "my_job.py").write_text(
            "from word_counter import Mapper, Sum\n"
            "class Divides(Mapper):\n"
            "    def map(self, line):\n"
            "        yield line, 1 // len(line)\n"
            "class Total(Sum): pass\n"
        )
        (folder / "text.txt").write_text("one\ntwo\n\nthree\n")

        ended = word_counter(
            "run",
            "text.txt",
            *["--job", "my_job.py", "--engine", engine, "--chunk-size", "2", "--output", "results.json"],
            folder=folder,
            env={"WORD_COUNTER_MAX_ATTEMPTS": "1"},
        )

        assert ended.code == 1
        assert "ZeroDivisionError" in ended.err
        assert f'File "{folder / "my_job.py"}", line 4, in map' in ended.err
        assert f"{folder / 'text.txt'}, byte 8, line 3: ''" in ended.err
        assert "word_counter/runner.py" not in ended.err
        assert ended.out == ""
        assert not (folder / "results.json").exists()

    def test_a_file_that_changes_in_the_middle_is_named(self, folder: Path, slow_job: Path, text: Path) -> None:
        args = ["--job", str(slow_job), "--chunk-size", "5", "--workers", "2", "--output", "results.json"]
        with started("run", str(text), *args, folder=folder) as running:
            eventually(lambda: list((folder / "pids").iterdir()))

            with text.open("a") as file:
                file.write("one more\n")
            ended = running.wait()

        assert ended.code == 1
        assert f"{text} changed" in ended.err
        assert "Traceback" not in ended.err
        assert not (folder / "results.json").exists()

    def test_a_job_that_takes_too_long_is_ended(self, folder: Path, slow_job: Path, text: Path) -> None:
        args = ["--job", str(slow_job), "--chunk-size", "5", "--workers", "1", "--output", "results.json"]

        ended = word_counter("run", str(text), *args, "--timeout", "1", folder=folder)

        assert ended.code == 1
        assert "timeout" in ended.err
        assert not (folder / "results.json").exists()

    @pytest.mark.parametrize("command", [["run", "text.txt"], ["master", "text.txt"], ["worker"]])
    def test_a_redis_that_cannot_be_reached_is_exit_code_3(self, folder: Path, command: list[str]) -> None:
        (folder / "text.txt").write_text("a\n")
        url = f"unix://{folder}/nobody.sock?password=hunter2"

        ended = word_counter(*command, "--redis", url, folder=folder)

        assert ended.code == 3
        assert "nobody.sock" in ended.err
        assert "hunter2" not in ended.err
        assert ended.err.count("\n") == 1
        assert "Traceback" not in ended.err
        assert not (folder / "output" / "results.json").exists()


class TestWorker:
    def test_burst_ends_at_once_when_there_is_nothing_to_do(self, folder: Path, fresh_server: EmbeddedRedis) -> None:
        ended = word_counter("worker", "--burst", "--redis", fresh_server.url, folder=folder)

        assert ended.code == 0, ended.err

    def test_burst_does_what_there_is_and_ends(self, folder: Path, fresh_server: EmbeddedRedis) -> None:
        (folder / "text.txt").write_text("a b\na\n")
        env = {"REDIS_URL": fresh_server.url}
        connection = connect(fresh_server.url)
        with started("master", "text.txt", "--chunk-size", "1", "--output", "-", folder=folder, env=env) as master:
            bursts: list[int] = []
            while not bursts or not master.ended:
                eventually(lambda: any(map(connection.llen, connection.smembers("rq:queues"))) or master.ended)
                bursts.append(word_counter("worker", "--burst", folder=folder, env=env).code)
            ended = master.wait()
        connection.close()

        assert set(bursts) == {0}
        assert ended.code == 0, ended.err
        assert json.loads(ended.out) == {"a": 2, "b": 1}

    def test_a_worker_needs_a_redis(self, folder: Path) -> None:
        ended = word_counter("worker", folder=folder)

        assert ended.code == 2
        assert "REDIS_URL" in ended.err
        assert ended.err.count("\n") == 1


def test_the_installed_command_is_the_same(folder: Path) -> None:
    command = Path(sys.executable).with_name("word-counter")
    if not command.exists() or not command.stat().st_mode & stat.S_IXUSR:
        pytest.skip("word_counter is not installed in this environment")

    by_name = subprocess.run([command, "--version"], capture_output=True, text=True, env=environment(), check=True)
    by_module = word_counter("--version", folder=folder)

    assert by_name.stdout == by_module.out != ""
