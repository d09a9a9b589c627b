"""What tests of mrjob's jobs read off a job's standard error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_COUNTER = re.compile(r"reporter:counter:([^,]*),([^,]*),(-?\d+)")
_STATUS = re.compile(r"reporter:status:(.*)")


def parse_mr_job_stderr(
    stderr: bytes | Iterable[bytes], counters: dict[str, dict[str, int]] | None = None
) -> dict[str, Any]:
    """Return the counters (by group and name), the statuses and the other lines of what a job wrote there."""
    found: dict[str, dict[str, int]] = {} if counters is None else counters
    statuses, other = [], []
    for raw in stderr.splitlines(keepends=True) if isinstance(stderr, bytes) else stderr:
        line = raw.decode("utf-8", "replace")
        if match := _COUNTER.fullmatch(line.rstrip("\r\n")):
            group = found.setdefault(match[1], {})
            group[match[2]] = group.get(match[2], 0) + int(match[3])
        elif match := _STATUS.fullmatch(line.rstrip("\r\n")):
            statuses.append(match[1])
        else:
            other.append(line)
    return {"counters": found, "statuses": statuses, "other": other}
