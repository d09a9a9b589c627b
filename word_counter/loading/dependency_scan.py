"""Dependency scan: finds the files beside a Python file that it imports.

It reads the source, and does not look at what this process has imported. So a master and all workers find the same.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator

#: This package does not count as the user's own code, even where it lies beside a job.
PACKAGE = __name__.partition(".")[0]


def own_files(file: str) -> set[str]:
    """Return a file of Python source and those of its own folders that it imports, directly or through others.

    Its own are the folder that it lies in, with all below it; for a module of a package, all of the package and what
    lies beside it; and of a link, also that of the file that it leads to.
    """
    folders: dict[str, None] = {}
    for name in (os.path.realpath(file), os.path.abspath(file)):
        folder = top = os.path.dirname(name)
        while os.path.isfile(os.path.join(top, "__init__.py")):
            top = os.path.dirname(top)
        folders |= dict.fromkeys((folder, top))
    found: set[str] = set()
    waiting = [os.path.abspath(file)]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _imported(one, folders)
    return found


def _imported(file: str, folders: Iterable[str]) -> Iterator[str]:
    """Yield the files in some folders that a file imports, wherever in it."""
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return  # importing the file will say what is wrong with it
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name.split("."), folders)
        elif isinstance(node, ast.ImportFrom):
            bases, parts = folders, node.module.split(".") if node.module else []
            if node.level:
                base = file
                for _ in range(node.level):
                    base = os.path.dirname(base)
                bases = [base]
            for alias in node.names:
                yield from _files_of([*parts, alias.name], bases)


def _files_of(parts: list[str], folders: Iterable[str]) -> Iterator[str]:
    """Yield the files that importing a dotted name runs, of those that lie in some folders."""
    if parts[0] == PACKAGE:
        return
    for folder in folders:
        path = folder
        for part in parts:
            path = os.path.join(path, part)
            for source in (path + ".py", os.path.join(path, "__init__.py")):
                if os.path.isfile(source):
                    yield source
