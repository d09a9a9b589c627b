"""Run format: a run is lines sorted by key. Each line is a JSON list of a key and an intermediate value.

A run is the partial of a chunk for a partition, in UTF-8. Keys are sorted by their text; of equal texts a string comes
first (the key ``"1"`` before the key ``1``). A long list of values continues on the next lines under the same key, so
that no line is much longer than a single value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, NamedTuple

from word_counter.shuffle.partitioning import canonical, compact, decode_partial, key_text

#: The text of a key; 0 when the key is a string, else 1; the intermediate value, or a list of values; the length of
#: the line in bytes.
RunEntry = tuple[str, int, Any, int]
#: Returns what the entries of a run are sorted by.
sort_key = itemgetter(0, 1)

#: The most values in one line, and about the most bytes, unless a single value has more.
_LINE_VALUES = 500
_LINE_BYTES = 16 * 1024
#: How a reference begins. No JSON text begins like this.
_MARK = "@"


class Reference(NamedTuple):
    """What Redis has in place of content that is in a file: where the content is, and its checksum."""

    name: str  #: of the file, below the folder of the job
    offset: int  #: in bytes
    length: int  #: in bytes
    checksum: int  #: CRC-32

    def to_text(self) -> str:
        """Return it as text."""
        return f"{_MARK}{self.name} {self.offset} {self.length} {self.checksum:08x}"

    @classmethod
    def from_text(cls, text: str | bytes) -> Reference | None:
        """Return the reference in a text; None when the text is the content itself.

        Raises:
            ValueError: it begins like a reference, but is not one.
        """
        if isinstance(text, bytes):
            if not text.startswith(_MARK.encode()):
                return None
            text = text.decode()
        if not text.startswith(_MARK):
            return None
        name, offset, length, checksum = text.removeprefix(_MARK).split(" ")
        if any(part in {"", ".", ".."} for part in name.split("/")):
            message = f"{name!r} is no name of a run"
            raise ValueError(message)
        return cls(name, int(offset), int(length), int(checksum, 16))


def lines_of(partial: str | bytes, *, folds: bool) -> Iterator[bytes]:
    """Yield the lines of a run from a partial. With ``folds`` a key has one combined value, else a list of values."""
    entries = [(key_text(group), int(group.__class__ is not str), value) for group, value in decode_partial(partial)]
    entries.sort(key=sort_key)
    for text, kind, value in entries:
        key = text if kind else encode_basestring(text)
        if folds:
            yield _line(key, value)
        else:
            for start in range(0, len(value), _LINE_VALUES):
                yield from _short_lines(key, value[start : start + _LINE_VALUES])


def _short_lines(key: str, values: list[Any]) -> Iterator[bytes]:
    line = _line(key, values)
    if len(line) <= _LINE_BYTES or len(values) == 1:
        yield line
    else:
        half = len(values) // 2
        yield from _short_lines(key, values[:half])
        yield from _short_lines(key, values[half:])


def _line(key: str, value: Any) -> bytes:
    return f"[{key},{value if value.__class__ is int else compact(value)}]\n".encode()


def line_of(entry: RunEntry) -> bytes:
    """Return the line of an entry."""
    text, kind, value, _ = entry
    return _line(text if kind else encode_basestring(text), value)


def entries_of(lines: list[bytes]) -> list[RunEntry]:
    """Return the entries in lines; ValueError or TypeError when a line is not an entry."""
    return [
        (key, 0, value, len(line))
        if key.__class__ is str
        else (key_text(canonical(tuple(key) if isinstance(key, list) else key)), 1, value, len(line))
        for line, (key, value) in zip(lines, json.loads(b"[" + b",".join(lines) + b"]"), strict=True)
    ]
