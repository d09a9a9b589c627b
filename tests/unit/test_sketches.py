"""Sketches: as near to the true value as promised, and the same in any order of merging."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("datasketches", reason="no wheel for this Python: pip install 'word-counter-mapreduce[sketches]'")

from word_counter.errors import JobLoadError
from word_counter.loading.job_reference import make_job
from word_counter.sketches import DistinctSketch, PercentileSketch, check_percentiles, nearest_rank


def _distinct(groups: Sequence[Sequence[int]], *, early: bool) -> dict[str, int]:
    packed = []
    for group in groups:
        sketch = DistinctSketch()
        for value in group:
            sketch.add(f"v{value}")
        packed.append(sketch.pack())
        if early:  # as when values are folded before the last ones are there
            packed = [DistinctSketch.merged(packed).pack()]
    return DistinctSketch.merged(packed).result()


#: Numbers of values around where sketches of their kind take another form.
_SIZES = st.sampled_from([0, 1, 2, 10, 200, 300, 400, 500, 800, 3_000])


class TestDistinct:
    @settings(max_examples=60)
    @given(_SIZES, st.randoms(use_true_random=False), st.integers(1, 9), st.booleans())
    def test_is_the_same_in_whatever_order_and_groups_values_come(
        self,
        n: int,
        dice: Any,
        groups: int,
        early: bool,  # noqa: FBT001 (hypothesis passes it so)
    ) -> None:
        values = [*range(n), *dice.choices(range(n), k=n // 2)] if n else []
        dice.shuffle(values)

        assert _distinct([values[g::groups] for g in range(groups)], early=early) == _distinct([range(n)], early=False)

    @pytest.mark.parametrize("n", [0, 1, 10, 1_000, 100_000])
    def test_is_near_the_truth_and_within_its_bounds(self, n: int) -> None:
        found = _distinct([range(n)], early=False)

        assert found["low"] <= n <= found["high"]
        assert abs(found["about"] - n) <= 0.05 * n
        assert found["high"] - found["low"] <= 0.1 * n + 2


class TestPercentiles:
    @given(st.lists(st.floats(0, 1e12), min_size=1), st.sampled_from(["0.1", "50", "95", "99.9", "100"]))
    def test_are_within_the_accuracy_of_the_nearest_rank(self, values: list[float], percentile: str) -> None:
        sketch = PercentileSketch(0.02)
        bins = Counter(sketch.bin_of(value) for value in values)
        rank = nearest_rank(percentile, len(values))

        assert math.isclose(sketch.at(rank, bins), sorted(values)[rank - 1], rel_tol=0.0200001, abs_tol=1e-300)

    @given(st.lists(st.dictionaries(st.sampled_from(["zero", "-3", "0", "7"]), st.integers(1, 5)), max_size=6))
    def test_are_merged_by_adding(self, packed: list[dict[str, int]]) -> None:
        merged = PercentileSketch.merged
        assert merged([merged(packed[:2]), *packed[2:]]) == merged(packed[::-1])

    def test_have_no_rank_that_nothing_has(self) -> None:
        with pytest.raises(IndexError):
            PercentileSketch(0.01).at(3, {"zero": 1, "5": 1})


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_the_nearest_rank_is_the_first_that_so_many_do_not_exceed(n: int, tenths: int) -> None:
    rank = nearest_rank(f"{tenths / 10:.1f}", n)

    assert rank * 1000 >= tenths * n
    assert rank == 1 or (rank - 1) * 1000 < tenths * n


@pytest.mark.parametrize("text", ["0", "101", "-5", "many", "1/0", "nan"])
def test_what_is_no_percentile_is_refused(text: str) -> None:
    with pytest.raises((ValueError, ZeroDivisionError)):
        check_percentiles(["50", text])


@pytest.mark.parametrize(("job", "library"), [("distinct_approx", "datasketches"), ("latency_approx", "ddsketch")])
def test_a_job_whose_library_is_not_installed_says_what_to_install(
    job: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(JobLoadError, match=rf"needs {library}.*pip install 'word-counter-mapreduce\[sketches\]'"):
        make_job(job)
