"""The table of kinds: a new kind of source is a line here, and a file beside those of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from word_counter.errors import InputError
from word_counter.inputs.base import Kind, Opened, Place, Search
from word_counter.inputs.kinds.archive_member import ArchiveMember
from word_counter.inputs.kinds.packed_file import PackedFile
from word_counter.inputs.kinds.plain_file import PlainFile
from word_counter.inputs.kinds.stream_file import StreamFile
from word_counter.inputs.kinds.url import Url
from word_counter.job.model import Source
from word_counter.security.input_roots import InputRoots

#: The kinds, in the order in which they are asked whether a name, a path or a source is of them.
KINDS: tuple[type[Kind], ...] = (
    StreamFile,
    ArchiveMember,
    PackedFile,
    Url,
    PlainFile,
)


def paths_of(name: str, search: Search) -> Sequence[str]:
    """Return the paths that a name stands for; InputError when there are none."""
    for kind in KINDS:
        if (found := kind.find(name, search)) is not None:
            return found
    raise AssertionError(name)  # the last kind takes every name


def sources_at(path: str, search: Search) -> list[Source]:
    """Return the sources that a path leads to; InputError when it cannot be read."""
    place = Place(path, search)
    try:
        for kind in KINDS:
            if (found := kind.sources(place)) is not None:
                return found
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise InputError(message) from error
    finally:
        place.close()
    raise AssertionError(path)


def kind_of(source: Source) -> type[Kind]:
    """Return the kind of a source; InputError when none of them has it: a newer version made it."""
    for kind in reversed(KINDS):  # most are plain files, the last one
        if kind.has(source):
            return kind
    message = f"{source.name} is of a kind ({source.packing}) that this version does not know"
    raise InputError(message)


class Openings:
    """Opens sources one after the other; each kind may keep open what the next of its sources needs too."""

    def __init__(self, roots: InputRoots | None = None) -> None:
        """Make it; ``roots`` are the files that may be read, by default any."""
        self._roots = roots
        self._kinds: dict[type[Kind], Kind] = {}

    def open(self, source: Source) -> Opened:
        """Open a source, which may have changed; ForbiddenError, InputError or OSError when it cannot be."""
        kind = kind_of(source)
        if kind not in self._kinds:
            self._kinds[kind] = kind(self._roots)
        return self._kinds[kind].open(source)

    @contextmanager
    def opened(self, source: Source) -> Iterator[Opened]:
        """Open a source that is what the job found, and is so still when it was read.

        Raises:
            OSError: it cannot be opened.
            InputError: it is not in its archive, that is damaged, or standard input was read before.
            InputChangedError: it is not as it was when the job was made.
        """
        opened = self.open(source)
        try:
            opened.check()
            yield opened
            opened.check()
        finally:
            opened.close()

    def close(self) -> None:
        """Let go of what was kept open."""
        for kind in self._kinds.values():
            kind.close()
        self._kinds.clear()
