"""The report of a storm."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.work import Verdict

#: How many lines of each thing that went wrong are shown.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Ended:
    """A job with its verdict."""

    job_id: str
    kind: str
    verdict: Verdict
    note: str
    seconds: float
    masters: int


@dataclass(slots=True)
class Report:
    """What a storm came to."""

    seed: str
    seconds: float = 0.0
    jobs: list[Ended] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    again: int = 0  #: how often a master was started in vain, because Redis was away or another in charge
    strays: Counter[int] = field(default_factory=Counter)
    tracebacks: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    folder: str = ""

    @property
    def verdicts(self) -> Counter[Verdict]:
        """How many jobs ended how."""
        return Counter(job.verdict for job in self.jobs)

    @property
    def all_exact(self) -> bool:
        """Whether there were jobs, and all of them are exact."""
        return bool(self.jobs) and all(job.verdict is Verdict.EXACT for job in self.jobs)

    def text(self) -> str:
        """Return the report for people."""
        verdicts = self.verdicts
        seconds = [job.seconds for job in self.jobs] or [0.0]
        took = f"jobs took {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (longest)"
        lines = [
            "",
            f"seed {self.seed}, {self.seconds:.0f} s; {took}",
            "",
            table(["jobs", *Verdict], [[len(self.jobs), *(verdicts[verdict] for verdict in Verdict)]]),
            "",
            table(["fault", "count"], [*sorted(self.faults.items()), ("all", self.faults.total())]),
        ]
        if self.again:
            lines += ["", f"{self.again} masters were started while Redis was away or another was in charge"]
        if self.latencies:
            lines += ["", "in the storm, where other workers may be stopped or busy:", latency_table(self.latencies)]
        if self.strays:
            lines += ["", table(["workers ended by themselves, code", "count"], sorted(self.strays.items()))]
        if self.tracebacks:
            lines += ["", table(["count", "tracebacks in logs"], [(n, t) for t, n in self.tracebacks.most_common(20)])]
        bad = [job for job in self.jobs if job.verdict is not Verdict.EXACT]
        lines += [""] if bad else []
        lines += [f"{job.verdict}: {job.job_id} ({job.kind}) after {job.seconds:.0f} s: {job.note}" for job in bad]
        lines += [f"logs and inputs are kept in {self.folder}"] if self.folder else []
        return "\n".join(lines)


def latency_table(latencies: Mapping[str, Sequence[float]]) -> str:
    """Return latencies in seconds as a table."""
    rows = [
        (what, len(found), f"{statistics.median(found):.2f}", f"{max(found):.2f}")
        for what, found in sorted(latencies.items())
    ]
    return table(["death of a", "count", "median s", "max s"], rows)


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under their titles; numbers to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(title), *(len(row[n]) for row in texts)) for n, title in enumerate(titles)]
    numbers = [all(row[n].replace(".", "").isdigit() for row in texts) for n in range(len(titles))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in ([str(title) for title in titles], *texts)
    )
