"""The contract of all engines for jobs with several steps, and for params, partitions and order."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import step_jobs
from tests.contract.conftest import EngineUnderTest
from word_counter import UsageError


def _written(folder: Path, text: str) -> Path:
    path = folder / "in.txt"
    path.write_bytes(text.encode())
    return path


def _pairs(folder: Path, *pairs: Any) -> Path:
    return _written(folder, "".join(json.dumps(pair) + "\n" for pair in pairs))


class TestSteps:
    @settings(max_examples=25)
    @given(st.text("abcde\n", max_size=80), st.integers(1, 9), st.integers(1, 5), st.integers(1, 3))
    def test_equal_what_they_say_whatever_the_chunks_and_partitions(
        self,
        engine: EngineUnderTest,
        tmp_path_factory: pytest.TempPathFactory,
        text: str,
        chunk_size: int,
        partitions: int,
        workers: int,
    ) -> None:
        path = _written(tmp_path_factory.mktemp("inputs"), text)

        results = engine.results(
            path, step_jobs.CountsOfCounts, chunk_size=chunk_size, partitions=partitions, workers=workers
        )

        counts = Counter(Counter(text.replace("\n", "")).values())
        expected = {json.dumps([count, "of this count"], separators=(",", ":")): n for count, n in counts.items()}
        assert json.loads(results) == expected

    def test_hand_on_keys_of_every_kind_as_they_are(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        keys = [1.5, True, None, "a", ["a", 1], ["b", None], 2**70, "[0]"]
        path = _pairs(tmp_path, *[[key, number] for number, key in enumerate(keys)])

        results = json.loads(engine.results(path, step_jobs.KeysKept, chunk_size=3))

        texts = ["1.5", "true", "null", "a", '["a",1]', '["b",null]', str(2**70), "[0]"]
        assert results == {text: [[number]] for number, text in enumerate(texts)}

    def test_without_reducers_are_one_map_whose_values_come_as_a_list(
        self, engine: EngineUnderTest, tmp_path: Path
    ) -> None:
        outcome = engine.run(_written(tmp_path, "ab\nb\n"), step_jobs.Fused, chunk_size=1)

        assert outcome.results == {"1": ["a", "a", "b", "b", "b", "b"], "once a task": ["closed"] * 2}
        assert outcome.counters == {"turned": 8}

    def test_name_what_a_mapper_of_pairs_was_at_when_it_failed(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        _, told = engine.failure(_written(tmp_path, "ab\n"), step_jobs.Stumbling, max_attempts=1)

        assert "the results of phase 1, partition" in told
        assert 'pair 1: ["b", 1]' in told
        assert "cannot take b" in told

    def test_go_on_without_the_keys_that_a_reducer_leaves_out(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        path = _written(tmp_path, "aa\nbbc\naddd\nb\nf\n")

        assert json.loads(engine.results(path, step_jobs.Repeats, chunk_size=1)) == {"3": 3}


class TestPartitions:
    @pytest.mark.parametrize("partitions", [1, 2, 5])
    def test_may_be_chosen_by_the_job(self, engine: EngineUnderTest, tmp_path: Path, partitions: int) -> None:
        path = _pairs(tmp_path, ["a", 1], ["z", 2], ["a", 3], [["t", 1], 4])

        results = json.loads(engine.results(path, step_jobs.FirstHalf, partitions=partitions, chunk_size=1))

        assert results == {"a": 4, "z": 2, '["t",1]': 4}

    def test_that_are_not_there_are_an_error_that_names_the_key(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        _, told = engine.failure(_pairs(tmp_path, ["a", 1]), step_jobs.Nowhere, partitions=2)

        assert "partition('a', 2) gave 2, which is none of 0 to 1" in told


def test_values_come_in_the_order_that_a_reducer_asks_for(engine: EngineUnderTest, tmp_path: Path) -> None:
    path = _pairs(tmp_path, ["k", ["c", 3]], ["k", ["a", 1]], ["k", ["b", 2]])

    assert json.loads(engine.results(path, step_jobs.InOrder, chunk_size=1)) == {"k": ["a", "b", "c"]}


class TestParams:
    def test_reach_mapper_and_reducer(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        job = step_jobs.WithParams(params={"least": "2", "times": 0.5, "label": "tall"})

        assert json.loads(engine.results(_written(tmp_path, "a\nbb\nccc\n"), job)) == {"tall": 1.0}

    def test_have_defaults(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        assert json.loads(engine.results(_written(tmp_path, "a\nbb\nccc\n"), step_jobs.WithParams)) == {"long": 1.0}

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            (
                {"most": 1},
                "has no param 'most'; there are least (how long a line must be: a whole number of at least 0)",
            ),
            ({"least": "many"}, "param least of job WithParams must be a whole number of at least 0, not 'many'"),
            ({"least": -1}, "must be a whole number of at least 0, not -1"),
            ({"label": "wide"}, "must be one of long, tall, not 'wide'"),
            ({"pattern": "(a"}, "param pattern of job WithParams cannot be '(a': missing ), unterminated subpattern"),
        ],
    )
    def test_that_are_wrong_are_refused_before_anything_starts(
        self, engine: EngineUnderTest, tmp_path: Path, params: dict[str, Any], told: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            engine.run(_written(tmp_path, "a\n"), step_jobs.WithParams(params=params))

        assert told in str(caught.value)


class TestSideFiles:
    def test_can_be_read_by_mappers_and_reducers(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        (tmp_path / "wanted.txt").write_text("a c\n")
        (tmp_path / "names.csv").write_bytes("a,\u00e4\r\nc,see\n".encode())
        job = step_jobs.WithFiles(files=[tmp_path / "wanted.txt", str(tmp_path / "names.csv")])

        results = json.loads(engine.results(_written(tmp_path, "a b\nc a\n"), job, chunk_size=1))

        assert results == {"a": ["\u00e4", 2], "c": ["see", 1]}

    def test_of_another_run_are_not_mistaken_for_these(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        (tmp_path / "names.csv").write_text("a,x\nb,y\n")
        found = []
        for wanted in ("a", "b"):
            (tmp_path / "wanted.txt").write_text(wanted)
            job = step_jobs.WithFiles(files=[tmp_path / "wanted.txt", tmp_path / "names.csv"])
            found.append(json.loads(engine.results(_written(tmp_path, "a b\n"), job)))

        assert found == [{"a": ["x", 1]}, {"b": ["y", 1]}]

    def test_that_are_missing_or_alike_are_refused(self, engine: EngineUnderTest, tmp_path: Path) -> None:
        text = _written(tmp_path, "a\n")
        for files, told in (
            ([tmp_path / "not there"], "not there, a side file of the job: No such file"),
            ([text, tmp_path / "in.txt"], "two side files are called in.txt"),
        ):
            with pytest.raises(UsageError) as caught:
                engine.run(text, step_jobs.WithFiles(files=files))
            assert told in str(caught.value)
