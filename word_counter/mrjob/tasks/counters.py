"""Counters: mrjob has them by step, group and name, this engine by one name alone."""

from __future__ import annotations

from collections.abc import Mapping


def counter_name(step: int, steps: int, group: str, name: str) -> str:
    """Return the one name of a counter of a step (from 0) of so many. There is no comma in a group."""
    return f"{group}, {name}" if steps == 1 else f"step {step + 1}: {group}, {name}"


def by_step(counters: Mapping[str, int], steps: int) -> list[dict[str, dict[str, int]]]:
    """Return the counters of each step, by group and name."""
    found: list[dict[str, dict[str, int]]] = [{} for _ in range(steps)]
    for text, n in sorted(counters.items()):
        step, rest = 0, text
        if steps > 1:
            where, _, rest = text.partition(": ")
            step = int(where.removeprefix("step ")) - 1
        group, _, name = rest.partition(", ")
        found[step].setdefault(group, {})[name] = n
    return found
