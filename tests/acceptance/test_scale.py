"""`make scale` on less input: each case is exact and within its limits."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from tests.scale import text
from tests.scale.cases import CASES, measure

_SMALL = {
    "100,000 lines in chunks of 2": text.plain(4_000),
    "a line of 100 MB": text.one_line(10),
    "3,000,000 empty lines": text.empty_lines(300_000),
}


@pytest.mark.parametrize("name", _SMALL)
def test_a_case_in_small_is_exact_and_within_its_limits(name: str, folder: Path) -> None:
    figures = measure(dataclasses.replace(CASES[name], make=_SMALL[name]), folder, "small")

    assert (figures.wrong, figures.broken) == ("", ())
    assert not Path("/proc/self/status").exists() or figures.values["worker MB"] > 1


def test_a_limit_that_is_broken_and_a_wrong_count_are_told(folder: Path) -> None:
    def wrong(into: Path, seed: str) -> Counter[str]:
        return text.plain(10)(into, seed) + Counter(["never"])

    figures = measure(dataclasses.replace(CASES["250 MB"], make=wrong, limits={"seconds": 0.0}), folder, "small")

    assert (figures.wrong, figures.broken) == ("the counts are wrong", ("seconds",))
    assert not figures.good
