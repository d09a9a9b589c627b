"""Incremental cache: the map results of chunks from earlier runs, in files of this user, for ``--incremental``.

The key of an entry is made of all that a map task depends on: the chunk's content and place, the job's code, params and
side files, the number of partitions, and this version of the package. So an entry is what mapping would give. It begins
with its own digest: an entry that is incomplete or damaged is ignored, and so is one that others may write to. Entries
that nobody used for a time are removed, and the least recently used ones when the cache is too large.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from word_counter.compute.stages import MapOutput
from word_counter.errors import NoHomeError
from word_counter.files.digest import Digest, digest_of
from word_counter.files.private_folders import is_private, make_private
from word_counter.inputs.chunk_reader import Fetched
from word_counter.job.model import Source
from word_counter.settings.config import Settings
from word_counter.settings.user_folders import cache_folder

log = logging.getLogger(__name__)

#: The version of the file format of entries; part of every key.
_FORM = 1
#: A cache that is too large shrinks to this share of its limit. Its size is checked each time that a further share of
#: the limit was written.
_LEFT, _LOOK_AFTER = 0.9, 0.05


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a cache is, how long an entry stays that nobody uses, and how much all of them may be.

    With no folder nothing is kept.
    """

    folder: str
    seconds: int
    bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """Return those that settings say."""
        folder = settings.cache
        if not folder:
            try:
                folder = os.path.join(cache_folder(), "partials")
            except NoHomeError as error:
                log.warning("nothing is kept for --incremental: %s, or WORD_COUNTER_CACHE", error)
        return cls(folder, settings.cache_seconds, settings.cache_bytes)


class Mapped(NamedTuple):
    """The map output of a chunk, and whether it is from an earlier run."""

    output: MapOutput
    reused: bool


class IncrementalCache:
    """A cache of the map tasks of a job.

    ``job`` is what tells its map tasks from those of another job: its code, params, side files and so on.
    """

    def __init__(self, bounds: Bounds, job: Mapping[str, Any]) -> None:
        self._bounds = bounds
        self.job = job
        self._unchecked = bounds.bytes  # so that the size is checked after the first entry is written
        self._warned = False

    def mapped(self, source: Source, fetched: Fetched, header: bytes, run: Callable[[], MapOutput]) -> Mapped:
        """Return the map output of a chunk from an earlier run; else that of ``run``, which is kept for later runs.

        Args:
            source: the chunk's source.
            fetched: the chunk and its bytes.
            header: the first row of its source, where that names the columns.
            run: maps the chunk.
        """
        if not self._bounds.folder:
            return Mapped(run(), reused=False)
        key = self._key(source, fetched, header)
        if (kept := self._get(key)) is not None:
            return Mapped(kept, reused=True)
        output = run()
        if not output.aside.records:  # the limit of bad records is one of the whole job, so they are not cached
            self._put(key, output)
        return Mapped(output, reused=False)

    def _key(self, source: Source, fetched: Fetched, header: bytes) -> str:
        chunk = fetched.chunk
        # Its place is part of the key, as a mapper may ask for it.
        place = [source.path, source.member, source.encoding, chunk.offset, chunk.line]
        runs = [package_digest(), *sys.version_info[:3]]
        content = [_FORM, runs, self.job, place, fetched.digest, digest_of(header)]
        return digest_of(json.dumps(content, sort_keys=True).encode())

    def _get(self, key: str) -> MapOutput | None:
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                if time.time() - status.st_mtime > self._bounds.seconds:
                    return None
                if not is_private(status, os.stat(os.path.dirname(path)), os.stat(self._bounds.folder)):
                    self._warn(
                        "is not used, as others may write to it or own a part of it; chmod -R go-w it, or remove it"
                    )
                    return None
                digest, _, content = file.read().partition(b"\n")
            if digest.decode() != digest_of(content):
                return None
            os.utime(path)
            lines, pairs, counters, partials = json.loads(content)
        except (OSError, ValueError):
            return None
        return MapOutput({int(partition): text for partition, text in partials.items()}, lines, pairs, counters)

    def _put(self, key: str, output: MapOutput) -> None:
        parts = [output.lines, output.pairs, output.counters, output.partials]
        content = json.dumps(parts, ensure_ascii=False).encode()
        path = self._path(key)
        try:
            make_private(os.path.dirname(path))
            descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
            try:
                with open(descriptor, "wb") as file:
                    file.write(digest_of(content).encode() + b"\n" + content)
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
            self._unchecked += len(content)
            if self._unchecked >= _LOOK_AFTER * self._bounds.bytes:
                self._unchecked = 0
                sweep(self._bounds)
        except OSError as error:
            self._warn(f"cannot be written: {error.strerror}")

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            log.warning("the cache of --incremental in %s %s", self._bounds.folder, what)

    def _path(self, key: str) -> str:
        return os.path.join(self._bounds.folder, key[:2], key[2:])


def sweep(bounds: Bounds) -> None:
    """Remove entries that nobody used for too long, and the least recently used others when the cache is too large."""
    now = time.time()
    found = sorted(_files(bounds.folder))
    size = sum(bytes_ for _, bytes_, _ in found)
    least = _LEFT * bounds.bytes if size > bounds.bytes else size
    for used, bytes_, path in found:
        if size <= least and now - used <= bounds.seconds:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
        size -= bytes_


def _files(folder: str) -> Iterator[tuple[float, int, str]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with contextlib.suppress(OSError):
                status = os.stat(path)
                yield status.st_mtime, status.st_size, path


@functools.cache
def package_digest() -> str:
    """Return the digest of this package's own files, so that the results of another version are not used."""
    folder = os.path.dirname(os.path.dirname(__file__))
    digest = Digest()
    for _, _, path in sorted(_files(folder), key=itemgetter(2)):
        if path.endswith((".py", ".so")):
            with open(path, "rb") as file:
                digest.update(f"{os.path.relpath(path, folder)} {digest_of(file.read())}\n".encode())
    return digest.text
