"""Jobs whose results depend on what they must not depend on, and some that only look like it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from typing import Any

from tests.jobs import FailsAtBoom
from tests.step_jobs import ByCount, Letters
from word_counter import Collect, Count, Job, Mapper, Param, Reducer, Step, Sum, Values


class KeyAndNumber(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        key, number = line.split()
        yield key, int(number)


class PlainMean(Reducer):
    def reduce(self, key: Any, values: Iterable[float]) -> float:
        numbers = list(values)
        return sum(numbers) / len(numbers)

    def combine(self, key: Any, values: Iterable[float]) -> float:
        return self.reduce(key, values)


class MeanOfMeans(Job):
    mapper, reducer = KeyAndNumber, PlainMean


class OtherKind(Reducer):
    """Its combine cannot take what it returned."""

    def combine(self, key: Any, values: Iterable[Any]) -> Any:
        numbers = list(values)
        return [sum(numbers), len(numbers)]

    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        pairs = list(values)
        return sum(total for total, _ in pairs) / sum(n for _, n in pairs)


class CombinesOnce(Job):
    mapper, reducer = KeyAndNumber, OtherKind


class First(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return next(iter(values))


class KeepsTheFirst(Job):
    mapper, reducer = KeyAndNumber, First


class FirstOfTheInput(First):
    in_input_order = True


class KeepsTheFirstOfTheInput(Job):
    mapper, reducer = KeyAndNumber, FirstOfTheInput


class Smallest(First):
    def order(self, value: Any) -> Any:
        return value


class KeepsTheSmallest(Job):
    mapper, reducer = KeyAndNumber, Smallest


class ListsInInputOrder(Job):
    mapper, reducer = KeyAndNumber, Values


class Hashing(Mapper):
    def map(self, line: str) -> Iterator[tuple[int, int]]:
        yield hash(line) % 1000, 1


class Hashes(Job):
    mapper, reducer = Hashing, Sum


class OrderOfASet(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, str]]:
        for letter in set("abcdefghij"):
            yield "letters", letter


class ListsASet(Job):
    mapper, reducer = OrderOfASet, Values


class CollectsASet(Job):
    mapper, reducer = OrderOfASet, Collect


class Sampling(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        if random.random() < 0.5:
            yield line, 1


class Samples(Job):
    mapper, reducer = Sampling, Sum


class Pids(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield "pid", os.getpid()


class NamesItsProcess(Job):
    mapper, reducer = Pids, Collect


class RandomResult(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return random.random()


class Dices(Job):
    mapper, reducer = KeyAndNumber, RandomResult


class Setting(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, Any]]:
        yield "words", set(line.split())


class YieldsASet(Job):
    mapper, reducer = Setting, Collect


class CountsSets(Job):
    """Of a value that does not travel nothing is asked."""

    mapper, reducer = Setting, Count


class Differing(Mapper):
    """Carries a number from line to line."""

    def setup(self) -> None:
        self.before = 0

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        key, number = line.split()
        yield key, int(number) - self.before
        self.before = int(number)


class CarriesOn(Job):
    mapper, reducer = Differing, Sum


class Gathering(Mapper):
    """Carries sums from line to line, which does not show."""

    def setup(self) -> None:
        self.sums: dict[str, int] = {}

    def map(self, line: str) -> Iterable[tuple[str, int]]:
        key, number = line.split()
        self.sums[key] = self.sums.get(key, 0) + int(number)
        return ()

    def close(self) -> Iterable[tuple[str, int]]:
        return self.sums.items()


class GathersInTheMapper(Job):
    mapper, reducer = Gathering, Sum


class WhereFrom(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, Any]]:
        yield line.split(maxsplit=1)[0], f"{os.path.basename(self.source)}:{self.line_number}"


class Indexes(Job):
    mapper, reducer = WhereFrom, Collect


class HashedPartition(Job):
    mapper, reducer = KeyAndNumber, Sum

    def partition(self, key: Any, n: int) -> int:
        return hash(key) % n


class FloatSum(Reducer):
    def combine(self, key: Any, values: Iterable[float]) -> float:
        return sum(values)

    def reduce(self, key: Any, values: Iterable[float]) -> float:
        return sum(value / 10 for value in values)


class AddsFloats(Job):
    mapper, reducer = KeyAndNumber, FloatSum


class SecondStepKeepsTheFirst(Job):
    steps = (Step(Letters, Sum), Step(ByCount, First))


class FailsAt17(FailsAtBoom):
    at = "17"


class RaisesAt17(Job):
    mapper, reducer = FailsAt17, Sum


class Exiting(KeyAndNumber):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        if line.endswith(" 17"):
            os._exit(7)
        return super().map(line)


class Spinning(KeyAndNumber):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        while line.endswith(" 0"):  # the first record, which is in every part of a sample
            pass
        yield from super().map(line)


class HangsAt0(Job):
    mapper, reducer = Spinning, Sum


class ExitsAt17(Job):
    mapper, reducer = Exiting, Sum


class Refusing(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        raise ValueError(key)


class RaisesInReduce(Job):
    mapper, reducer = KeyAndNumber, Refusing


class ThatParam(First):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return max(values) if self.params["how"] == "max" else next(iter(values))


class FirstOrMax(Job):
    mapper, reducer = KeyAndNumber, ThatParam
    params = {"how": Param("max", choices=("max", "first"))}  # noqa: RUF012
