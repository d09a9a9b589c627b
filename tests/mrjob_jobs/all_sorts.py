"""What the other jobs leave out: keys of every kind, init and final of each part, maps that follow each other."""

from mrjob.job import MRJob
from mrjob.step import MRStep

_KEYS = [None, True, 1, 1.5, "1", "ü", [1, "a"], {"b": [None]}, [], "tab\tand\nnewline"]


class AllSorts(MRJob):
    def steps(self):
        return [
            MRStep(mapper_init=self.begin, mapper=self.numbered, mapper_final=self.end),
            MRStep(
                mapper=self.to_keys,
                combiner_init=self.begin,
                combiner=self.counted,
                combiner_final=self.end_of_combiner,
                reducer=self.summed,
            ),
            MRStep(reducer_init=self.begin, reducer=self.gathered),
            MRStep(mapper=self.again, reducer_init=self.begin, reducer=self.noted, reducer_final=self.total),
        ]

    def begin(self):
        self.seen = 0

    def numbered(self, _, line):
        self.seen += 1
        yield len(line), line

    def end(self):
        yield "lines", self.seen

    def to_keys(self, key, value):
        if key == "lines":
            yield key, value
        else:
            for n, other in enumerate(_KEYS):
                if key % (n + 1) == 0:
                    yield other, n

    def counted(self, key, values):
        self.seen += 1
        yield key, sum(values)

    def end_of_combiner(self):
        if self.seen:
            yield "combined", 0

    def summed(self, key, values):
        total = sum(values)
        yield key, total
        yield [key, key], -total

    def gathered(self, key, values):
        yield "all", [key, sorted(values)]

    def again(self, key, value):
        yield key, value

    def noted(self, key, values):
        for value in values:
            self.seen += 1
            yield value, None

    def total(self):
        yield "noted", self.seen


if __name__ == "__main__":
    AllSorts.run()
