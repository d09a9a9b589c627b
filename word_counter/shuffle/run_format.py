"""The lines of a run: a JSON list of key and travelled value each, sorted by key.

A run is what a chunk gives a partition, in UTF-8. Keys are sorted by their text, text before what only looks like it
(the key ``"1"`` before the key ``1``). A long list of values goes on in the lines after it, under the same key, so that
no line that is read is much longer than a single value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, NamedTuple

from word_counter.shuffle.partitioning import canonical, compact, decode_partial, key_text

#: The text of a key, 0 when it is text and 1 when it is anything else, what travelled (a value, or a list of them), and
#: how many bytes its line has.
SubmitOrResume = tuple[str, int, Any, int]
#: What the entries of a run are sorted by.
sort_key = itemgetter(0, 1)

#: So many values stand in one line at the most, in about so many bytes, unless a single one has more.
_LINE_VALUES = 500
_LINE_BYTES = 16 * 1024
#: What a reference begins with, as no JSON does.
_MARK = "@"


class Reference(NamedTuple):
    """What stands in Redis in the place of what a file holds: where that is, and how it is known again."""

    name: str  #: of the file, below the folder of the job
    offset: int  #: in bytes
    length: int  #: in bytes
    checksum: int  #: CRC-32

    def to_text(self) -> str:
        """Return it as text."""
        return f"{_MARK}{self.name} {self.offset} {self.length} {self.checksum:08x}"

    @classmethod
    def from_text(cls, text: str | bytes) -> Reference | None:
        """Return what a text refers to; None when it is no reference but the very content.

        Raises:
            ValueError: it begins as a reference, and is none.
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
    """Yield the lines of a run, from the partial of a chunk; ``folds``: a key travels as one value, not as a list."""
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


def line_of(entry: SubmitOrResume) -> bytes:
    """Return the line of an entry."""
    text, kind, value, _ = entry
    return _line(text if kind else encode_basestring(text), value)


def entries_of(lines: list[bytes]) -> list[SubmitOrResume]:
    """Return the entries of lines; ValueError or TypeError when they are none."""
    return [
        (key, 0, value, len(line))
        if key.__class__ is str
        else (key_text(canonical(tuple(key) if isinstance(key, list) else key)), 1, value, len(line))
        for line, (key, value) in zip(lines, json.loads(b"[" + b",".join(lines) + b"]"), strict=True)
    ]
