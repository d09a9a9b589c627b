"""Cases: what is run at scale, how it is measured, and what is allowed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import started
from tests.scale import many, text
from tests.scale.peaks import Peaks

#: How long a run may take before it counts as hung, in seconds.
_HUNG_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Case:
    """A run with two workers over text that is made. ``limits`` is by figure: seconds, MB of master and of worker."""

    make: text.Make
    limits: Mapping[str, float]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to. ``wrong`` says what is not as it should be, whatever the figures."""

    values: Mapping[str, float]
    wrong: str = ""
    broken: tuple[str, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether the result is right and no limit is broken."""
        return not self.wrong and not self.broken


_MEMORY = {"master MB": 300.0, "worker MB": 300.0}
_ALL_MEMORY = {"master MB": 500.0, "worker MB": 500.0, "redis MB": 500.0}
_BY_FILES = ("--shuffle", "shuffle")
CASES = {
    "100,000 lines in chunks of 2": Case(text.plain(100_000), {"seconds": 120.0, **_MEMORY}, ("--chunk-size", "2")),
    "250 MB": Case(text.large(250), {"seconds": 120.0, **_MEMORY}),
    "10,000 small files": Case(text.small_files(10_000), {"seconds": 120.0, **_MEMORY}),
    "a line of 100 MB": Case(text.one_line(100), {"seconds": 120.0, **_MEMORY}),
    "3,000,000 empty lines": Case(text.empty_lines(3_000_000), {"seconds": 120.0, **_MEMORY}),
    "50,000,000 values of a key": Case(
        many.one_key(50_000_000), {"seconds": 900.0, **_ALL_MEMORY}, (*_BY_FILES, "--job", "one_key.py:Chained")
    ),
    "50,000,000 values added up": Case(
        many.one_sum(50_000_000), {"seconds": 600.0, **_ALL_MEMORY}, (*_BY_FILES, "--job", "one_key.py:Added")
    ),
    "5,000,000 keys": Case(many.distinct_keys(5_000_000), {"seconds": 600.0, **_ALL_MEMORY}, _BY_FILES),
}


def measure(case: Case, folder: Path, seed: str) -> Figures:
    """Run a case in a folder."""
    (folder / "input").mkdir()
    expected = case.make(folder / "input", seed)
    began = time.monotonic()
    args = ["run", "input", "--workers", "2", "--output", "results.json", "--quiet", *case.options]
    with started(*args, folder=folder) as run:
        peaks = Peaks(run.pid)
        ended = run.wait(_HUNG_SECONDS)
        seconds = time.monotonic() - began
        peaks.stop()
    values = {"seconds": seconds, **{f"{role} MB": peak for role, peak in sorted(peaks.megabytes.items())}}
    broken = tuple(name for name, limit in case.limits.items() if values.get(name, 0.0) > limit)
    if ended.code:
        return Figures(values, f"exit code {ended.code}: {ended.err.strip()}", broken)
    results = folder / "results.json"
    exact = expected(results) if callable(expected) else json.loads(results.read_bytes()) == expected
    return Figures(values, "" if exact else "the counts are wrong", broken)
