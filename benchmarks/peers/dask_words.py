"""Words by a Dask bag on processes."""

from __future__ import annotations

import re

from dask import bag

from benchmarks.peers.answer import RULE, asked, write


def words(line: str) -> list[str]:
    """Return the words of a line."""
    found: list[str] = re.findall(RULE, line.lower())
    return found


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    counts = bag.read_text(corpus, blocksize="8MiB").map(words).flatten().frequencies()
    write(dict(counts.compute(scheduler="processes", num_workers=workers)), results)


if __name__ == "__main__":
    main()
