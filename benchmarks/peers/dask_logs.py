"""Log lines by a Dask bag on processes."""

from __future__ import annotations

from operator import itemgetter

from dask import bag

from benchmarks.peers.answer import asked, log_key, write


def pair(line: str) -> tuple[tuple[str, str], int]:
    """Return what one line says."""
    _, service, level, _ = line.split(" ", 3)
    return (service, level), 1


def add_pair(total: int, one: tuple[tuple[str, str], int]) -> int:
    """Add a pair's number."""
    return total + one[1]


def add(left: int, right: int) -> int:
    """Add what two blocks came to."""
    return left + right


def main() -> None:
    """Count the lines of each service and level."""
    corpus, results, workers = asked()
    pairs = bag.read_text(corpus, blocksize="8MiB").map(pair)
    counts = pairs.foldby(itemgetter(0), add_pair, 0, add, 0)
    total = counts.compute(scheduler="processes", num_workers=workers)
    write({log_key(*key): n for key, n in total}, results)


if __name__ == "__main__":
    main()
