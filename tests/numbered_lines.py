"""A kind of source that is made up: ``numbers:PATH`` is as many numbered lines as the file at PATH says.

Its chunks are ranges of line numbers rather than of bytes, as those of a queue or a table would be, and workers make
their lines by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from word_counter.inputs.base import Cutting, Kind, Opened, Place, Search
from word_counter.job.mapper import Unit
from word_counter.job.model import Chunk, Cursor, Source

_SCHEME = "numbers:"


class NumberedLines(Kind):
    """Numbered lines."""

    unit: ClassVar[Unit] = Unit("number", lambda raw: raw.count(b"\n"))

    @classmethod
    def find(cls, name: str, search: Search) -> list[str] | None:
        return [name] if name.startswith(_SCHEME) else None

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        if not place.path.startswith(_SCHEME):
            return None
        return [cls.now(Source(place.path, 0, 0, "numbers"))]

    @classmethod
    def has(cls, source: Source) -> bool:
        return source.packing == "numbers"

    @classmethod
    def travels(cls, source: Source) -> bool:
        return False

    @classmethod
    def now(cls, source: Source) -> Source:
        return replace(source, size=int(Path(source.path.removeprefix(_SCHEME)).read_text()))

    def open(self, source: Source) -> Opened:
        return _OpenNumbers(source)


class _OpenNumbers(Opened):
    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        for number in range(offset, self.source.size):
            yield _lines(number, number + 1)

    def cut(self, cursor: Cursor, cutting: Cutting, *, keep: bool) -> Iterator[tuple[Chunk, bytes]]:
        records, _ = cutting.limits
        id_, start, size = cursor.chunk, cursor.offset, self.source.size
        while start < size:
            end = min(size, start + records)
            yield (
                Chunk(id_, cursor.source, start, end - start, start + 1, end - start),
                _lines(start, end) if keep else b"",
            )
            id_, start = id_ + 1, end

    def read(self, chunk: Chunk) -> bytes:
        return _lines(chunk.offset, chunk.offset + chunk.length)

    def check(self) -> None:
        NumberedLines.check(self.source, NumberedLines.now(self.source))

    def close(self) -> None:
        return


def _lines(start: int, end: int) -> bytes:
    return b"".join(b"line,%d\n" % (number + 1) for number in range(start, end))
