"""The benchmarks: only results that were checked count, and what cannot be measured is named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import contest, corpora, report
from benchmarks.contestants import LOGS, WORDS, Contestant
from benchmarks.peers import answer
from tests.oracle import count_words
from tests.processes import ROOT, environment

#: Runs two entries that write what they are told to rather than count.
_CONTEST = """
import json, sys
from benchmarks import contest, corpora, stopwatch
from benchmarks.contestants import Contestant

class Writes(Contestant):
    def command(self, corpus, results, workers, more=()):
        return [sys.executable, "-c", self.label, str(results)]

stopwatch.adopt_orphans()
corpus = corpora.numbered(3)
right = f"import sys; open(sys.argv[1], 'w').write({json.dumps(corpus.expected)!r})"
codes = json.loads(sys.argv[1])
entries = [contest.Entry(Writes(name, code.replace("RIGHT", right)), corpus, 1) for name, code in codes.items()]
rows = contest.run(contest.Contest("peers", "those who write", entries), 2, float(sys.argv[2]), lambda _: None)
print(json.dumps(contest.as_json(contest.Contest("peers", "those who write", entries), rows)))
"""


@pytest.fixture
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def contest_of(patience_seconds: float = 60.0, **codes: str) -> dict[str, Any]:
    """Return the rows of a contest by name. It is run by a process of its own, which reaps all that it starts."""
    done = subprocess.run(
        [sys.executable, "-c", _CONTEST, json.dumps(codes), str(patience_seconds)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {row["name"]: row for row in json.loads(done.stdout)["rows"]}


@pytest.mark.usefixtures("cache")
class TestCorpora:
    @pytest.mark.parametrize("kind", ["words", "ascii", "logs"])
    def test_are_the_same_each_time_and_a_smaller_one_begins_a_larger_one(self, kind: str) -> None:
        small = corpora.made(kind, 10_000)
        first = small.path.read_bytes()
        small.path.unlink()

        assert corpora.made(kind, 10_000).path.read_bytes() == first
        assert corpora.made(kind, 20_000).path.read_bytes().startswith(first)
        assert 10_000 <= small.bytes < 10_300
        assert small.ascii == first.isascii() == (kind != "words")

    def test_know_what_their_words_come_to(self, folder: Path) -> None:
        path = folder / "own.txt"
        path.write_bytes(b"\xef\xbb\xbfMill, mill\r\nand \xff\xc3\xa9t\xc3\xa9 isn't\n")

        own = corpora.given(str(path))

        assert own.expected == count_words(path.read_bytes())
        assert (own.lines, own.ascii) == (2, False)

    def test_are_known_anew_when_they_have_changed(self, folder: Path) -> None:
        path = folder / "own.txt"
        path.write_text("one\n")
        assert corpora.given(str(path)).expected == {"one": 1}
        path.write_text("three\n")

        assert corpora.given(str(path)).expected == {"three": 1}

    def test_a_part_ends_with_a_whole_line(self) -> None:
        whole = corpora.made("words", 20_000)

        part = corpora.head(whole, 10)

        content = part.path.read_bytes()
        assert whole.path.read_bytes().startswith(content)
        assert content.endswith(b"\n")
        assert 2_000 <= part.bytes < 2_300


@pytest.mark.usefixtures("cache")
class TestContests:
    def test_give_no_time_to_who_differs_fails_or_takes_too_long(self) -> None:
        rows = contest_of(
            5.0,
            right="RIGHT",
            wrong="import sys; open(sys.argv[1], 'w').write('{\"no\": 1}')",
            broken="raise ValueError('oh')",
            silent="pass",
            slow="import time; time.sleep(60)",
        )

        assert rows["right"]["median"] > 0
        assert len(rows["right"]["seconds"]) == 2
        assert rows["wrong"]["verdict"].startswith("differs in ")
        assert rows["broken"]["verdict"] == "exit code 1: ValueError: oh"
        assert rows["silent"]["verdict"].startswith("exit code 0: nothing was printed")
        assert rows["slow"]["verdict"] == "took longer than 5 s"
        assert all(rows[name]["median"] is None for name in rows if name != "right")

    @pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
    def test_count_what_a_command_leaves_behind_but_not_into_its_time(self) -> None:
        busy = "import time; t = time.process_time() + 0.5\\nwhile time.process_time() < t: pass"
        code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '''{busy}''']); RIGHT"

        (row,) = contest_of(leaves=code).values()

        assert min(row["cpu_seconds"]) >= 0.5


@pytest.mark.usefixtures("cache")
class TestCommand:
    def bench(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchmarks", *args]
        return subprocess.run(command, env=environment(**env), capture_output=True, text=True, check=False, cwd=ROOT)

    def test_compares_over_somebodys_own_text(self, folder: Path) -> None:
        (folder / "own.txt").write_text("the mill isn't the 'mill' it was, isn''t it?\n" * 100)
        only = "word_counter,pool" + (",pipeline" if not next(c for c in WORDS if c.name == "pipeline").missing else "")

        done = self.bench(
            *(
                "--series",
                "peers",
                "--size",
                "0.1",
                "--repeat",
                "1",
                "--workers",
                "1",
                "--only",
                only,
                "--out",
                str(folder / "out"),
            ),
            BENCH_CORPUS=str(folder / "own.txt"),
        )
        assert done.returncode == 0, done.stderr
        rows = re.findall(r"^\| (.+?) \| [\d.]+ \| [\d.]+ to [\d.]+ \| [\d.]+ \|", done.stdout, re.MULTILINE)
        assert len(rows) == only.count(",") + 1 + 2
        assert {path.suffix for path in (folder / "out").iterdir()} >= {".json", ".md"}

    def test_says_when_there_is_no_such_text(self) -> None:
        done = self.bench(BENCH_CORPUS="/no/such/text")

        assert done.returncode == 2
        assert "BENCH_CORPUS is no file: /no/such/text" in done.stderr

    def test_says_which_names_there_are(self) -> None:
        done = self.bench("--only", "hadoop")

        assert done.returncode == 2
        assert "there is no contestant 'hadoop'; there are word_counter, " in done.stderr


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("size", [1, 4, 5, 6, 100])
def test_a_peer_cuts_a_file_up_into_whole_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch, end: str, size: int
) -> None:
    monkeypatch.setattr(answer, "RANGE_BYTES", size)
    path = folder / "text.txt"
    text = "one\n\ntwo \u00e9\nthree" + end
    path.write_text(text)

    texts = [answer.text_of(place) for place in answer.ranges(str(path))]

    assert "".join(texts) == text
    assert all(part.endswith("\n") for part in texts[:-1])


def test_what_is_extrapolated_counts_the_start_once() -> None:
    start, a_byte = 3.0, 0.5
    parts = [10, 100]

    taken = contest._extrapolated(parts, [start + a_byte * size for size in parts], 1_000)

    assert taken == pytest.approx(start + a_byte * 1_000)


def test_who_needs_what_is_not_there_is_skipped_by_name() -> None:
    assert Contestant("x", "x", packages=("json", "no_such_package"), programs=("no-such-program",)).missing == (
        "no_such_package, no-such-program"
    )


def test_every_contestant_has_its_script() -> None:
    for contestant in (*WORDS, *LOGS):
        if contestant.module:
            name = contestant.module if contestant.module.endswith(".sh") else f"{contestant.module}.py"
            assert (ROOT / "benchmarks" / "peers" / name).exists()


def test_a_report_takes_the_place_of_the_last_one() -> None:
    page = f"before\n{report.BEGIN}\n\nold\n\n{report.END}\nafter\n"

    placed = report.placed(page, "new\n")

    assert placed == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    assert report.BEGIN in (ROOT / "benchmarks" / "README.md").read_text()
    assert report.END in (ROOT / "benchmarks" / "README.md").read_text()
