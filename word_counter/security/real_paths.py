"""Real paths: a set of files and directories by their real paths, which can tell whether a path is within it."""

from __future__ import annotations

import os
from collections.abc import Iterable


class RealPaths(frozenset[str]):
    """Real paths, each of which stands for itself and for all below it."""

    @classmethod
    def of(cls, paths: Iterable[str]) -> RealPaths:
        """Return the real paths of these paths."""
        return cls(os.path.realpath(path) for path in paths)

    def hold(self, real: str) -> bool:
        """Whether a real path is one of these or below one. The cost grows with its depth, not with the set."""
        while real not in self:
            parent = os.path.dirname(real)
            if parent == real:
                return False
            real = parent
        return True
