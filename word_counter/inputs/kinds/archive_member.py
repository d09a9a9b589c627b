"""Archive members: each file in a tar or zip file is a source; they are read in the order in which they lie there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from word_counter.errors import spelled
from word_counter.files.urls import is_url
from word_counter.inputs.base import Opened, Place, status_of
from word_counter.inputs.kinds.decompression import ARCHIVES, archive_kind, inner_head, packing_of
from word_counter.inputs.kinds.signatures import (
    binary_kind,
    is_office,
    is_tar,
    is_zip,
    refuse_archive,
    refuse_unread,
)
from word_counter.inputs.kinds.stored_file import OpenStream, StoredFile, source_at
from word_counter.job.model import Source
from word_counter.security.input_roots import InputRoots

if TYPE_CHECKING:
    from word_counter.inputs.kinds.archive import Archive, Member

#: Of so many files in an archive the beginning is looked at before the run; of all when they are read.
_HEADS = 1_000


class ArchiveMember(StoredFile):
    """A file in an archive. The archive stays open: the next source is likely to be in it too."""

    def __init__(self, roots: InputRoots | None = None) -> None:
        super().__init__(roots)
        self._archive: Archive | None = None

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Return a source a file that is wanted; archives are told by their content, and by their names."""
        kind = _kind_of(place)
        if not kind:
            return None
        from word_counter.inputs.kinds.archive import members  # which takes a while, and few need it

        _ = place.status  # asked before members closes the file
        heads = 0 if is_url(place.path) else _HEADS
        inside = members(place.path, place.file, kind, place.search.path_filter.takes, heads)
        _look_at(place, inside)
        return [source_at(place, kind, one.name, one.size) for one in inside]

    @classmethod
    def has(cls, source: Source) -> bool:
        """Tell by the packing."""
        return source.packing in ARCHIVES

    @classmethod
    def now(cls, source: Source) -> Source:
        """Return the source with the time of change of its archive."""
        return replace(source, modified=status_of(source.path).modified)

    def open(self, source: Source) -> Opened:
        """Open the archive; the file in it is looked for when it is read."""
        if self._archive is None or self._archive.path != source.path:
            from word_counter.inputs.kinds.archive import Archive  # which takes a while, and few need it

            self.close()
            self._archive = Archive(source.path, self.roots.open(source.path), source.packing)
        archive = self._archive
        member = archive.member(source.member)

        def check() -> None:
            self.check(source, replace(source, modified=status_of(source.path, archive.file).modified))

        return OpenStream(source, member.read, None, check, member.close)

    def close(self) -> None:
        """Close the archive that was opened last."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None


def _look_at(place: Place, inside: Sequence[Member]) -> None:
    """See to it that the files in an archive are text, as far as their beginnings tell; others are noted.

    Raises:
        InputError: one is packed in a way that is not read, or is an archive in the archive.
    """
    search = place.search
    if is_office([member.name for member in inside]):
        search.binary.append((place.path, "an office document"))
        return
    for member in inside:
        name, head = f"{spelled(place.path)}!{spelled(member.name)}", member.head
        if packing := packing_of(head):
            head = inner_head(BytesIO(head).read, packing)
        refuse_unread(head, name, by_name=head is member.head, encoding=search.encoding)
        refuse_archive(head, name)
        if what := binary_kind(head, search.encoding):
            search.binary.append((name, what))


def _kind_of(place: Place) -> str:
    """Return what kind of archive a file is; nothing: it is none."""
    if is_zip(place.head):
        return "zip"
    if is_tar(place.inner):
        return "tar"
    return archive_kind(place.path)
