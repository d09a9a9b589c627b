"""Which word follows which how often, and in how many of a hundred cases: values that come sorted, totals first."""

import re
from itertools import pairwise

from mrjob.job import MRJob
from mrjob.step import MRStep


class NextWord(MRJob):
    SORT_VALUES = True

    def steps(self):
        return [
            MRStep(mapper=self.neighbours, combiner=self.added, reducer=self.by_word),
            MRStep(reducer=self.shares),
        ]

    def neighbours(self, _, line):
        words = re.findall(r"[a-z']+", line.lower())
        for word, following in pairwise(words):
            yield [word, None], 1
            yield [word, following], 1

    def added(self, pair, counts):
        yield pair, sum(counts)

    def by_word(self, pair, counts):
        word, following = pair
        kind = "0 total" if following is None else "1 pair"
        yield word, [kind, following, sum(counts)]

    def shares(self, word, values):
        total = next(values)[2]
        for _, following, count in values:
            yield [word, following], {"count": count, "percent": round(100 * count / total, 3)}


if __name__ == "__main__":
    NextWord.run()
