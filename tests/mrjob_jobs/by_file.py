"""What tasks learn from their environment and from the folder that they work in."""

import os

from mrjob.compat import jobconf_from_env
from mrjob.job import MRJob

_IDS = ("mapreduce_job_id", "mapreduce_task_id", "mapreduce_task_attempt_id", "mapred_job_id", "mapred_tip_id")


class ByFile(MRJob):
    FILES = ["stop_words.txt#stop.txt"]
    JOBCONF = {"my.flag": True, "my.conf": "of the class"}

    def mapper_init(self):
        with open("stop.txt") as file:
            self.stop = set(file.read().split())

    def mapper(self, _, line):
        name = os.path.basename(os.environ["mapreduce_map_input_file"])
        assert os.path.basename(jobconf_from_env("map.input.file")) == name
        for word in line.split():
            if word not in self.stop:
                yield [name, os.environ["GREETING"], os.environ["mapreduce_task_ismap"]], 1

    def combiner(self, key, counts):
        yield [*key, os.environ["mapred_task_is_map"]], sum(counts)

    def reducer(self, key, counts):
        known = [name for name in _IDS if os.environ.get(name)]
        facts = [jobconf_from_env("my.flag"), jobconf_from_env("my.conf"), "map_input_file" in os.environ]
        yield key, [sum(counts), known, facts, sorted(os.listdir("."))]


if __name__ == "__main__":
    ByFile.run()
