"""Hints: slips in a job's classes that would go by in silence are told, and what is meant so is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests import faulty_jobs, jobs
from word_counter import Job, Mapper, Param, Reducer, Sum
from word_counter.compute.skip_bad_records import SkipBadRecords
from word_counter.compute.stages import run_map, run_reduce
from word_counter.errors import EncodingError, JobLoadError, RecordError
from word_counter.job.mapper import Lines
from word_counter.job.pairs import Pairs
from word_counter.job.step import Step, missing_arguments
from word_counter.loading.job_hints import gives_nothing, hints


class Plain(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield line, 1


class Forgets(Mapper):
    def map(self, line: str) -> Any:
        for word in line.split():
            (word, 1)  # noqa: B018 (the slip)


class ForgetsInChunk(Mapper):
    def map_chunk(self, lines: Lines) -> Any:
        self.found = list(lines)


class OnlyCounts(Mapper):
    def map(self, line: str) -> Any:
        self.count("lines")


class YieldsAtTheEnd(Forgets):
    def close(self) -> Iterable[Any]:
        return [("all", 1)]


class ReturnsPairs(Mapper):
    def map(self, line: str) -> Any:
        if line:
            return [(line, 1)]
        return None


class KeepsNothing(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        self.total = sum(values)


def _job(**attributes: Any) -> Job:
    made: Job = type("Mine", (Job,), {"mapper": Plain, "reducer": Sum, **attributes})()
    return made


class TestHints:
    @pytest.mark.parametrize(
        ("attributes", "said"),
        [
            ({"setings": {}}, "job Mine has setings, which nothing reads; did you mean settings?"),
            ({"input": "a.txt"}, "did you mean inputs?"),
            ({"Params": {}}, "did you mean params?"),
            ({"chunk_size": 5}, 'it is a setting: settings = {"chunk_size": ...}'),
            ({"mapper": type("M", (Plain,), {"set_up": lambda self: None})}, "did you mean setup?"),
            ({"mapper": type("M", (Plain,), {"whole_file": True})}, "did you mean whole_files?"),
            ({"mapper": type("M", (Plain,), {"imput_format": "csv"})}, "did you mean input_format?"),
            ({"reducer": type("R", (Sum,), {"in_input_ordr": True})}, "did you mean in_input_order?"),
            ({"mapper": Forgets}, "mapper Forgets: map has no yield"),
            ({"mapper": ForgetsInChunk}, "map_chunk has no yield"),
            ({"reducer": KeepsNothing}, "reducer KeepsNothing: reduce returns nothing"),
        ],
    )
    def test_say_what_was_meant(self, attributes: dict[str, Any], said: str) -> None:
        (hint,) = hints(_job(**attributes))

        assert said in hint

    @pytest.mark.parametrize(
        "attributes",
        [
            {},
            {"mapper": OnlyCounts},
            {"mapper": YieldsAtTheEnd},
            {"mapper": ReturnsPairs},
            {"inputs": "a.txt", "encoding": "utf-16-le", "colour": "red", "_setings": {}},
            {"mapper": type("M", (Plain,), {"maps": lambda self: None, "closed": True, "words": lambda self: None})},
        ],
    )
    def test_say_nothing_of_what_may_be_meant(self, attributes: dict[str, Any]) -> None:
        assert hints(_job(**attributes)) == []

    def test_are_given_of_later_steps_too(self) -> None:
        class Second(Mapper):
            def map_pair(self, key: Any, value: Any) -> Any:
                (key, value)  # noqa: B018 (the slip)

        (hint,) = hints(type("Mine", (Job,), {"steps": (Step(Plain, Sum), Step(Second, Sum))})())

        assert "mapper Second: map_pair has no yield" in hint

    @pytest.mark.parametrize("module", [jobs, faulty_jobs])
    def test_are_not_given_of_jobs_that_are_fine(self, module: Any) -> None:
        known = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Job)]

        made = [cls() for cls in known if cls is not Job and not missing_arguments(cls)]
        assert [hint for job in made for hint in hints(job)] == []


def test_code_tells_what_gives_nothing() -> None:
    def returns_late(line: str) -> Any:
        with open(line) as file:
            if line:
                return None
            return file

    def only_raises(line: str) -> Any:
        raise ValueError(line)

    def nothing_in_all_ways(line: str) -> None:
        try:
            if line:
                return
        finally:
            line.strip()
        for _ in line:
            return

    assert gives_nothing(nothing_in_all_ways)
    assert not any(map(gives_nothing, (returns_late, only_raises, lambda line: line, Plain.map, print, None)))


class TestMissing:
    @pytest.mark.parametrize(
        ("attributes", "said"),
        [
            ({"mapper": None, "maper": Plain}, "it has maper: did you mean mapper"),
            ({"mapper": None, "words": Plain}, "it has words: did you mean mapper"),
            ({"reducer": None, "reduce": Sum}, "it has reduce: did you mean reducer"),
            ({"mapper": type("M", (Mapper,), {"mapp": Plain.map})}, "it has mapp: did you mean map?"),
            (
                {"reducer": type("R", (Reducer,), {"redcue": KeepsNothing.reduce})},
                "it has redcue: did you mean reduce?",
            ),
        ],
    )
    def test_names_are_told_with_what_is_there_instead(self, attributes: dict[str, Any], said: str) -> None:
        with pytest.raises(JobLoadError) as caught:
            _job(**attributes)

        assert said in str(caught.value)

    def test_nothing_is_guessed_of_other_attributes(self) -> None:
        with pytest.raises(JobLoadError) as caught:
            _job(mapper=None, colour="red")

        assert "did you mean" not in str(caught.value)

    def test_a_role_of_a_job_built_in_place_too(self) -> None:
        with pytest.raises(JobLoadError, match="it has maper: did you mean mapper"):
            Job(maper=Plain, reducer=Sum)

    def test_a_reduce_that_yields_is_refused(self) -> None:
        class Yields(Reducer):
            def reduce(self, key: Any, values: Iterable[Any]) -> Any:
                yield sum(values)

        with pytest.raises(JobLoadError, match="reduce has a yield"):
            Job(mapper=Plain, reducer=Yields)


class TestReturned:
    @pytest.mark.parametrize(
        ("method", "given"),
        [
            ("map", {"word": 1}),  # a whole chunk may be a dict
            *((m, given) for m in ("map", "map_chunk") for given in (("word", 1), 7, 0, "word", b"x", True, object())),
        ],
    )
    def test_in_place_of_yielded_is_told_so(self, method: str, given: Any) -> None:
        mapper = type("Mine", (Mapper,), {method: lambda self, line: given})

        with pytest.raises(EncodingError, match=rf"(?s)in\.txt.*{method} returned .*; write: yield key, value"):
            run_map(Job(mapper=mapper, reducer=Sum).phases()[0], Lines(b"a\n", "in.txt"), 2)

    @pytest.mark.parametrize("given", [None, [], (), [("a", 1), ("a", 1)], (("a", 1), ("a", 1)), iter([("a", 2)])])
    def test_as_an_iterable_of_pairs_is_taken(self, given: Any) -> None:
        mapper = type("Mine", (Mapper,), {"map": lambda self, line: given})

        output = run_map(Job(mapper=mapper, reducer=Sum).phases()[0], Lines(b"a\n", "in.txt"), 1)

        assert output.partials == ({0: '{"a":2}'} if given else {})

    def test_of_a_pair_is_told_likewise(self) -> None:
        mapper = type("Mine", (Mapper,), {"map_pair": lambda self, key, value: (key, value)})
        job = type("Steps", (Job,), {"steps": (Step(Plain, Sum), Step(mapper, Sum))})()

        with pytest.raises(EncodingError, match=r"map_pair returned \('a', 1\)"):
            run_map(job.phases()[1], Pairs([("a", 1)], "pairs"), 2)


class Doubles(Mapper):
    def map(self, line: str) -> Iterator[tuple[str, int]]:
        yield line, 2 * int(self.params["n"])


class Limits(Reducer):
    def reduce(self, key: Any, values: Iterable[Any]) -> Any:
        return min(*values, self.params["n"])


class TestUndeclaredParams:
    @pytest.mark.parametrize(
        ("params", "told"), [({}, "it declares none"), ({"m": Param(5), "text": Param("")}, "it declares m, text")]
    )
    def test_are_told_with_those_that_there_are_and_are_no_bad_records(self, params: Any, told: str) -> None:
        job = made_of(Doubles, Sum, params)
        (phase,) = job.phases(job.param_values())

        with pytest.raises(RecordError, match=f"the job has no param 'n': {told}; give it params = ") as caught:
            run_map(phase, Lines(b"a\n"), 1, SkipBadRecords(limit=9))
        assert isinstance(caught.value.__cause__, KeyError)

    def test_of_a_reducer_are_told_likewise(self) -> None:
        job = made_of(Plain, Limits, {"m": Param(5)})
        (phase,) = job.phases(job.param_values())

        with pytest.raises(RecordError, match=r"Limits failed for the key 'a'[\s\S]*no param 'n': it declares m;"):
            list(run_reduce(phase, ['{"a":[1]}'], {}))


def made_of(mapper: type[Mapper], reducer: type[Reducer], params: Any) -> Any:
    return type("Made", (Job,), {"mapper": mapper, "reducer": reducer, "params": params})()
