"""Drafts: outputs that are written but not shown yet. Also loads the libraries that only some outputs need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from word_counter.errors import OutputError
from word_counter.files.digest import Digest
from word_counter.settings.distribution import how_to_install

#: Key texts with their values.
Rows = Iterable[tuple[str, Any]]
#: Passes rows on, and renews the leader lease from time to time meanwhile.
KeepAlive = Callable[[Rows], Iterator[tuple[str, Any]]]
#: Writes a file's content.
Fill = Callable[[BinaryIO], None]


class Draft(ABC):
    """An output that is written but not shown yet. As a context manager it removes it on leaving, unless shown."""

    def check(self) -> None:
        """Raise OutputError when it is known already that it cannot be shown."""

    @abstractmethod
    def show(self) -> None:
        """Replace the output that was there before by this one; OutputError when that is not possible."""

    @abstractmethod
    def drop(self) -> None:
        """Remove it, unless it was shown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()


class Written(NamedTuple):
    """A file that was written: its name within its folder, its size in bytes, and its digest."""

    name: str
    size: int
    digest: str


class Digested:
    """A file that is written from start to end, and the digest of its content."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = Digest()

    def write(self, content: bytes) -> int:
        """Write bytes."""
        self._digest.update(content)
        self._file.write(content)
        return len(content)

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Write lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def written(self, name: str) -> Written:
        """Return what was written, under a name."""
        return Written(name, self._digest.size, self._digest.text)


def library(module: str, extra: str, output: str) -> Any:
    """Return a library that an output needs; OutputError, which says what to install, when it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        message = f"the output {output} needs {module}: {how_to_install(extra)} ({error})"
        raise OutputError(message) from None


def no_check() -> None:
    """Do nothing before results are shown."""


def unchanged(rows: Rows) -> Iterator[tuple[str, Any]]:
    """Pass rows on, with no lease to renew."""
    return iter(rows)
