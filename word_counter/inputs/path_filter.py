"""Path filter: which of the files below directories, of those that globs match and in archives are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

#: How the names of receipts end, and of the lists of inputs that belong to some.
_RECEIPT_ENDS = (".receipt.json", ".inputs.jsonl.gz")


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


def is_hidden(path: str) -> bool:
    """Whether a part of a path begins with a dot."""
    return any(part.startswith(".") and part not in {".", ".."} for part in path.split("/"))


def is_no_data(path: str) -> bool:
    """Whether nobody means a file by its folder: a hidden one, or a receipt, which lies beside the results of a run."""
    return is_hidden(path) or path.endswith(_RECEIPT_ENDS)


def _fits(path: str, patterns: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns)
