"""Page rank: as many steps as an option says, over pages with their links, and a map at the end."""

from mrjob.job import MRJob
from mrjob.protocol import JSONProtocol
from mrjob.step import MRStep


class PageRank(MRJob):
    INPUT_PROTOCOL = JSONProtocol

    def configure_args(self):
        super().configure_args()
        self.add_passthru_arg("--rounds", type=int, required=True)
        self.add_passthru_arg("--damping", type=float, default=0.85)

    def steps(self):
        return [MRStep(mapper=self.send, reducer=self.receive)] * self.options.rounds + [MRStep(mapper=self.rounded)]

    def send(self, page, node):
        yield page, ["links", node["links"]]
        for link in node["links"]:
            yield link, ["score", node["score"] / len(node["links"])]

    def receive(self, page, values):
        links, score = [], 0.0
        for kind, value in values:
            if kind == "links":
                links = value
            else:
                score += value
        yield page, {"links": links, "score": 1 - self.options.damping + self.options.damping * score}

    def rounded(self, page, node):
        yield page, round(node["score"], 6)


if __name__ == "__main__":
    PageRank.run()
