"""How often each word occurs: one step with a combiner."""

import re

from mrjob.job import MRJob

_WORD = re.compile(r"[^\W_]+")


class WordFreq(MRJob):
    def mapper(self, _, line):
        for word in _WORD.findall(line):
            yield word.lower(), 1

    def combiner(self, word, counts):
        yield word, sum(counts)

    def reducer(self, word, counts):
        yield word, sum(counts)


if __name__ == "__main__":
    WordFreq.run()
