"""How long requests took, for each service and hour: a reducer of its own that combines, and counters.

Try it: `word-counter run examples/logs/ --job examples/response_times.py --engine inline --output -`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from word_counter import Job, Mapper, Reducer

#: As in `2026-11-20 09:14:02 shop INFO order 1001 paid in 182 ms`.
TIMED = re.compile(r"(?P<day>\S+) (?P<hour>\d\d):\S+ (?P<service>\w+) .* in (?P<ms>\d+) ms$")
SLOW_MS = 1000


class RequestTimes(Mapper):
    """Yields the time in a line; counts lines without a time, and slow ones."""

    def map(self, line: str) -> Iterator[tuple[tuple[str, str], dict[str, int]]]:
        found = TIMED.match(line)
        if found is None:
            self.count("lines without a time")
            return
        ms = int(found["ms"])
        if ms >= SLOW_MS:
            self.count("slow requests")
        yield (found["service"], f"{found['day']} {found['hour']}h"), {"n": 1, "sum_ms": ms, "max_ms": ms}


class Times(Reducer):
    """The number of requests, their mean and their longest time."""

    def combine(self, key: Any, values: Iterable[dict[str, int]]) -> dict[str, int]:  # noqa: ARG002 (one way for all keys)
        n = sum_ms = max_ms = 0
        for value in values:
            n += value["n"]
            sum_ms += value["sum_ms"]
            max_ms = max(max_ms, value["max_ms"])
        return {"n": n, "sum_ms": sum_ms, "max_ms": max_ms}

    def reduce(self, key: Any, values: Iterable[dict[str, int]]) -> dict[str, float]:
        whole = self.combine(key, values)
        return {"requests": whole["n"], "mean_ms": whole["sum_ms"] / whole["n"], "max_ms": whole["max_ms"]}


class ResponseTimes(Job):
    """Response times by service and hour."""

    mapper = RequestTimes
    reducer = Times
