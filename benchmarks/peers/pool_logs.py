"""Log lines by the standard library: a multiprocessing.Pool over byte ranges, and the function that the mapper has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool

from benchmarks.peers.answer import asked, log_key, ranges, text_of, write


def pairs(line: str) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield what one line says."""
    _, service, level, _ = line.split(" ", 3)
    yield (service, level), 1


def count(place: tuple[str, int, int]) -> Counter[tuple[str, str]]:
    """Add up the pairs of a range."""
    total: Counter[tuple[str, str]] = Counter()
    for line in text_of(place).splitlines():
        for key, n in pairs(line):
            total[key] += n
    return total


def main() -> None:
    """Count the lines of each service and level."""
    corpus, results, workers = asked()
    total: Counter[tuple[str, str]] = Counter()
    with Pool(workers) as pool:
        for counts in pool.imap_unordered(count, ranges(corpus)):
            total.update(counts)
    write({log_key(*key): n for key, n in total.items()}, results)


if __name__ == "__main__":
    main()
