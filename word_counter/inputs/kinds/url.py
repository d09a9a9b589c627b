"""URLs: files of remote stores, found and read in ranges by workers themselves, where the store gives ranges."""

from __future__ import annotations

import re

from word_counter.errors import InputError
from word_counter.files.remote_reader import comes_in_ranges, find
from word_counter.files.urls import holds_secret, is_url, refusal
from word_counter.inputs.base import Opened, Place, Search
from word_counter.inputs.kinds.decompression import is_wanted
from word_counter.inputs.kinds.stored_file import OpenFile, OpenStream, StoredFile, check_unchanged, look_at, source_at
from word_counter.inputs.path_filter import is_no_data
from word_counter.job.model import WHOLE, Source


class Url(StoredFile):
    """A file behind a URL that is not packed."""

    @classmethod
    def find(cls, name: str, search: Search) -> list[str] | None:
        """Return the URLs of the files that a URL stands for: one, those below a folder, or those a glob matches."""
        if not is_url(name):
            return None
        _refuse_passwords(name)
        if why := refusal(name):
            message = f"the input {name} {why}"
            raise InputError(message)
        urls = find(name)
        if urls == [name]:
            return urls
        folder = re.split(r"[*?\[]", name)[0]
        below = {url: url.removeprefix(folder).lstrip("/") for url in urls}
        shown = {url: path for url, path in below.items() if not is_no_data(path) or is_no_data(name)}
        wanted = [url for url, path in shown.items() if is_wanted(path, search.path_filter)]
        if not wanted:
            message = f"no file matches {name}{search.that_fit}"
            raise InputError(message)
        return wanted

    @classmethod
    def sources(cls, place: Place) -> list[Source] | None:
        """Return one source; of a web server that gives nothing but the whole it is read as a stream."""
        if not is_url(place.path):
            return None
        look_at(place)
        packing = "" if comes_in_ranges(place.path) else WHOLE
        return [source_at(place, packing)]

    @classmethod
    def has(cls, source: Source) -> bool:
        """Tell by the path."""
        return source.packing in {"", WHOLE} and is_url(source.path)

    @classmethod
    def travels(cls, source: Source) -> bool:
        """Only where there are no ranges."""
        return source.packing == WHOLE

    def open(self, source: Source) -> Opened:
        """Open it, as a file to be read in ranges or as a stream."""
        file = self.roots.open(source.path)
        if source.packing != WHOLE:
            return OpenFile(type(self), source, file)

        return OpenStream(source, file.read, None, lambda: check_unchanged(type(self), source, file), file.close)


def _refuse_passwords(url: str) -> None:
    if holds_secret(url):
        shown = re.sub(r"://[^/@]*@", "://...@", url).partition("?")[0]
        message = (
            f"the input {shown} holds a password or a token, which would stand in Redis and in the receipt; give it "
            "where its library looks for it, or read the file through a pipe: curl URL | word-counter run -"
        )
        raise InputError(message)
