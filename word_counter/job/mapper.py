"""Mapper: what a job does with each line. A user writes :meth:`Mapper.map` and nothing else."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import isgeneratorfunction
from itertools import chain, starmap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from word_counter.errors import EncodingError
from word_counter.settings.plurals import count

if TYPE_CHECKING:
    from word_counter.job.model import Surroundings
    from word_counter.job.pairs import Pairs
    from word_counter.job.param import Param
    from word_counter.job.side_file import SideFile

Pair = tuple[Any, Any]

#: How many parts a pair has.
_PAIR = 2
#: How many characters of a line an error shows.
_SHOWN_CHARS = 1_000


class Reading(Protocol):
    """Reads records from lines, where a record is not a line."""

    def records(self, lines: Iterator[str]) -> Iterator[Any]:
        """Yield the records in lines. Takes no more lines than the records so far need."""

    def split(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of each record in lines that have their line breaks."""


class Unit(NamedTuple):
    """What places in a source are counted in: its name, and how many of it some lines take, of their bytes in UTF-8."""

    name: str
    measure: Callable[[bytes], int]


#: The unit of most sources.
BYTES = Unit("byte", len)


class Lines:
    r"""The lines of one chunk, as :meth:`Mapper.map_chunk` gets them. Iterating gives each line as ``str``.

    With another ``input_format`` than lines, iterating gives records: objects or rows.

    A line is the text before ``\n``, without a ``\r`` at its end, decoded as UTF-8 with undecodable bytes
    replaced. A byte order mark at the start of a file is not part of its first line.

    Attributes:
        raw: the chunk's bytes as they stand in the file (without a byte order mark at its start).
        source: the file's path, as the job was given it.
        offset: where ``raw`` starts in the file, in ``unit``.
        line: the number of the first line in its file, from 1.
        unit: what ``offset`` counts; bytes of the file, mostly.
    """

    __slots__ = ("_cursor", "_decoded", "_number", "line", "offset", "raw", "reading", "source", "unit")

    def __init__(
        self,
        raw: bytes,
        source: str = "",
        offset: int = 0,
        line: int = 1,
        number: int | None = None,
        reading: Reading | None = None,
        unit: Unit = BYTES,
    ) -> None:
        """Make it from bytes; ``number`` is how many lines they have, where that is known already."""
        self.reading = reading
        self.unit = unit
        self.raw = raw
        self.source = source
        self.offset = offset
        self.line = line
        self._number = number
        self._decoded: list[str] | None = None
        self._cursor: Iterator[str] | None = None

    def _lines(self) -> list[str]:
        if self._decoded is None:
            # The whole chunk is decoded at once: "\n" is never inside a UTF-8 sequence, not even a broken one.
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
        # Counted without decoding, as a mapper may use the bytes only.
        if self._number is None:
            unfinished = bool(self.raw) and not self.raw.endswith(b"\n")
            self._number = self.raw.count(b"\n") + unfinished
        return self._number

    def each(self) -> Iterator[Lines]:
        """Yield each record as lines of its own, with its own place in the source."""
        offset, line = self.offset, self.line
        raws = _split(self.raw)
        for raw in raws if self.reading is None else self.reading.split(raws):
            made = Lines(raw, self.source, offset, line, reading=self.reading, unit=self.unit)
            yield made
            offset, line = offset + self.unit.measure(raw), line + len(made)

    def leave(self) -> None:
        """Forget the running iteration: no line is being read any more."""
        self._cursor = None

    def at(self, index: int) -> str:
        """Return the line of this index within the chunk, from 0."""
        return self._lines()[index]

    def place(self, index: int | None) -> str:
        """Return the place of the line of this index within the chunk, in words; of the chunk when it is None."""
        if index is None:
            lines = count(len(self), "line")
            return f"{self.source}, {self.unit.name} {self.offset}, in the {lines} from line {self.line} on"
        offset = 0
        for _ in range(index):
            offset = self.raw.index(b"\n", offset) + 1
        text = self.at(index)
        shown = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
        offset = self.offset + self.unit.measure(self.raw[:offset])
        return f"{self.source}, {self.unit.name} {offset}, line {self.line + index}: {shown!r}"

    @property
    def index(self) -> int | None:
        """The index within the chunk, from 0, of the line that the running iteration gave last; None before any.

        It is computed from the list iterator, so that lines cost no time to keep track of the position.
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
    task. It must not carry anything from task to task.

    The mapper of a later step of a job reads pairs, and has ``map_pair(key, value)`` in place of ``map``.
    """

    #: Whether a chunk is a whole file, however long; for the first mapper of a job that has a ``map_chunk``.
    whole_files: ClassVar[bool] = False
    #: Whether an empty file is a chunk too, of no lines, which is mapped; for the first mapper of a job.
    empty_files: ClassVar[bool] = False
    #: What the records of the input are: "lines", "jsonl", "csv" or "tsv", with options as in "csv delimiter=;
    #: header=none"; for the first mapper of a job. ``map`` gets the objects of JSON lines, and a dict for a row.
    input_format: ClassVar[str] = "lines"
    #: The kinds of records that ``map`` takes, such as "lines"; empty: whatever a run asks for.
    input_kinds: ClassVar[Sequence[str]] = ()
    #: What :meth:`count` added up in this task, by name.
    counters: dict[str, int]
    #: The values of the job's params, by name.
    params: Mapping[str, Any] = MappingProxyType({})
    #: The job's side files, by name.
    files: Mapping[str, SideFile] = MappingProxyType({})
    #: What the task runs in; None: it was made for no task.
    surroundings: Surroundings | None = None
    _lines: Lines | Pairs | None = None

    def map(self, line: Any) -> Iterable[Pair]:  # noqa: ARG002 (the contract's signature)
        """Yield the pairs of one line."""
        message = f"{type(self).__name__} has neither map(line) nor map_chunk(lines)"
        raise TypeError(message)

    def map_chunk(self, lines: Lines) -> Iterable[Any]:
        """Yield the pairs of a whole chunk, or return a dict of them; by default those of :meth:`map` for each line."""
        if isgeneratorfunction(self.map):
            return chain.from_iterable(map(self.map, lines))
        return chain.from_iterable(_returned(self.map(line), "map") for line in lines)

    def map_to_partials(self, lines: Lines, partitions: int) -> tuple[dict[int, str], int] | None:  # noqa: ARG002
        """Return the partials of a chunk as JSON text, and how many pairs they have; None: map_chunk is used instead.

        For mappers that can do without Python objects. The result must be the same as for the dict that ``map_chunk``
        returns. It is called only where no other pairs go into the partials.
        """
        return None

    def map_pair(self, key: Any, value: Any) -> Iterable[Pair]:
        """Yield the pairs for a pair of the step before; by default the pair itself."""
        yield key, value

    def map_pairs(self, pairs: Iterable[Pair]) -> Iterable[Pair]:
        """Yield the pairs for many pairs; by default those of :meth:`map_pair` for each."""
        if isgeneratorfunction(self.map_pair):
            return chain.from_iterable(starmap(self.map_pair, pairs))
        return chain.from_iterable(_returned(self.map_pair(key, value), "map_pair") for key, value in pairs)

    @property
    def by_record(self) -> bool:
        """Whether lines are mapped one by one, so that the current one is known."""
        return type(self).map_chunk is Mapper.map_chunk

    @classmethod
    def wrong_with_params(cls, declared: Mapping[str, Param]) -> str:  # noqa: ARG003 (for those that read some)
        """Return what a job that declares these params lacks for this mapper; "" when it is nothing."""
        return ""

    @classmethod
    def format_for(cls, params: Mapping[str, Any]) -> str:  # noqa: ARG003 (for those whose params decide)
        """Return the input format of a job with these params, when a run asks for none."""
        return cls.input_format

    @classmethod
    def wrong_with_format(cls, chosen: str, kind: str, *, named: bool, params: Mapping[str, Any]) -> str:  # noqa: ARG003
        """Return why records of a format cannot be mapped; "" when they can.

        Args:
            chosen: the format, as a run asks for it.
            kind: "lines", "jsonl" or "csv".
            named: whether the fields of its records have names.
            params: the values of the job's params.
        """
        return f"takes {' or '.join(cls.input_kinds)} alone" if cls.input_kinds and kind not in cls.input_kinds else ""

    def setup(self) -> None:
        """Prepare for a task; called once before its first line."""

    def close(self) -> Iterable[Pair] | None:
        """Release what :meth:`setup` opened; may yield last pairs. Called once after the last line of a task."""
        return None

    def count(self, name: str, n: int = 1) -> None:
        """Add ``n`` to the job's counter ``name``. The total is exact, however often a task is tried."""
        counters = self.__dict__.setdefault("counters", {})
        counters[name] = counters.get(name, 0) + n

    @property
    def source(self) -> str:
        """The path of the file of the current line, as the job was given it."""
        return self._lines.source if self._lines is not None else ""

    @property
    def line_number(self) -> int:
        """The number of the current line in its file, from 1."""
        if self._lines is None:
            return 0
        return self._lines.line + (self._lines.index or 0)

    def enter(self, lines: Lines | Pairs) -> None:
        """Set the lines that are mapped next, for :attr:`source` and :attr:`line_number`."""
        self._lines = lines

    def last_pairs(self) -> Iterator[Pair]:
        """Yield the pairs of ``close``."""
        if self._lines is not None:
            self._lines.leave()  # an error from here on is not one of a single line
        yield from self.close() or ()


def mapped(mapper: Mapper, records: Lines | Pairs) -> Iterable[Any]:
    """Return what a mapper makes of a chunk, of lines or of a step's pairs; EncodingError unless that is pairs."""
    given: Any = mapper.map_chunk(records) if isinstance(records, Lines) else mapper.map_pairs(records)
    if isinstance(given, dict):
        return given
    return _returned(given, "map_chunk" if isinstance(records, Lines) else "map_pairs")


def _returned(given: Any, method: str) -> Iterable[Any]:
    """Return the pairs that a method without yield returned, none for None; EncodingError when it returned others."""
    if given is None or given.__class__ is list:
        return given or ()
    is_pair = isinstance(given, tuple) and len(given) == _PAIR and not all(isinstance(p, tuple | list) for p in given)
    if is_pair or isinstance(given, str | bytes | dict) or not isinstance(given, Iterable):
        message = f"{method} returned {reprlib.repr(given)}, where pairs are yielded; write: yield key, value"
        raise EncodingError(message)
    return given
