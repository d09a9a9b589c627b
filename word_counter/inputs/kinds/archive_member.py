"""Archive members: each file in a tar or zip file is a source; they are read in the order in which they lie there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from word_counter.inputs.base import Opened, Place, status_of
from word_counter.inputs.kinds.decompression import ARCHIVES, archive_kind
from word_counter.inputs.kinds.stored_file import OpenStream, StoredFile, source_at
from word_counter.job.model import Source
from word_counter.security.input_roots import InputRoots

if TYPE_CHECKING:
    from word_counter.inputs.kinds.archive import Archive


class ArchiveMember(StoredFile):
    """A file in an archive. The archive stays open: the next source is likely to be in it too."""

    def __init__(self, roots: InputRoots | None = None) -> None:
        super().__init__(roots)
        self._archive: Archive | None = None

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Return a source a file that is wanted; archives are told by their names."""
        kind = archive_kind(place.path)
        if not kind:
            return None
        from word_counter.inputs.kinds.archive import members  # which takes a while, and few need it

        _ = place.status  # asked before members closes the file
        inside = [one for one in members(place.path, place.file) if place.search.path_filter.takes(one.name)]
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
            self._archive = Archive(source.path, self.roots.open(source.path))
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
