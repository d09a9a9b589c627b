"""Commands in the place of functions, and before them; two classes, of which the guard says which is run."""

from mrjob.job import MRJob
from mrjob.step import MRStep


class Words(MRJob):
    def words(self, _, line):
        for word in line.split():
            yield word, 1

    def total(self, word, counts):
        self.increment_counter("words", "distinct")
        yield word, sum(counts)


class Commands(Words):
    def steps(self):
        return [
            MRStep(mapper_cmd="tr A-Z a-z"),
            MRStep(
                mapper_pre_filter="grep -v night | sed s/crown/king/",
                mapper=self.words_of_line,
                combiner_cmd="cat",
                reducer=self.total,
            ),
            MRStep(reducer_cmd="sort -r"),
        ]

    def words_of_line(self, line, _):
        yield from self.words(None, line or "")

    def pick_protocols(self, step_num, step_type):
        read, write = super().pick_protocols(step_num, step_type)
        if (step_num, step_type) == (1, "mapper"):
            return (lambda line: (line.decode(), None)), write
        return read, write


if __name__ == "__main__":
    Commands.run()
