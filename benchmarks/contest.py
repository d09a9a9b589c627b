"""A contest: some entries, each run in every round, in another order each time; and the times of each.

A time counts only if the results are right. An entry whose results differ or are missing, or that fails, is left out of
the following rounds, and the reason is shown.
"""

from __future__ import annotations

import json
import os
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import corpora
from benchmarks.contestants import Contestant
from benchmarks.corpora import Corpus
from benchmarks.stopwatch import CommandError, Timing, timed

_ROOT = Path(__file__).parent.parent
#: What of the environment commands get to see: where programs are, and nothing that sets any of them up.
_PASSED_ON = ("PATH", "HOME", "JAVA_HOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_ORDER_SEED = 1
#: Of two parts that a time is extrapolated from, the one is so many times smaller than the other.
_SMALLER = 20
#: Nothing is extrapolated for smaller corpora, in bytes.
_WORTH_SHARING = 50 * corpora.MEGABYTE

#: Is told what is going on.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant with its input and arguments.

    Attributes:
        contestant: the contestant.
        corpus: the text it gets.
        workers: how many workers, threads or cores it may use.
        x: its place on the axis of its contest: megabytes, workers, lines a chunk; None where there is no axis.
        more: further arguments.
        measures_itself: it prints its seconds, which count instead of the time of the command.
    """

    contestant: Contestant
    corpus: Corpus
    workers: int
    x: float | None = None
    more: tuple[str, ...] = ()
    measures_itself: bool = False

    @property
    def share(self) -> int:
        """It is run on one part in so many of the corpus. A small corpus is used as a whole."""
        return self.contestant.share if self.corpus.bytes >= _WORTH_SHARING else 1


@dataclass(frozen=True, slots=True)
class Contest:
    """Entries that are compared. The first one is what ratios refer to, among those with the same ``x``."""

    series: str
    title: str
    entries: Sequence[Entry]
    axis: str = ""


@dataclass(slots=True)
class Row:
    """The times of an entry. ``verdict`` is "" when they count, and otherwise says why they do not."""

    name: str
    label: str
    x: float | None
    workers: int
    corpus_bytes: int
    chunks: int | None = None  #: when each line was a chunk
    share: int = 1
    verdict: str = ""
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    map_seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float | None:
        """The median of its times; None when they do not count."""
        return statistics.median(self.seconds) if self.seconds and not self.verdict else None


def run(contest: Contest, rounds: int, patience_seconds: float, say: Say) -> list[Row]:
    """Run a contest and return its rows, in the order of its entries."""
    entries = list(contest.entries)
    rows = [_row(contest, entry) for entry in entries]
    for entry, row in zip(entries, rows, strict=True):
        if row.verdict:
            say(f"  {row.label}: {row.verdict}")
        else:
            for corpus in _parts(entry):  # made now, not while somebody's time is taken
                corpora.warm(corpus)
    order = list(range(len(entries)))
    for number in range(rounds):
        random.Random(_ORDER_SEED + number).shuffle(order)
        for index in order:
            row = rows[index]
            if not row.verdict:
                said = _take_part(entries[index], row, patience_seconds)
                at = "" if row.x is None else f" at {row.x:g}"
                say(f"  round {number + 1} of {rounds}: {row.label}{at}: {said}")
    return rows


def _row(contest: Contest, entry: Entry) -> Row:
    who, corpus = entry.contestant, entry.corpus
    chunks = corpus.lines if contest.series == "noop" else None
    row = Row(who.name, who.label, entry.x, entry.workers, corpus.bytes, chunks, entry.share)
    if who.missing:
        row.verdict = f"skipped: {who.missing} is not installed"
    elif who.ascii_only and not corpus.ascii:
        row.verdict = "skipped: ASCII text only"
    return row


def _parts(entry: Entry) -> list[Corpus]:
    """Return the corpus of an entry, or two parts of it from which its time is extrapolated."""
    if entry.share == 1:
        return [entry.corpus]
    return [corpora.head(entry.corpus, entry.share * _SMALLER), corpora.head(entry.corpus, entry.share)]


def _take_part(entry: Entry, row: Row, patience_seconds: float) -> str:
    """Run an entry for one round, add the result to its row, and return it in a few words."""
    taken: list[Timing] = []
    parts = _parts(entry)
    for corpus in parts:
        try:
            taken.append(_once(entry, corpus, patience_seconds))
        except CommandError as error:
            row.verdict = str(error).partition("\n")[0]
            return str(error)
    sizes = [corpus.bytes for corpus in parts]
    whole = _extrapolated(sizes, [timing.seconds for timing in taken], row.corpus_bytes)
    row.seconds.append(float(taken[0].printed.split()[-1]) if entry.measures_itself else whole)
    row.cpu_seconds.append(_extrapolated(sizes, [timing.cpu_seconds for timing in taken], row.corpus_bytes))
    if (mapped := _map_seconds(taken[-1])) is not None:
        row.map_seconds.append(mapped)
    return f"{row.seconds[-1]:.3f} s"


def _once(entry: Entry, corpus: Corpus, patience_seconds: float) -> Timing:
    """Run an entry once; CommandError when it fails, or its results are wrong."""
    who = entry.contestant
    results = corpora.folder() / f"results-{os.getpid()}.json"
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"LANG": "C.UTF-8", "PYTHONPATH": str(_ROOT), **who.environment}
    try:
        command = who.command(corpus.path, results, entry.workers, entry.more)
        timing = timed(command, environment, results, patience_seconds)
        if difference := _difference(results, corpus):
            raise CommandError(difference)
    finally:
        results.unlink(missing_ok=True)
    return timing


def _extrapolated(sizes: Sequence[int], taken: Sequence[float], whole: int) -> float:
    """Return the time for the whole corpus, by a straight line through the times of its parts."""
    if len(sizes) == 1:
        return taken[0]
    (small, large), (first, second) = sizes, taken
    return second + max(0.0, second - first) / max(1, large - small) * (whole - large)


def _difference(results: Path, corpus: Corpus) -> str:
    """Return how results differ from the right ones; "" when they are equal."""
    found: Any = json.loads(results.read_text(encoding="utf-8"))
    if found == corpus.expected:
        return ""
    keys = sorted(key for key in {*found, *corpus.expected} if found.get(key) != corpus.expected.get(key))
    key = keys[0]
    return f"differs in {len(keys)} keys: {key!r} is {found.get(key)} and not {corpus.expected.get(key)}"


def _map_seconds(timing: Timing) -> float | None:
    """Return how long word_counter's map stage took, from its events; None for other contestants."""
    at = {}
    for line in timing.complained.splitlines():
        if line.startswith('{"time"'):
            event = json.loads(line)
            at[event["action"]] = event["time"]
    return at["reducing"] - at["mapping"] if {"mapping", "reducing"} <= at.keys() else None


def as_json(contest: Contest, rows: Sequence[Row]) -> dict[str, Any]:
    """Return a contest in the form that is stored."""
    return {
        "series": contest.series,
        "title": contest.title,
        "axis": contest.axis,
        "rows": [{**asdict(row), "median": row.median} for row in rows],
    }
