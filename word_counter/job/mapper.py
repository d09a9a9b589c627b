"""Mapper: what a job does with each line. A user writes :meth:`Mapper.map` and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from inspect import isgeneratorfunction
from itertools import chain, starmap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from word_counter.settings.plurals import count

if TYPE_CHECKING:
    from word_counter.job.pairs import Pairs
    from word_counter.job.side_file import SideFile

Pair = tuple[Any, Any]

#: How much of a line is shown in an error, in characters.
_SHOWN_CHARS = 1_000


class Reading(Protocol):
    """How records are read from lines, where they are not the lines."""

    def records(self, lines: Iterator[str]) -> Iterator[Any]:
        """Yield the records of lines, which it takes as it goes."""

    def split(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of each record, of lines with their line breaks."""


class Lines:
    r"""The lines of one chunk, as :meth:`Mapper.map_chunk` gets them. Iterating gives each line as ``str``.

    With another ``input_format`` than lines it gives records in their place: objects, or rows.

    A line is what stands before ``\n``, without a ``\r`` before it, decoded as UTF-8 with undecodable bytes
    replaced; a byte order mark at the start of a file is not part of its first line.

    Attributes:
        raw: the chunk's bytes as they stand in the file (without a byte order mark at its start).
        source: the file's path, as the job was given it.
        offset: where ``raw`` starts in the file, in bytes.
        line: the number of the first line in its file, from 1.
    """

    __slots__ = ("_cursor", "_decoded", "_number", "line", "offset", "raw", "reading", "source")

    def __init__(
        self,
        raw: bytes,
        source: str = "",
        offset: int = 0,
        line: int = 1,
        number: int | None = None,
        reading: Reading | None = None,
    ) -> None:
        """Make it of bytes; ``number`` is that of its lines, where it is known already."""
        self.reading = reading
        self.raw = raw
        self.source = source
        self.offset = offset
        self.line = line
        self._number = number
        self._decoded: list[str] | None = None
        self._cursor: Iterator[str] | None = None

    def _lines(self) -> list[str]:
        if self._decoded is None:
            # One decoding of the whole chunk: "\n" is never inside a UTF-8 sequence, not even a broken one.
            text = self.raw.decode("utf-8", "replace")
            if "\r" in text:
                text = text.replace("\r\n", "\n")
            self._decoded = text.split("\n")
            if not self._decoded[-1]:
                self._decoded.pop()
        return self._decoded

    def __iter__(self) -> Iterator[Any]:
        self._cursor = iter(self._lines())
        return self._cursor if self.reading is None else self.reading.records(self._cursor)

    def __len__(self) -> int:
        # Not by decoding: a mapper may have read nothing but raw.
        if self._number is None:
            unfinished = bool(self.raw) and not self.raw.endswith(b"\n")
            self._number = self.raw.count(b"\n") + unfinished
        return self._number

    def each(self) -> Iterator[Lines]:
        """Yield each record as lines of its own, with its own place in the source."""
        offset, line = self.offset, self.line
        raws = _split(self.raw)
        for raw in raws if self.reading is None else self.reading.split(raws):
            made = Lines(raw, self.source, offset, line, reading=self.reading)
            yield made
            offset, line = offset + len(raw), line + len(made)

    def leave(self) -> None:
        """Forget the running iteration: no line is being read any more."""
        self._cursor = None

    def at(self, index: int) -> str:
        """Return the line of this index within the chunk, from 0."""
        return self._lines()[index]

    def place(self, index: int | None) -> str:
        """Say where the line of an index within the chunk is; where the chunk is when it is None."""
        if index is None:
            return f"{self.source}, byte {self.offset}, in the {count(len(self), 'line')} from line {self.line} on"
        offset = 0
        for _ in range(index):
            offset = self.raw.index(b"\n", offset) + 1
        text = self.at(index)
        shown = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
        return f"{self.source}, byte {self.offset + offset}, line {self.line + index}: {shown!r}"

    @property
    def index(self) -> int | None:
        """The index within the chunk, from 0, of the line that the running iteration gave last; None before any.

        Read off the list iterator, so that following the position costs nothing a line.
        """
        if self._cursor is None:
            return None
        left: int = self._cursor.__length_hint__()  # type: ignore[attr-defined]
        index = len(self._lines()) - left - 1
        return index if index >= 0 else None


def _split(raw: bytes) -> Iterator[bytes]:
    """Yield the lines of a chunk as bytes, each with its newline; bytes.splitlines splits at a lone CR too."""
    start = 0
    while end := raw.find(b"\n", start) + 1:
        yield raw[start:end]
        start = end
    if start < len(raw):
        yield raw[start:]


