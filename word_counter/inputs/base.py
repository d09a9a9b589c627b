"""The contract of inputs: what a kind of source does, from what a user names to the bytes of a chunk.

    a name --find--> paths --sources--> sources --open--> one open source --cut--> chunks --read--> their bytes

A kind is a class of :class:`Kind` in a file of its own, and a line in the table of
:mod:`word_counter.inputs.kind_table`; :class:`Opened` is one source that it has open. Chunks count in the kind's own
unit: bytes of what a source holds, or lines, offsets, rows, whatever a range can be named by. A chunk can be read
again from where its source lies, or it travels: then its bytes go with it through Redis. A source is known to people
and to receipts by its path and its member (:attr:`word_counter.job.model.Source.name`), which the kind chooses.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO, ClassVar, Self

from word_counter.errors import InputChangedError, InputError
from word_counter.files.remote_reader import Status
from word_counter.files.remote_reader import status as status_of_url
from word_counter.files.urls import is_url
from word_counter.inputs.encodings import UTF8, TextEncoding, encoding_of
from word_counter.inputs.input_format import LINES, InputFormat
from word_counter.inputs.kinds.decompression import HEAD_BYTES, inner_head, packing_of
from word_counter.inputs.line_splitter import CHUNK_BYTES, UNLIMITED, chunk_limits
from word_counter.inputs.path_filter import PathFilter
from word_counter.inputs.row_splitter import cut_rows
from word_counter.job.mapper import BYTES, Unit
from word_counter.job.model import Chunk, Cursor, Source
from word_counter.security.input_roots import InputRoots
from word_counter.settings.plurals import count

#: So much of a source tells whether it begins with an empty line: a byte order mark and a character, in bytes.
_BEGINNING_BYTES = 8
_ALL, _ANY_FILE = PathFilter(), InputRoots()


@dataclass(slots=True)
class Search:
    """What is wanted of directories, globs and archives, and what they hold that is left out."""

    path_filter: PathFilter = _ALL
    encoding: str = ""  #: of files that do not begin with a byte order mark; nothing: UTF-8
    named: frozenset[str] = frozenset()  #: what the user named, as it was named
    literal: frozenset[str] = frozenset()  #: names that are no globs, whatever is in them
    linked: list[str] = field(default_factory=list)  #: directories that links lead to
    hidden: list[str] = field(default_factory=list)  #: hidden files and directories, and receipts
    unnamed: list[str] = field(default_factory=list)  #: pipes, sockets and devices that nobody named
    binary: list[tuple[str, str]] = field(
        default_factory=list
    )  #: files that look like no text, and what they look like
    old_breaks: list[str] = field(default_factory=list)  #: files whose lines end as those of old Macs

    @property
    def that_fit(self) -> str:
        """What to add where nothing is found, if patterns were asked for."""
        return " that --include and --exclude leave" if self.path_filter != _ALL else ""


class Place:
    """What a path leads to, for the kinds to look at one after the other: it is opened once, by whoever needs that."""

    def __init__(self, path: str, search: Search) -> None:
        self.path = path
        self.search = search
        self._file: BinaryIO | None = None
        self._head: bytes | None = None
        self._inner: bytes | None = None
        self._status: Status | None = None

    @property
    def file(self) -> BinaryIO:
        """The file, open; OSError or InputError when it cannot be."""
        if self._file is None:
            self._file = _ANY_FILE.open(self.path)
        return self._file

    @property
    def head(self) -> bytes:
        """The first :data:`HEAD_BYTES` bytes, or as many as there are; OSError or InputError as :attr:`file`."""
        if self._head is None:
            self._head = self.file.read(HEAD_BYTES)
        return self._head

    @property
    def packing(self) -> str:
        """How it is packed, nothing: it is not; OSError or InputError as :attr:`file`."""
        return packing_of(self.head)

    @property
    def inner(self) -> bytes:
        """The head of what it holds, unpacked, as far as little of it tells; OSError or InputError as :attr:`file`."""
        if self._inner is None:
            self._inner = self.head
            if packing := self.packing:
                self.file.seek(0)
                self._inner = inner_head(self.file.read, packing)
        return self._inner

    @property
    def status(self) -> Status:
        """Its size and time of change; OSError or InputError as :attr:`file`."""
        if self._status is None:
            self._status = status_of(self.path, self.file)
        return self._status

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True, slots=True)
class Cutting:
    """How the input is cut.

    Attributes:
        chunk_size: records a chunk.
        whole_files: each source is one chunk, however long; an empty one too.
        empty_files: an empty source is a chunk too, of no lines.
        inline: all chunks carry their bytes.
        records: what the records are.
        chunk_bytes: the number of bytes after which a chunk takes no further record.
    """

    chunk_size: int
    whole_files: bool = False
    empty_files: bool = False
    inline: bool = False
    records: InputFormat = LINES
    chunk_bytes: int = CHUNK_BYTES

    @classmethod
    def of(cls, sources: Sequence[Source], chunk_size: int, records: InputFormat) -> Cutting:
        """Return how sources are cut into lines; a ``chunk_size`` of 0 is as suits them."""
        lines, size = chunk_limits(chunk_size, sum(source.size for source in sources))
        return cls(lines, records=records, chunk_bytes=size)

    @property
    def limits(self) -> tuple[int, int]:
        """After how many records, and after how many bytes, a chunk ends."""
        return (UNLIMITED, UNLIMITED) if self.whole_files else (self.chunk_size, self.chunk_bytes)


class Opened(ABC):
    """One source, open. Everything but ``close`` raises OSError or InputError when it cannot be read.

    ``encoding`` is that of the bytes that it gives.
    """

    def __init__(self, source: Source, encoding: TextEncoding = UTF8) -> None:
        self.source = source
        self.encoding = encoding
        #: How much of it was read, in bytes as they lie there.
        self.read_bytes = 0
        #: Gets a line for people when reading shows what nobody could look at before.
        self.say: Callable[[str], None] = lambda _: None

    @abstractmethod
    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Yield what the source holds from an offset on, in blocks of about 1 MiB, none of them empty."""

    @abstractmethod
    def check(self) -> None:
        """Raise InputChangedError unless it is what it was when the job was made."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def cut(self, cursor: Cursor, cutting: Cutting, *, keep: bool) -> Iterator[tuple[Chunk, bytes]]:
        """Yield its chunks from a cursor on, in order and without a gap, each with its bytes where ``keep`` asks so."""
        records, most = cutting.limits
        blocks, name = self.blocks(cursor.offset), self.source.name
        if cutting.records.headed and not cursor.offset:
            first = next(blocks, b"")
            blocks = chain([first], blocks) if first else blocks
            beginning = self.encoding.utf8(first[:_BEGINNING_BYTES])
        else:
            beginning = b""
        if cutting.records.cut_by_rows(beginning):
            return cut_rows(blocks, cursor, records, cutting.records, most, self.encoding, name=name)
        return self.encoding.cut(blocks, cursor, records, most, name=name, keep=keep)

    def read(self, chunk: Chunk) -> bytes:
        """Return the bytes of a chunk; by default the source is read up to there again."""
        content = bytearray()
        for block in self.blocks(chunk.offset):
            content += block[: chunk.length - len(content)]
            if len(content) == chunk.length:
                break
        return bytes(content)


class Kind(ABC):
    """A kind of source. An object of one opens sources, and may keep open between two what they have in common."""

    #: What the offsets and lengths of its chunks count.
    unit: ClassVar[Unit] = BYTES
    #: Whether its sources come but once: not for a second reader, and their sizes are known when they end.
    once: ClassVar[bool] = False

    def __init__(self, roots: InputRoots | None = None) -> None:
        """Make it; ``roots`` are the files that may be read, by default any."""
        self.roots = roots or _ANY_FILE

    @classmethod
    def find(cls, name: str, search: Search) -> Sequence[str] | None:  # noqa: ARG003 (for those that are named)
        """Return the paths that a name stands for; None: it does not name this kind.

        Raises:
            InputError: it does, and there is nothing, or nothing that can be read.
        """
        return None

    @classmethod
    @abstractmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Return the sources that a path is; None: it is not of this kind.

        Raises:
            OSError: it cannot be read.
            InputError: it cannot be read, or is not what it seems to be.
        """

    @classmethod
    @abstractmethod
    def has(cls, source: Source) -> bool:
        """Whether a source, of a job in Redis say, is of this kind."""

    @classmethod
    def travels(cls, source: Source) -> bool:  # noqa: ARG003 (for those of which some do)
        """Whether the chunks of a source carry their bytes, as no worker could read them by themselves."""
        return True

    @classmethod
    def encoding(cls, source: Source) -> TextEncoding:
        """Return the encoding of the bytes of a source's chunks. What travels is UTF-8."""
        return UTF8 if cls.travels(source) else encoding_of(source.encoding)

    @classmethod
    @abstractmethod
    def now(cls, source: Source) -> Source:
        """Return the same source as it is by now; OSError or InputError when it is gone."""

    @classmethod
    def check(cls, source: Source, now: Source) -> None:
        """Raise InputChangedError unless a source is now what it was when the job was made."""
        if now != source:
            message = (
                f"{source.path} changed while the job was running: it had {count(source.size, 'byte')} when the job "
                f"began and has {now.size:,} now; run the job again when nothing writes to the file"
            )
            raise InputChangedError(message)

    @classmethod
    def place(cls, source: Source, chunk: Chunk) -> str:
        """Say where a chunk is, for errors."""
        end, last = chunk.offset + chunk.length, chunk.line + chunk.lines - 1
        lines = f"line {last}" if chunk.lines == 1 else f"lines {chunk.line} to {last}"
        return f"{source.name}, {cls.unit.name}s {chunk.offset} to {end}, {lines}"

    @abstractmethod
    def open(self, source: Source) -> Opened:
        """Open a source, which may have changed meanwhile; ForbiddenError, InputError or OSError when it cannot be."""

    def close(self) -> None:
        """Let go of what was kept open."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def from_offset(blocks: Iterator[bytes], offset: int, name: str) -> Iterator[bytes]:
    """Yield what blocks hold from an offset on; what comes before is passed over.

    Raises:
        InputError: they end before.
    """
    for block in blocks:
        if offset >= len(block):
            offset -= len(block)
        elif offset:
            yield block[offset:]
            offset = 0
        else:
            yield block
    if offset:
        message = f"{name} ends {count(offset, 'byte')} earlier than it did when it was read before"
        raise InputError(message)


def status_of(path: str, file: BinaryIO | None = None) -> Status:
    """Return the size and the time of change of a file, which may be open; InputError or OSError when it is gone."""
    if is_url(path):
        return status_of_url(path)
    found = os.stat(path) if file is None else os.fstat(file.fileno())
    return Status(found.st_size, found.st_mtime_ns)


def renewed(source: Source, status: Status) -> Source:
    """Return a source with what a file's status says."""
    return replace(source, size=status.size, modified=status.modified)
