"""Packed files: gzip, bzip2, xz or zstd by their content, on this machine or behind a URL; read from the beginning."""

from __future__ import annotations

import os

from word_counter.errors import InputError
from word_counter.inputs.base import Opened, Place
from word_counter.inputs.kinds.decompression import PACKINGS, SUFFIXES
from word_counter.inputs.kinds.stored_file import OpenStream, StoredFile, check_unchanged, look_at, source_at
from word_counter.job.model import Source


class PackedFile(StoredFile):
    """A file that is packed."""

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Tell by the head; InputError when the name says that it is packed, and it is not."""
        packing = place.packing
        named = SUFFIXES.get(os.path.splitext(place.path)[1].lower(), "")
        if named and not packing:
            what = "is empty" if not place.head else "does not begin as one"
            message = (
                f"{place.path} should be a {named} file by its name, and {what}; rename it if it is none, "
                "or leave it out"
            )
            raise InputError(message)
        if not packing:
            return None
        look_at(place)
        return [source_at(place, packing)]

    @classmethod
    def has(cls, source: Source) -> bool:
        """Tell by the packing."""
        return source.packing in PACKINGS

    def open(self, source: Source) -> Opened:
        """Open the file."""
        file = self.roots.open(source.path)

        return OpenStream(
            source, file.read, source.packing, lambda: check_unchanged(type(self), source, file), file.close
        )