class Mapper:
    """Turns each line into any number of (key, value) pairs.

    Write :meth:`map` as a generator. Keys are JSON scalars (str, int, float, bool, None) or tuples of them;
    values are anything that JSON can hold. Optional methods: ``setup()`` before the first line of a task,
    ``close()`` after the last one (it may yield the last pairs), and ``map_chunk(lines)`` in place of ``map``
    for a whole chunk at once, which may also return a dict: each key with its one value. A mapper lives for one
    task and must not carry anything from task to task.

    The mapper of a later step of a job reads pairs, and has ``map_pair(key, value)`` in place of ``map``.
    """

    #: Whether a chunk is a whole file, however long; for the first mapper of a job that has a ``map_chunk``.
    whole_files: ClassVar[bool] = False
    #: What the records of the input are: "lines", "jsonl", "csv" or "tsv", with options as in "csv delimiter=;
    #: header=none"; for the first mapper of a job. ``map`` gets the objects of JSON lines, and a dict for a row.
    input_format: ClassVar[str] = "lines"
    #: What :meth:`count` added up in this task, by name.
    counters: dict[str, int]
    #: The values of the job's params, by name.
    params: Mapping[str, Any] = MappingProxyType({})
    #: The job's side files, by name.
    files: Mapping[str, SideFile] = MappingProxyType({})
    _lines: Lines | Pairs | None = None

    def map(self, line: Any) -> Iterable[Pair]:  # noqa: ARG002 (the contract's signature)
        """Yield the pairs of one line."""
        message = f"{type(self).__name__} has neither map(line) nor map_chunk(lines)"
        raise TypeError(message)

    def map_chunk(self, lines: Lines) -> Iterable[Any]:
        """Yield the pairs of a whole chunk, or return a dict of them; by default those of :meth:`map` for each line."""
        if isgeneratorfunction(self.map):
            return chain.from_iterable(map(self.map, lines))
        return chain.from_iterable(self.map(line) or () for line in lines)

    def map_to_partials(self, lines: Lines, partitions: int) -> tuple[dict[int, str], int] | None:  # noqa: ARG002
        """Return what a chunk gives each partition, as JSON text, and how many pairs; None: map_chunk tells.

        For mappers that can do without objects of Python. What it gives must be what would become of the dict that
        ``map_chunk`` returns; it is asked only where no pairs but these go to a partition.
        """
        return None

    def map_pair(self, key: Any, value: Any) -> Iterable[Pair]:
        """Yield the pairs that a pair of the step before comes to; by default the pair itself."""
        yield key, value

    def map_pairs(self, pairs: Iterable[Pair]) -> Iterable[Pair]:
        """Yield the pairs of many pairs; by default those of :meth:`map_pair` for each."""
        if isgeneratorfunction(self.map_pair):
            return chain.from_iterable(starmap(self.map_pair, pairs))
        return chain.from_iterable(self.map_pair(key, value) or () for key, value in pairs)

    @property
    def by_record(self) -> bool:
        """Whether lines are mapped one by one, so that the running one is known."""
        return type(self).map_chunk is Mapper.map_chunk

    def setup(self) -> None:
        """Prepare for a task; called once before its first line."""

    def close(self) -> Iterable[Pair] | None:
        """Let go of what :meth:`setup` took; may yield last pairs. Called once after the last line of a task."""
        return None

    def count(self, name: str, n: int = 1) -> None:
        """Add ``n`` to the job's counter ``name``; exact, however often a task is tried."""
        counters = self.__dict__.setdefault("counters", {})
        counters[name] = counters.get(name, 0) + n

    @property
    def source(self) -> str:
        """The path of the file that the running line comes from, as the job was given it."""
        return self._lines.source if self._lines is not None else ""

    @property
    def line_number(self) -> int:
        """The number of the running line in its file, from 1."""
        if self._lines is None:
            return 0
        return self._lines.line + (self._lines.index or 0)

    def enter(self, lines: Lines | Pairs) -> None:
        """Say which lines are mapped next, for :attr:`source` and :attr:`line_number`."""
        self._lines = lines

    def last_pairs(self) -> Iterator[Pair]:
        """Yield the pairs of ``close``."""
        if self._lines is not None:
            self._lines.leave()  # what goes wrong from here on is no single line's fault
        yield from self.close() or ()


def mapped(mapper: Mapper, records: Lines | Pairs) -> Iterable[Any] | None:
    """Return what a mapper makes of a chunk: of lines, or of a step's pairs."""
    return mapper.map_chunk(records) if isinstance(records, Lines) else mapper.map_pairs(records)
