"""The most used word that is long enough: two steps, an option, and counters."""

import re

from mrjob.job import MRJob
from mrjob.step import MRStep


class MostUsedWord(MRJob):
    def configure_args(self):
        super().configure_args()
        self.add_passthru_arg("--least", type=int, default=1, help="how long a word must be")

    def steps(self):
        return [
            MRStep(mapper_init=self.learn, mapper=self.words, combiner=self.added, reducer=self.totals),
            MRStep(reducer=self.best),
        ]

    def learn(self):
        self.pattern = re.compile(rf"\w{{{self.options.least},}}")

    def words(self, _, line):
        self.set_status("reading words")
        for word in self.pattern.findall(line):
            self.increment_counter("words", "long enough")
            yield word.lower(), 1

    def added(self, word, counts):
        yield word, sum(counts)

    def totals(self, word, counts):
        self.increment_counter("words", "distinct")
        yield None, (sum(counts), word)

    def best(self, _, counts):
        count, word = max(counts)
        yield word, count


if __name__ == "__main__":
    MostUsedWord.run()
