"""Run files: the files of one job's shuffle, and the references in Redis that stand for them.

Each job has its own folder below ``--shuffle``, and in it each process that writes has its own. So two jobs, or two
attempts at a task, never write the same file. ``mr-<chunk>-<partition>`` is the partial of a chunk for a partition.
``mr-out-<partition>`` has the results of a partition, segment by segment. Redis decides which files count: a commit
writes references to them (:mod:`word_counter.shuffle.run_format`). Files without a reference are of failed attempts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from word_counter.errors import OutputError, ShuffleError, ShuffleUnseenError
from word_counter.settings.plurals import count
from word_counter.shuffle.merge_runs import merged
from word_counter.shuffle.partitioning import compact
from word_counter.shuffle.run_format import Reference, RunEntry, entries_of, line_of, lines_of
from word_counter.shuffle.run_locations import location_at, reason_of
from word_counter.shuffle.spill_file import SpillFile, whole_lines

#: The file that marks a job's folder. It is there as long as the job has files.
MARK = ".job"
#: How the name of a job's folder begins.
PREFIX = "wc-"
#: How many runs are merged at a time. Each has a block in memory and a file open.
_MERGED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Extent:
    """A run in a spill file."""

    spill: SpillFile
    start: int
    end: int


def folder_of(place: str, job_id: str, made_by: str) -> str:
    """Return the folder of a job below a folder or URL; ``made_by`` tells it from other jobs of its name."""
    name = f"{PREFIX}{job_id}-{hashlib.sha256(made_by.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return f"{place.rstrip('/')}/{name}"


class RunFiles:
    """The files of one job, in a folder or behind a URL, as one process reads and writes them."""

    def __init__(self, where: str) -> None:
        """Make it. ``where`` is the job's folder; ShuffleError when a library for this kind of URL is missing."""
        root, _, self._folder = where.rpartition("/")
        self._where = where
        self._own = ""
        try:
            self._place = location_at(root or "/")
        except OutputError as error:
            raise ShuffleError(f"cannot shuffle by {where}: {reason_of(error)}") from error

    # -- the folder of the job ------------------------------------------------------------------------

    def make(self) -> None:
        """Make the folder, for a job that has no files yet.

        Raises:
            ShuffleError: that is not possible.
        """
        with self._written():
            self._place.make(self._folder)
            self._place.put(f"{self._folder}/{MARK}", [b"the runs of a job of word_counter\n"])

    @property
    def seen(self) -> bool:
        """Whether this process sees the folder."""
        with self._read(MARK):
            try:
                return bool(self._place.part(f"{self._folder}/{MARK}", 0, 1))
            except FileNotFoundError:
                return False

    def check(self) -> None:
        """Raise ShuffleUnseenError, saying what is missing, unless this process sees the folder."""
        if not self.seen:
            message = (
                f"{socket.gethostname()} does not see {self._where}, by which this job shuffles: mount the same folder "
                "there at the same path (--shuffle), or the files of the job were removed"
            )
            raise ShuffleUnseenError(message)

    def remove(self) -> None:
        """Remove the folder with all files; ShuffleError when that is not possible."""
        with self._written():
            self._place.remove(self._folder)

    # -- writing --------------------------------------------------------------------------------------

    def keep(self, chunk: int, partials: Mapping[int, str], *, folds: bool) -> dict[int, str]:
        """Write the partials of a chunk as runs; return the references to commit in their place.

        Raises:
            ShuffleError: they cannot be written.
        """
        kept: dict[int, str] = {}
        for partition, partial in partials.items():
            lines = list(lines_of(partial, folds=folds))
            kept[partition] = self._put(f"mr-{chunk}-{partition}", lines).to_text()
        self._sync()
        return kept

    def keep_segments(self, partition: int, segments: Iterable[str], amounts: dict[str, int]) -> Iterator[str]:
        """Write the results of a partition as one file; yield the reference to each segment.

        ``amounts`` gets their number and bytes as ``segments`` and ``result_bytes``.

        Raises:
            ShuffleError: they cannot be written.
        """
        parts: list[tuple[int, int]] = []

        def encoded() -> Iterator[bytes]:
            for segment in segments:
                content = segment.encode()
                parts.append((len(content), zlib.crc32(content)))
                yield content

        name = self._put(f"mr-out-{partition}", encoded()).name
        self._sync()
        offset = 0
        for length, checksum in parts:
            yield Reference(name, offset, length, checksum).to_text()
            offset += length
        amounts |= {"segments": len(parts), "result_bytes": offset}

    def _put(self, base: str, pieces: Iterable[bytes]) -> Reference:
        length = checksum = 0

        def counted() -> Iterator[bytes]:
            nonlocal length, checksum
            for piece in pieces:
                length += len(piece)
                checksum = zlib.crc32(piece, checksum)
                yield piece

        name = f"{self._writing_folder()}/{base}"
        with self._written():
            self._place.put(f"{self._folder}/{name}", counted())
        return Reference(name, 0, length, checksum)

    def _writing_folder(self) -> str:
        """Return this process's own folder, made at first use; ShuffleUnseenError when the job's folder is missing."""
        if not self._own:
            self.check()
            own = token_hex(4)
            with self._written():
                self._place.make(f"{self._folder}/{own}")
                self._place.sync(self._folder)
            self._own = own
        return self._own

    def _sync(self) -> None:
        if self._own:
            with self._written():
                self._place.sync(f"{self._folder}/{self._own}")

    # -- reading --------------------------------------------------------------------------------------

    def entries(self, texts: Iterable[str | bytes], *, folds: bool) -> Iterator[RunEntry]:
        """Merge the runs of a partition, in the order of their chunks. ``texts`` are references or partials.

        Raises:
            ShuffleError: a run is missing or has changed. A stream that ends without this error is complete.
        """
        with contextlib.ExitStack() as spills:
            runs: list[Reference | _Extent] = []
            inside: SpillFile | None = None
            for text in texts:
                reference = Reference.from_text(text)
                if reference is not None and self._place.near:
                    runs.append(reference)
                    continue
                if inside is None:
                    inside = spills.enter_context(self._spill_file())
                pieces = lines_of(text, folds=folds) if reference is None else self._pieces(reference)
                with self._written():
                    runs.append(_Extent(inside, *inside.keep(pieces)))
            while len(runs) > _MERGED_AT_ONCE:
                spill = spills.enter_context(self._spill_file())
                fewer: list[Reference | _Extent] = []
                for first in range(0, len(runs), _MERGED_AT_ONCE):
                    lines = map(line_of, merged(map(self._blocks, runs[first : first + _MERGED_AT_ONCE])))
                    with self._written():
                        fewer.append(_Extent(spill, *spill.keep(lines)))
                runs = fewer
            yield from merged(map(self._blocks, runs))

    def partial(self, text: str | bytes) -> str | bytes:
        """Return the partial of a chunk for a partition. ``text`` is a reference or the partial itself."""
        reference = Reference.from_text(text)
        if reference is None:
            return text
        pairs: list[list[Any]] = []
        last: tuple[str, int] | None = None
        for block in self._parsed(reference):
            for name, kind, value, _ in block:
                if (name, kind) == last:
                    pairs[-1][1] += value  # the rest of a long list of values
                else:
                    pairs.append([name if not kind else json.loads(name), value])
                last = name, kind
        return compact(pairs)

    def content(self, text: bytes) -> bytes:
        """Return a segment of results. ``text`` is a reference or the segment itself.

        Raises:
            ShuffleError: the file is missing or has changed.
        """
        reference = Reference.from_text(text)
        if reference is None:
            return text
        with self._read(reference.name):
            content = self._place.part(f"{self._folder}/{reference.name}", reference.offset, reference.length)
        if len(content) != reference.length or zlib.crc32(content) != reference.checksum:
            raise self._changed(reference, len(content))
        return content

    def _spill_file(self) -> SpillFile:
        with self._written():
            return SpillFile(self._place.spill_folder(f"{self._folder}/{self._writing_folder()}"))

    def _blocks(self, run: Reference | _Extent) -> Iterator[list[RunEntry]]:
        if isinstance(run, _Extent):
            return run.spill.blocks(run.start, run.end)
        return self._parsed(run)

    def _parsed(self, reference: Reference) -> Iterator[list[RunEntry]]:
        for lines in whole_lines(self._pieces(reference)):
            try:
                yield entries_of(lines)
            except (ValueError, TypeError) as error:
                raise self._changed(reference) from error

    def _pieces(self, reference: Reference) -> Iterator[bytes]:
        """Yield the content of a whole file; ShuffleError, at the end at the latest, when it has changed."""
        length = checksum = 0
        with self._read(reference.name):
            for piece in self._place.pieces(f"{self._folder}/{reference.name}"):
                length += len(piece)
                checksum = zlib.crc32(piece, checksum)
                yield piece
        if length != reference.length or checksum != reference.checksum:
            raise self._changed(reference, length)

    # -- errors ---------------------------------------------------------------------------------------

    def _changed(self, reference: Reference, length: int | None = None) -> ShuffleError:
        found = "" if length is None or length == reference.length else f": it has {count(length, 'byte')} of them"
        return ShuffleError(
            f"{self._where}/{reference.name} is not as it was written, with {count(reference.length, 'byte')} from "
            f"byte {reference.offset:,} on{found}; something changed it, and with it the results: run the job again, "
            "with a --shuffle that nothing else writes to"
        )

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except (OSError, OutputError) as error:
            if isinstance(error, FileNotFoundError):
                self.check()
            message = f"cannot write below {self._where} on {socket.gethostname()}: {reason_of(error)}"
            raise ShuffleError(message + "; make room there, or give another --shuffle") from error

    @contextlib.contextmanager
    def _read(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if name != MARK:
                self.check()
            message = f"{self._where}/{name} is not there on {socket.gethostname()}, though the job's other files are: "
            message += "something removed it, and with it a part of the job's data; run the job again, with a "
            raise ShuffleError(message + "--shuffle that nothing else cleans up") from error
        except (OSError, OutputError) as error:
            message = f"cannot read {self._where}/{name} on {socket.gethostname()}: {reason_of(error)}"
            raise ShuffleError(message) from error
