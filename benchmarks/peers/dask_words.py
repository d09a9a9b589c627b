"""Words by a Dask bag on processes."""

from __future__ import annotations

from dask import bag

from benchmarks.peers.answer import asked, finder, key, write

_FIND = finder()


def words(line: str) -> list[str]:
    """Return the words of a line."""
    return [key(word) for word in _FIND(line)]


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    counts = bag.read_text(corpus, blocksize="8MiB").map(words).flatten().frequencies()
    write(dict(counts.compute(scheduler="processes", num_workers=workers)), results)


if __name__ == "__main__":
    main()
