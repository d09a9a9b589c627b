"""Words by the standard library: a multiprocessing.Pool over byte ranges, a regular expression and a Counter."""

from __future__ import annotations

from collections import Counter
from multiprocessing import Pool

from benchmarks.peers.answer import asked, finder, key, ranges, text_of, write

_FIND = finder()


def count(place: tuple[str, int, int]) -> Counter[str]:
    """Count the words of a range."""
    words: Counter[str] = Counter()
    for word, n in Counter(_FIND(text_of(place))).items():
        words[key(word)] += n
    return words


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    total: Counter[str] = Counter()
    with Pool(workers) as pool:
        for counts in pool.imap_unordered(count, ranges(corpus)):
            total.update(counts)
    write(total, results)


if __name__ == "__main__":
    main()
