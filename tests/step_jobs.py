"""Jobs of several steps that tests run on every engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.jobs import JsonPairs
from word_counter import LEFT_OUT, Job, Mapper, Param, Reducer, Step, Sum, Values


class Letters(Mapper):
    def map(self, line: str) -> Iterator[tuple[Any, Any]]:
        for letter in line:
            yield letter, 1


class ByCount(Mapper):
    """Turns a pair round; what it reads comes out of a reducer, or straight out of another mapper."""

    def map_pair(self, key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
        self.count("turned")
        yield value, key


class Doubled(Mapper):
    def map_pair(self, key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
        yield key, value
        yield key, value

    def close(self) -> Iterator[tuple[Any, Any]]:
        yield "closed", "once a task"


class Sorted(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> list[Any]:
        return sorted(values)


class LettersByCount(Job):
    """Count letters, then list them by their count."""

    steps = (Step(Letters, Sum), Step(ByCount, Sorted))


class Length(Mapper):
    def map_pair(self, key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
        yield (key, "of this count"), len(value)


class CountsOfCounts(Job):
    """Three phases: how many letters there are of each count."""

    steps = (Step(Letters, Sum), Step(ByCount), Step(reducer=Sorted), Step(Length, Sum))


class KeysKept(Job):
    """The keys of any kind go through two phases as they are."""

    steps = (Step(JsonPairs, Values), Step(reducer=Values))


class Fused(Job):
    """Mappers that follow each other, and no reducer at all."""

    steps = (Step(Letters), Step(Doubled), Step(ByCount))


class Newest(Reducer):
    """Reads its values in the order of the second part of each."""

    def order(self, value: Any) -> Any:
        return value[1]

    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return [value[0] for value in values]


class InOrder(Job):
    mapper, reducer = JsonPairs, Newest


class FirstHalf(Job):
    """Chooses the partition of a key by itself."""

    mapper, reducer = JsonPairs, Sum

    def partition(self, key: Any, n: int) -> int:
        return 0 if str(key) < "m" else n - 1


class Nowhere(Job):
    mapper, reducer = JsonPairs, Sum

    def partition(self, key: Any, n: int) -> int:
        return n


class Above(Mapper):
    def map(self, line: str) -> Iterator[tuple[Any, Any]]:
        if len(line) >= self.params["least"]:
            yield self.params["label"], 1


class Times(Reducer):
    def reduce(self, key: Any, values: Iterable[int]) -> Any:
        return sum(values) * self.params["times"]


class WithParams(Job):
    mapper, reducer = Above, Times
    params = {  # noqa: RUF012
        "least": Param(3, "how long a line must be", least=0),
        "label": Param("long", "what it is called", choices=("long", "tall")),
        "times": Param(1.0),
        "pattern": Param("", "what it is like", check=re.compile),
    }


class AsKey(Mapper):
    def map_pair(self, key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
        yield value, 1


class SeenTwice(Reducer):
    def reduce(self, key: Any, values: Iterable[int]) -> Any:
        n = sum(values)
        return n if n > 1 else LEFT_OUT


class Repeats(Job):
    """Keys are left out of the results of a step that is mapped on, and of the last one."""

    steps = (Step(Letters, SeenTwice), Step(AsKey, SeenTwice))


class Picky(Mapper):
    def map_pair(self, key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
        if key == "b":
            message = "cannot take b"
            raise ValueError(message)
        yield key, value


class Stumbling(Job):
    steps = (Step(Letters, Sum), Step(Picky, Sum))


class Listed(Mapper):
    """Keeps the words that a side file lists."""

    def setup(self) -> None:
        self.wanted = set(self.files["wanted.txt"].read_text().split())

    def map(self, line: str) -> Iterator[tuple[Any, Any]]:
        for word in line.split():
            if word in self.wanted:
                yield word, 1


class Named(Reducer):
    """Gives a key the name that a side file has for it."""

    def reduce(self, key: Any, values: Iterable[int]) -> Any:
        with self.files["names.csv"].open() as file:
            names = dict(line.rstrip().split(",") for line in file)
        return names[key], sum(values)


class WithFiles(Job):
    mapper, reducer = Listed, Named
