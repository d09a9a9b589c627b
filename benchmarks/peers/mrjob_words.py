"""Words by mrjob's local runner, which starts this very file for its tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from mrjob.job import MRJob

from benchmarks.peers.answer import asked, finder, key, write

_FIND = finder()


class Words(MRJob):  # type: ignore[misc]  # mrjob has no types
    """Counts words: mapper, combiner and reducer, as in mrjob's own documentation."""

    def mapper(self, _: None, line: str) -> Iterator[tuple[str, int]]:
        """Yield the words of a line."""
        for word in _FIND(line):
            yield key(word), 1

    def combiner(self, word: str, counts: Iterator[int]) -> Iterator[tuple[str, int]]:
        """Add up what one task counted."""
        yield word, sum(counts)

    def reducer(self, word: str, counts: Iterator[int]) -> Iterator[tuple[str, int]]:
        """Add up what all tasks counted."""
        yield word, sum(counts)


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    job = Words(args=["--runner", "local", "--no-conf", "--num-cores", str(workers), corpus])
    with job.make_runner() as runner:
        runner.run()
        counts = dict(job.parse_output(runner.cat_output()))
    write(counts, results)


if __name__ == "__main__":
    if sys.argv[1].startswith("-"):
        Words.run()
    else:
        main()
