"""Work: the jobs of a storm. What each is to come to is known before it starts, by the oracle."""

from __future__ import annotations

import enum
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import count_words, lines_of, results_text, words_of

_WORDS = [
    "a",
    "ab",
    "the",
    "don't",
    "it\u2019s",
    "na\u00efve",
    "\u00c9t\u00e9",
    "\u0645\u0631\u062d\u0628\u0627",
    "x1",
    "42",
    "Zebra",
    "zebra",
    "o'clock",
    "\u6f22\u5b57",
]
_GAPS = [" ", " ", " ", "  ", "\t", ", ", "_", "-", "."]
_LEAST_LINES = 100
#: Small chunks, middling ones, and those that are the whole of many inputs.
_CHUNK_SIZES = ((5, 50), (20, 200), (100, 3000))
#: How much of an error is shown.
_CUT = 250


class Verdict(enum.StrEnum):
    """How a job ended."""

    EXACT = "exact"  #: with the oracle's results, to the byte
    WRONG = "wrong"  #: with other results, or with some though it failed
    HUNG = "hung"  #: not in time
    FAILED = "failed"  #: with an error, without results
    CRASHED = "crashed"  #: with a traceback of our own, without results


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its reference ("" for the shipped word count), its oracle, and how many lines at the most."""

    name: str
    reference: str
    oracle: Callable[[list[bytes]], str]
    most_lines: int


@dataclass(frozen=True, slots=True)
class Work:
    """One job to be done: its files are in ``folder``, where ``results.json`` is to become ``expected``."""

    job_id: str
    kind: Kind
    folder: Path
    files: tuple[str, ...]
    lines: int
    expected: str
    chunk_size: int
    partitions: int

    @property
    def output(self) -> Path:
        """Where the results go."""
        return self.folder / "results.json"

    @property
    def arguments(self) -> list[str]:
        """The arguments of its first master, after the command's name."""
        chosen = ["--job-id", self.job_id, "--output", str(self.output)]
        chosen += ["--chunk-size", str(self.chunk_size), "--partitions", str(self.partitions)]
        if self.kind.reference:
            chosen += ["--job", self.kind.reference]
        return [*chosen, *self.files]


def _words(contents: list[bytes]) -> str:
    return results_text(dict(count_words(*contents)))


def _shapes(contents: list[bytes]) -> str:
    words = (word for content in contents for line in lines_of(content) for word in words_of(line))
    shapes = Counter(json.dumps([word[0], len(word)], ensure_ascii=False, separators=(",", ":")) for word in words)
    return results_text(dict(shapes))


KINDS = (
    Kind("words", "", _words, 2000),
    Kind("slow words", "tests.chaos.slow_jobs:SlowCount", _words, 1000),
    Kind("slow reduce", "tests.chaos.slow_jobs:SlowReduce", _words, 1500),
    Kind("shapes", "tests.chaos.slow_jobs:ShapeCount", _shapes, 2000),
)
#: Not of the storm: two chunks, which wait for a gate to be opened.
HELD = Kind("held", "tests.chaos.slow_jobs:Held", _words, _LEAST_LINES)


def make_work(rng: random.Random, job_id: str, folder: Path, kind: Kind | None = None) -> Work:
    """Write a job's random input into ``folder``, and ask the oracle what it is to come to."""
    kind = kind or rng.choice(KINDS)
    folder.mkdir()
    contents, names = [], []
    files = 1 if kind is HELD else rng.choice([1, 1, 1, 2, 5])
    lines = rng.randint(_LEAST_LINES, kind.most_lines)
    for number in range(files):
        content = _content(rng, lines // files)
        names.append(f"input-{number}.txt")
        contents.append(content)
        (folder / names[-1]).write_bytes(content)
    (folder / "results.json").write_text('{"old": 1}\n')  # what a failed job has to leave as it is
    return Work(
        job_id=job_id,
        kind=kind,
        folder=folder,
        files=tuple(str(folder / name) for name in names),
        lines=sum(len(lines_of(content)) for content in contents),
        expected=kind.oracle(contents),
        chunk_size=(lines + 1) // 2 if kind is HELD else rng.randint(*rng.choice(_CHUNK_SIZES)),
        partitions=rng.choice([1, 2, 3, 5, 8, 16]),
    )


def _content(rng: random.Random, lines: int) -> bytes:
    own = [f"w{rng.randrange(300)}" for _ in range(rng.randint(5, 200))]  # as many keys as reduce tasks shall have
    content = bytearray(b"\xef\xbb\xbf" if rng.random() < 0.2 else b"")
    for _ in range(lines):
        for _ in range(rng.choice([0, 1, 5, 12])):
            content += rng.choice(own if rng.random() < 0.5 else _WORDS).encode()
            content += rng.choice(_GAPS).encode()
        if rng.random() < 0.02:
            content += b"caf\xe9 \xff\x00 "
        content += rng.choice([b"\n", b"\n", b"\n", b"\r\n"])
    return bytes(content if rng.random() < 0.7 else content.rstrip(b"\r\n"))


def judge(work: Work, code: int | None, errors: str) -> tuple[Verdict, str]:
    """Return the verdict on a job whose last master ended with ``code`` (None: it did not), and what speaks for it."""
    found = work.output.read_text(encoding="utf-8", errors="replace") if work.output.exists() else None
    whole = found == work.expected
    if code == 0:
        return (Verdict.EXACT, "") if whole else (Verdict.WRONG, _difference(work.expected, found))
    last = (errors.strip().splitlines() or ["it printed nothing"])[-1][:_CUT]
    if code is None:
        return Verdict.HUNG, last
    if found != '{"old": 1}\n':
        what = "whole" if whole else _difference(work.expected, found)
        return Verdict.WRONG, f"it ended with code {code} and yet wrote results: {what}; {last}"
    if "Traceback (most recent call last)" in errors or code < 0:
        return Verdict.CRASHED, f"code {code}: {last}"
    return Verdict.FAILED, f"code {code}: {last}"


def _difference(expected: str, found: str | None) -> str:
    if found is None:
        return "there is no results file"
    try:
        should, is_ = json.loads(expected), json.loads(found)
    except ValueError:
        return "the results are no JSON"
    if should == is_:
        return "the same results, written otherwise"
    keys = sorted(key for key in should.keys() | is_.keys() if should.get(key) != is_.get(key))
    first = ", ".join(f"{key!r} is {is_.get(key)} for {should.get(key)}" for key in keys[:3])
    return f"{len(keys)} of {len(should)} keys differ: {first}"
