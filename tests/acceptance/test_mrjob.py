"""Files that are written for mrjob: here and, where that is installed, side by side with mrjob itself."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.processes import ROOT, environment, eventually, started, word_counter
from word_counter.errors import JobNotFoundError
from word_counter.inspection.job_catalog import JobCatalog
from word_counter.local_cluster.embedded_redis import EmbeddedRedis
from word_counter.store.connection import connect

JOBS = ROOT / "tests" / "mrjob_jobs"
#: Each job with the input that it reads and the options that it is given.
CASES = {
    "word_freq": ("text.txt", []),
    "most_used_word": ("text.txt", ["--least", "4"]),
    "next_word": ("text.txt", []),
    "csv_join": ("lines.csv", []),
    "page_rank": ("pages.json", ["--rounds", "3"]),
    "all_sorts": ("text.txt", []),
    "raw_lines": ("raw.txt", []),
    "by_file": ("text.txt", ["--cmdenv", "GREETING=hello", "-D", "my.conf=7"]),
    "commands": ("text.txt", ["-r", "local"]),
}
#: Options that the file takes when it is run by itself; word-counter run has others in their place.
_OF_THE_SCRIPT = {"-r", "local"}
each_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def inputs(folder: Path) -> Path:
    """A folder with the inputs of all jobs."""
    chosen = random.Random(5)
    words = ["the", "of", "über", "don't", "Crown", "crown", "a", "night", "lantern", "1984"]
    lines = [" ".join(chosen.choices(words, k=chosen.randint(0, 9))) for _ in range(200)]
    (folder / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "lines.csv").write_text(
        'country,de,Germany\nperson,Anna,de\nperson,"B, Bob",fr\ncountry,fr,"France, the"\n'
        "person,Cy,xx\nperson,Dora,de\nx\n"
    )
    (folder / "raw.txt").write_bytes(b"abc\n\nx\n\xff\xfe\ty\n\xc3\xbc z\r\nlast")
    pages = [
        json.dumps(f"page {n}")
        + "\t"
        + json.dumps({"links": [f"page {(n * k + k) % 40}" for k in range(1, 2 + n % 5)], "score": 1.0})
        for n in range(40)
    ]
    (folder / "pages.json").write_text("\n".join(pages) + "\n")
    return folder


def _script(path: Path, folder: Path, *args: str) -> bytes:
    """Run a Python file by itself; return what it prints."""
    command = [sys.executable, str(path), *args]
    ended = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    return ended.stdout


def _here(name: str, folder: Path, *args: str) -> bytes:
    """Run a case with the command; return its results."""
    source, options = CASES[name]
    job = str(JOBS / f"{name}.py")
    ended = word_counter(
        *("run", source, "--mrjob", job, "--output", "out.txt", "--quiet", *args, "--"),
        *(option for option in options if option not in _OF_THE_SCRIPT),
        folder=folder,
    )
    assert ended.code == 0, ended.err
    return (folder / "out.txt").read_bytes()


@each_case
def test_the_lines_are_those_of_mrjob(inputs: Path, name: str) -> None:
    looked = subprocess.run([sys.executable, "-c", "import mrjob.job"], capture_output=True, check=False)
    if looked.returncode:
        pytest.skip("mrjob is not installed, or does not run on this Python")
    source, options = CASES[name]

    theirs = _script(JOBS / f"{name}.py", inputs, "-q", source, *options)
    ours = _here(name, inputs, "--engine", "inline", "--chunk-size", "30")

    assert len(ours) > 10
    assert sorted(ours.split(b"\n")) == sorted(theirs.split(b"\n"))


@pytest.mark.parametrize("name", ["all_sorts", "page_rank", "by_file", "commands"])
def test_workers_give_the_same_bytes_as_one_process(inputs: Path, name: str) -> None:
    inline = _here(name, inputs, "--engine", "inline", "--partitions", "3", "--chunk-size", "30")

    assert _here(name, inputs, "--workers", "2", "--chunk-size", "30") == inline


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_file_that_imports_this_package_runs_by_itself(inputs: Path, runner: str) -> None:
    text = (JOBS / "most_used_word.py").read_text().replace("from mrjob.", "from word_counter.mrjob.")
    (inputs / "my_job.py").write_text(text)

    printed = _script(inputs / "my_job.py", inputs, "-q", "-r", runner, "text.txt", "--least=4")

    assert printed == _here("most_used_word", inputs, "--engine", "inline")


@pytest.mark.parametrize("job", ["mrjob_jobs/word_freq.py", "mrjob_jobs/word_freq.py:WordFreq", "lab/wc.py"])
def test_a_job_of_another_api_is_told_its_option(folder: Path, job: str) -> None:
    ended = word_counter("run", "in.txt", "--job", str(ROOT / "tests" / job), folder=folder)

    assert ended.code == 2
    assert ("goes with --app" if job == "lab/wc.py" else "goes with --mrjob") in ended.err


def test_the_code_in_the_docs_runs(folder: Path) -> None:
    page = (ROOT / "docs" / "howto" / "mrjob.md").read_text()
    (folder / "job.py").write_text(page.partition("```python\n")[2].partition("```")[0])

    assert _script(folder / "job.py", folder) == b""


class TestCommand:
    def test_writes_lines_to_a_text_file_by_default(self, inputs: Path) -> None:
        job = str(JOBS / "csv_join.py")

        ended = word_counter("run", "lines.csv", "--mrjob", job, "--engine", "inline", folder=inputs)

        assert ended.code == 0, ended.err
        assert "Anna,Germany\n" in (inputs / "output" / "results.txt").read_text()
        assert "lines, of no kind; x" in ended.err

    @pytest.mark.parametrize(
        ("args", "told"),
        [
            (["--param", "a=1"], "--mrjob goes without --job, --param and --file"),
            (["--job", "x.py"], "--mrjob goes without --job, --param and --file"),
            (["--", "--often", "3"], "MostUsedWord: unrecognized arguments: --often"),
            (["--", "-r", "emr"], "MostUsedWord: not --runner: word-counter run has --engine and --output"),
        ],
    )
    def test_says_what_it_does_not_take(self, inputs: Path, args: list[str], told: str) -> None:
        job = str(JOBS / "most_used_word.py")

        ended = word_counter("run", "text.txt", "--mrjob", job, *args, folder=inputs)

        assert ended.code == 2
        assert told in ended.err

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("from mrjob.emr import EMRJobRunner", "No module named 'mrjob.emr'; of mrjob's modules there are here"),
            ("from mrjob.step import JarStep", "JarStep is not supported: steps of JAR files need Hadoop"),
            ("from mrjob.protocol import PickleProtocol", "PickleProtocol is not supported: nothing is ever unpickled"),
        ],
    )
    def test_names_what_a_job_imports_of_mrjob_and_is_not_there(self, inputs: Path, line: str, told: str) -> None:
        (inputs / "job.py").write_text(line)

        ended = word_counter("run", "text.txt", "--mrjob", "job.py", folder=inputs)

        assert ended.code == 2
        assert told in ended.err
        assert "goes with --mrjob" not in ended.err

    def test_says_that_a_file_runs_its_job_at_import(self, inputs: Path) -> None:
        text = (JOBS / "word_freq.py").read_text().partition("if __name__")[0]
        (inputs / "job.py").write_text(text + "WordFreq.run()\n")

        ended = word_counter("run", "text.txt", "--mrjob", "job.py", folder=inputs)

        assert ended.code == 2
        assert 'put that part of it under  if __name__ == "__main__":' in ended.err


_SLOW = """
import time
from mrjob.job import MRJob
from mrjob.step import MRStep


