"""How many lines each service wrote at each level: `word-counter run examples/logs/ --job examples/my_job.py`."""

from collections.abc import Iterator

from word_counter import Job, Mapper, Sum


class LevelOfService(Mapper):
    """Yields, for each line, its service and its level."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        _, _, service, level, *_ = line.split()
        yield f"{service} {level}", 1


class Levels(Job):
    """Adds the lines up."""

    mapper = LevelOfService
    reducer = Sum
