"""The selection: which of the files below directories and in archives are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class PathFilter:
    """Patterns of names, as in a shell, where ``*`` stands for a ``/`` too.

    A pattern without ``/`` is for the last part of a name, another one for the whole path below the directory.

    Attributes:
        include: a file must fit one of these, if there are any.
        exclude: and none of these.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, path: str) -> bool:
        """Whether a file is wanted, by its path below the directory, or in the archive, that was named."""
        return (not self.include or _fits(path, self.include)) and not self.excludes(path)

    def excludes(self, path: str) -> bool:
        """Whether a file fits a pattern of those that are not wanted."""
        return _fits(path, self.exclude)


def _fits(path: str, patterns: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns)
