"""Jobs that tests run on every engine. They are in a module, so that worker processes can import them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from word_counter import Collect, Count, Job, Lines, Mapper, Max, Mean, Min, Reducer, Sum, TopN, Unique


class JsonPairs(Mapper):
    """Each line is a JSON list [key, value]; a list as key becomes a tuple."""

    def map(self, line: str) -> Iterator[tuple[Any, Any]]:
        key, value = json.loads(line)
        yield tuple(key) if isinstance(key, list) else key, value


class Values(Reducer):
    """All values of a key, in the order they arrive."""

    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return list(values)


class LongestText(Reducer):
    """The longest text of a key, with a ``combine`` of its own."""

    def reduce(self, key: Any, values: Iterable[str]) -> str:
        return max(values, key=lambda text: (len(text), text))

    def combine(self, key: Any, values: Iterable[str]) -> str:
        return self.reduce(key, values)


class Summing(Job):
    mapper, reducer = JsonPairs, Sum


class Counting(Job):
    mapper, reducer = JsonPairs, Count


class Smallest(Job):
    mapper, reducer = JsonPairs, Min


class Largest(Job):
    mapper, reducer = JsonPairs, Max


class Averaging(Job):
    mapper, reducer = JsonPairs, Mean


class Distinct(Job):
    mapper, reducer = JsonPairs, Unique


class Collecting(Job):
    mapper, reducer = JsonPairs, Collect


class TopThree(TopN):
    n = 3


class Topping(Job):
    mapper, reducer = JsonPairs, TopThree


class Ordering(Job):
    mapper, reducer = JsonPairs, Values


class Longest(Job):
    mapper, reducer = JsonPairs, LongestText


class Chosen(Job):
    """Takes arguments, which stay with it: workers make its mapper and its reducer by themselves."""

    mapper, reducer = JsonPairs, Values

    def __init__(self, *, longest: bool) -> None:
        super().__init__(reducer=LongestText if longest else Values)


class FullMapper(Mapper):
    """Uses all that a mapper may: setup, close with last pairs, counters, the place of a line."""

    def setup(self) -> None:
        self.seen = 0

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        self.seen += 1
        self.count("lines seen")
        if not line:
            self.count("empty", 2)
        yield f"{self.source.rpartition('/')[2]}:{self.line_number}", 1

    def close(self) -> Iterator[tuple[str, int]]:
        yield "seen", self.seen


class FullReducer(Reducer):
    def setup(self) -> None:
        self.factor = 10

    def reduce(self, key: str, values: Iterable[int]) -> int:
        self.count("keys reduced")
        return sum(values) * self.factor


class Full(Job):
    mapper, reducer = FullMapper, FullReducer


class WholeChunks(Mapper):
    def map_chunk(self, lines: Lines) -> Iterator[tuple[str, int]]:
        yield "lines", len(lines)
        yield "letters", sum(map(len, lines))


class ByChunk(Job):
    mapper, reducer = WholeChunks, Sum


class Shouting(Mapper):
    """Prints; what user code prints is not a result."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        print("a line came by:", line)  # noqa: T201
        yield line, 1


class Shouter(Job):
    mapper, reducer = Shouting, Sum


class FailsAtBoom(Mapper):
    at = "boom"

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        if self.at in line:
            message = f"cannot digest {line}"
            raise ValueError(message)
        yield line, 1


class Failing(Job):
    mapper, reducer = FailsAtBoom, Sum


class LeavesAtBoom(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        if "boom" in line:
            sys.exit(0)
        yield line, 1


class Leaving(Job):
    mapper, reducer = LeavesAtBoom, Sum


class ReducerFailsAtBoom(Reducer):
    def reduce(self, key: str, values: Iterable[Any]) -> int:
        if key == "boom":
            message = "cannot reduce this"
            raise LookupError(message)
        return len(list(values))


class FailingReduce(Job):
    mapper, reducer = FailsAtBoom, ReducerFailsAtBoom


class Pythonic(Mapper):
    """Each line is a Python expression for a key and a value that JSON may not hold."""

    def map(self, line: str) -> Iterator[tuple[Any, Any]]:
        yield eval(line, {"nan": float("nan"), "inf": float("inf")})


class Evaluated(Job):
    mapper, reducer = Pythonic, Collect


class PythonicReducer(Reducer):
    def reduce(self, key: str, values: Iterable[Any]) -> Any:
        return eval(key, {"nan": float("nan")})


class BadResults(Job):
    mapper, reducer = FailsAtBoom, PythonicReducer


class Cities(Mapper):
    input_format = "csv"

    def map(self, record: dict[str, str]) -> Iterator[tuple[str, int]]:
        yield record["city"], int(record["people"])


class People(Job):
    mapper, reducer = Cities, Sum
