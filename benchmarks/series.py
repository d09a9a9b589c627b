"""The series: the contests, and the entries of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks import contestants, corpora
from benchmarks.contest import Contest, Entry
from benchmarks.contestants import Contestant
from benchmarks.corpora import MEGABYTE, Corpus

_SIZES_MB, _LARGE_SIZES_MB = (1, 10, 100, 250), (1000, 4000)
_WORKERS = (1, 2, 4)
_CHUNK_LINES = (1_000, 5_000, 20_000, 50_000, 200_000)
_NOOP_CHUNKS = 5_000
_TINY = "A mill stood by the river, and it didn't grind wheat.\nIt ground sentences.\n"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure.

    Attributes:
        megabytes: the size of the corpora, where a series does not set it.
        own_text: a text to be used in place of the corpora of words; empty: none.
        workers: how many workers each gets, where a series does not set it.
        large: follow sizes to some thousand megabytes.
        only: the names of those who take part; none: all.
    """

    megabytes: float
    own_text: str
    workers: int
    large: bool = False
    only: frozenset[str] = frozenset()

    def words(self) -> Corpus:
        """Return the corpus of words."""
        return corpora.given(self.own_text) if self.own_text else corpora.made("words", self._bytes)

    def ascii_words(self) -> Corpus:
        """Return the corpus of ASCII words."""
        return corpora.made("ascii", self._bytes)

    def logs(self) -> Corpus:
        """Return the corpus of log lines."""
        return corpora.made("logs", self._bytes)

    def wanted(self, among: Sequence[Contestant]) -> list[Contestant]:
        """Return those who take part."""
        return [contestant for contestant in among if not self.only or contestant.name in self.only]

    @property
    def _bytes(self) -> int:
        return int(self.megabytes * MEGABYTE)


def _size(corpus: Corpus) -> str:
    return f"{corpus.bytes / MEGABYTE:,.0f} MB" if corpus.bytes >= MEGABYTE else f"{corpus.bytes:,} bytes"


def _peers(wish: Wish) -> Iterator[Contest]:
    def contest(what: str, corpus: Corpus, among: Sequence[Contestant]) -> Contest:
        entries = [Entry(contestant, corpus, wish.workers) for contestant in wish.wanted(among)]
        return Contest("peers", f"{what}, {_size(corpus)}, {wish.workers} workers", entries)

    words = wish.words()
    yield contest("Words", words, contestants.WORDS)
    if not words.ascii:
        yield contest("Words, ASCII only", wish.ascii_words(), contestants.WORDS)
    yield contest("Log lines by a Python function", wish.logs(), contestants.LOGS)


def _sizes(wish: Wish) -> Iterator[Contest]:
    among = [contestant for contestant in contestants.WORDS if contestant.name in contestants.FOLLOWED]
    for megabytes in _SIZES_MB + (_LARGE_SIZES_MB if wish.large else ()):
        corpus = corpora.made("ascii", megabytes * MEGABYTE)
        entries = [Entry(contestant, corpus, wish.workers, megabytes) for contestant in wish.wanted(among)]
        yield Contest("size", f"Words, ASCII only, {megabytes:,} MB, {wish.workers} workers", entries, "MB")


def _workers(wish: Wish) -> Iterator[Contest]:
    for what, corpus, among in (
        ("Words", wish.words(), (contestants.OURS, contestants.POOL)),
        ("Log lines", wish.logs(), (contestants.OURS_LOGS, contestants.POOL_LOGS)),
    ):
        entries = [Entry(who, corpus, number, number) for number in _WORKERS for who in wish.wanted(among)]
        yield Contest("workers", f"{what}, {_size(corpus)}, by workers", entries, "workers")


def _chunks(wish: Wish) -> Iterator[Contest]:
    for what, corpus, who in (
        ("Words", wish.words(), contestants.OURS),
        ("Log lines", wish.logs(), contestants.OURS_LOGS),
    ):
        entries = [
            Entry(one, corpus, wish.workers, lines, ("--chunk-size", str(lines)))
            for lines in _CHUNK_LINES
            for one in wish.wanted([who])
        ]
        yield Contest("chunks", f"{what}, {_size(corpus)}, by chunk size", entries, "lines a chunk")


def _noop(wish: Wish) -> Iterator[Contest]:
    corpus = corpora.numbered(_NOOP_CHUNKS)
    entries = [
        Entry(who, corpus, number, number, ("--chunk-size", "1"))
        for number in _WORKERS
        for who in wish.wanted([contestants.OURS_NOTHING])
    ]
    yield Contest("noop", f"{_NOOP_CHUNKS:,} chunks of one line with nothing to do, by workers", entries, "workers")


def _latency(wish: Wish) -> Iterator[Contest]:
    path = corpora.folder() / "tiny.txt"
    path.write_text(_TINY)
    corpus = corpora.given(str(path))
    among = [who for who in contestants.WORDS if who.share == 1]
    entries = [Entry(who, corpus, wish.workers) for who in wish.wanted(among)]
    entries += [Entry(who, corpus, wish.workers, measures_itself=True) for who in wish.wanted([contestants.WARM])]
    yield Contest("latency", "Two lines, from command to results", entries)


#: The series by name; each yields its contests, whose corpora are made as they are reached.
SERIES: dict[str, Callable[[Wish], Iterator[Contest]]] = {
    "peers": _peers,
    "latency": _latency,
    "noop": _noop,
    "workers": _workers,
    "chunks": _chunks,
    "size": _sizes,
}