class Slow(MRJob):
    def configure_args(self):
        super().configure_args()
        self.add_passthru_arg("--seconds", type=float, default=0.0)

    def steps(self):
        return [
            MRStep(mapper=self.words, combiner=self.added, reducer=self.added),
            MRStep(mapper=self.by_count, reducer=self.listed),
        ]

    def words(self, _, line):
        time.sleep(self.options.seconds)
        for word in line.split():
            yield word, 1

    def added(self, word, counts):
        yield word, sum(counts)

    def by_count(self, word, count):
        time.sleep(self.options.seconds)
        yield count, word

    def listed(self, count, words):
        yield count, list(words)
"""


def test_a_job_whose_worker_and_master_die_gives_the_same_lines(
    folder: Path, fresh_server: EmbeddedRedis, job_id: str
) -> None:
    (folder / "in.txt").write_text("".join(f"word{n * n % 97} again{n % 50}\n" for n in range(300)))
    (folder / "slow.py").write_text(_SLOW)
    env = {"WORD_COUNTER_REDIS": fresh_server.url, "WORD_COUNTER_ALLOW": str(folder), "WORD_COUNTER_LEASE_SECONDS": "1"}
    shared = ["in.txt", "--mrjob", "slow.py", "--chunk-size", "10"]
    plain = word_counter("run", *shared, "--engine", "inline", "--output", "plain.txt", folder=folder)
    assert plain.code == 0, plain.err
    connection = connect(fresh_server.url)

    def in_the_middle() -> bool:
        with suppress(JobNotFoundError):
            job = JobCatalog(connection).job(job_id)
            return job.chunks_mapped > 5 and job.running > 1
        return False

    with ExitStack() as stack:
        workers = [stack.enter_context(started("worker", folder=folder, env=env)) for _ in range(2)]
        args = ["--job-id", job_id, "--output", "killed.txt", "--", "--seconds", "0.01"]
        master = stack.enter_context(started("master", *shared, *args, folder=folder, env=env))
        eventually(in_the_middle)
        workers[0].send(signal.SIGKILL)
        master.send(signal.SIGKILL)
        master.wait()
        ended = word_counter("resume", job_id, folder=folder, env=env)
        again = word_counter("replay", job_id, "3", folder=folder, env=env)

    assert ended.code == 0, ended.err
    assert (folder / "killed.txt").read_bytes() == (folder / "plain.txt").read_bytes()
    assert again.code == 0, again.err
    connection.close()
