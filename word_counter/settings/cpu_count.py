"""CPU count: how many processors this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        return os.cpu_count() or 1
