"""The cache: what chunks came to in earlier runs, in files of this user's, for runs with ``incremental``.

An entry is found by the content of a chunk, its place, and all else that a map task depends on: the job's code, params
and side files, the number of partitions, this version. So what is found is what mapping would give. An entry begins
with its own digest: one that was not written whole, or was damaged, is none. The oldest go when they are too old or
too many; whoever uses one makes it young again.
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
from word_counter.inputs.chunk_reader import Fetched
from word_counter.job.model import Source
from word_counter.settings.config import Settings
from word_counter.settings.user_folders import cache_folder

log = logging.getLogger(__name__)

#: The form of entries; part of every key.
_FORM = 1
#: So much is left of a cache that was too large, and after so much of its size was written it is looked at again.
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
    """What a chunk came to, and whether that is from an earlier run."""

    output: MapOutput
    reused: bool


class IncrementalCache:
    """A cache of the map tasks of a job.

    ``job`` is all that tells its map tasks from those of another: its code, and what that is told.
    """

    def __init__(self, bounds: Bounds, job: Mapping[str, Any]) -> None:
        self._bounds = bounds
        self.job = job
        self._unlooked = bounds.bytes  # so that the first entry that is written has it looked at
        self._told = False

    def mapped(self, source: Source, fetched: Fetched, header: bytes, run: Callable[[], MapOutput]) -> Mapped:
        """Return what a chunk came to in an earlier run; else what ``run`` gives, which is kept for later ones.

        Args:
            source: the chunk's source.
            fetched: the chunk and its bytes.
            header: the first row of its source, where rows have names there.
            run: maps it.
        """
        if not self._bounds.folder:
            return Mapped(run(), reused=False)
        key = self._key(source, fetched, header)
        if (kept := self._get(key)) is not None:
            return Mapped(kept, reused=True)
        output = run()
        if not output.aside.records:  # how many of these may be, the whole job decides
            self._put(key, output)
        return Mapped(output, reused=False)

    def _key(self, source: Source, fetched: Fetched, header: bytes) -> str:
        chunk = fetched.chunk
        # Its place is part of the key, as a mapper may ask for it.
        place = [source.path, source.member, chunk.offset, chunk.line]
        runs = [package_digest(), *sys.version_info[:3]]
        content = [_FORM, runs, self.job, place, fetched.digest, digest_of(header)]
        return digest_of(json.dumps(content, sort_keys=True).encode())

    def _get(self, key: str) -> MapOutput | None:
        path = self._path(key)
        try:
            if time.time() - os.stat(path).st_mtime > self._bounds.seconds:
                return None
            with open(path, "rb") as file:
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
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
            try:
                with open(descriptor, "wb") as file:
                    file.write(digest_of(content).encode() + b"\n" + content)
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
            self._unlooked += len(content)
            if self._unlooked >= _LOOK_AFTER * self._bounds.bytes:
                self._unlooked = 0
                sweep(self._bounds)
        except OSError as error:
            if not self._told:
                self._told = True
                log.warning("cannot keep partials in %s: %s", self._bounds.folder, error.strerror)

    def _path(self, key: str) -> str:
        return os.path.join(self._bounds.folder, key[:2], key[2:])


def sweep(bounds: Bounds) -> None:
    """Remove the entries that nobody used for too long, and of the others the oldest when they are too much."""
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
    """Return the digest of this package's own files: what another version comes to is not taken for this one's."""
    folder = os.path.dirname(os.path.dirname(__file__))
    digest = Digest()
    for _, _, path in sorted(_files(folder), key=itemgetter(2)):
        if path.endswith((".py", ".so")):
            with open(path, "rb") as file:
                digest.update(f"{os.path.relpath(path, folder)} {digest_of(file.read())}\n".encode())
    return digest.text
