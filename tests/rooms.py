"""The rooms of the package, their order, and the imports that break it.

A room is a folder of ``word_counter/``, or a file right in it. A room may import those further down in :data:`ORDER`,
but none further up, and none in its own row.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: The rooms from top to bottom.
ORDER: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("mrjob",),
    ("engines",),
    ("master", "worker", "inspection", "check"),
    ("local_cluster",),
    ("queue",),
    ("observer",),
    ("receipts",),
    ("outputs",),
    ("compute",),
    ("shuffle",),
    ("inputs",),
    ("security",),
    ("files", "store"),
    ("loading",),
    ("word_count",),
    ("jobs",),
    ("logs", "sketches", "fields", "kernel"),
    ("job",),
    ("native",),
    ("config",),
    ("settings",),
    ("errors",),
)
#: The rooms within the command line, likewise.
CLI_ORDER: tuple[tuple[str, ...], ...] = (("main",), ("commands",), ("display",), ("terminal",))
#: How many modules a room has. The shipped jobs are as many as there are.
FEWEST, MOST, UNLIMITED = 4, 12, {"jobs"}
#: Rooms within rooms, and the room that is left when they are taken out of theirs.
PARTS = {"cli"}


@dataclass(frozen=True)
class House:
    """The package as its sources say: modules by dotted name, without ``word_counter.``."""

    trees: Mapping[str, ast.Module]

    @classmethod
    def of(cls, package: Path) -> House:
        """Read it. ``__init__`` of the package is no room: it hands names on, lazily."""
        found = {
            ".".join(path.relative_to(package).with_suffix("").parts): path
            for path in sorted(package.rglob("*.py"))
            if path != package / "__init__.py"
        }
        return cls({name: ast.parse(path.read_text(encoding="utf-8")) for name, path in found.items()})

    def changed(self, module: str, line: str) -> House:
        """Return the same house with a line more at the end of a module."""
        tree = ast.parse(f"{ast.unparse(self.trees[module])}\n{line}\n")
        return House({**self.trees, module: tree})

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Which module imports which, wherever in it; what only type checkers see counts too."""
        return {name: set(self._imported(tree)) - {name} for name, tree in self.trees.items()}

    def _imported(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                if found := self._module(name):
                    yield found

    def _module(self, name: str) -> str:
        """Return the module that a dotted name is, or is of; nothing: none of this package."""
        package, _, inner = name.partition(".")
        while package == "word_counter" and inner:
            for known in (inner, f"{inner}.__init__"):
                if known in self.trees:
                    return known
            inner = inner.rpartition(".")[0]
        return ""

    def rooms(self) -> dict[str, list[str]]:
        """Return the modules of each folder, but for its ``__init__``."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.trees:
            room, _, module = name.rpartition(".")
            if room and module != "__init__":
                found[room].append(module)
        return found


def against_the_order(house: House) -> list[str]:
    """Return the imports that lead upwards, or to another room of the same row, and the rooms that are in no row."""
    inner = {
        name.removeprefix("cli."): {other.removeprefix("cli.") for other in used if other.startswith("cli.")}
        for name, used in house.imports.items()
        if name.startswith("cli.")
    }
    return [*_upward(house.imports, ORDER), *_upward(inner, CLI_ORDER)]


def _upward(imports: Mapping[str, Iterable[str]], order: Iterable[Iterable[str]]) -> Iterator[str]:
    rank = {room: number for number, row in enumerate(order) for room in row}
    for source, used in sorted(imports.items()):
        for target in sorted(used):
            upper, lower = source.partition(".")[0], target.partition(".")[0]
            if "__init__" in (upper, lower) or upper == lower:
                continue
            if upper not in rank or lower not in rank:
                yield f"{source} -> {target}: not both of them are in a room that the order names"
            elif rank[upper] >= rank[lower]:
                yield f"{source} -> {target}: upwards"


def circles(imports: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the modules that import each other in a circle; after R. Tarjan, Depth-first search, 1972."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(imports.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(imports):
        if name not in index:
            visit(name)
    return found


def of_rooms(imports: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return which room imports which."""
    found: dict[str, set[str]] = defaultdict(set)
    for source, used in imports.items():
        for target in used:
            upper, lower = source.partition(".")[0], target.partition(".")[0]
            if upper != lower and "__init__" not in (upper, lower):
                found[upper].add(lower)
    return found
