"""Pairs: the input of the mappers of all steps but the first, as lines are the input of the first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from word_counter.settings.plurals import count


class Pairs:
    """The pairs of one chunk of a step's results. Iterating gives each as a tuple of key and value.

    Attributes:
        source: where they are from, in words.
        line: the number of the first pair within the chunk, from 1.
    """

    __slots__ = ("_cursor", "_pairs", "line", "source")

    def __init__(self, pairs: Sequence[tuple[Any, Any]], source: str = "", line: int = 1) -> None:
        self._pairs = list(pairs)
        self.source = source
        self.line = line
        self._cursor: Iterator[tuple[Any, Any]] | None = None

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        self._cursor = iter(self._pairs)
        return self._cursor

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def offset(self) -> int:
        """Where they start in their source: always 0, as pairs have no bytes."""
        return 0

    @property
    def raw(self) -> bytes:
        """The pairs as text."""
        return "\n".join(map(_text, self._pairs)).encode("utf-8", "replace")

    def each(self) -> Iterator[Pairs]:
        """Yield each pair as pairs of its own."""
        for number, pair in enumerate(self._pairs):
            yield Pairs([pair], self.source, self.line + number)

    def leave(self) -> None:
        """Forget the running iteration: no pair is being read any more."""
        self._cursor = None

    @property
    def index(self) -> int | None:
        """The index of the pair that the running iteration gave last; None before any."""
        if self._cursor is None:
            return None
        left: int = self._cursor.__length_hint__()  # type: ignore[attr-defined]
        index = len(self._pairs) - left - 1
        return index if index >= 0 else None

    def place(self, index: int | None) -> str:
        """Return the place of the pair of this index, in words; of the chunk when it is None."""
        if index is None:
            return f"{self.source}, in the {count(len(self._pairs), 'pair')} from pair {self.line} on"
        return f"{self.source}, pair {self.line + index}: {_text(self._pairs[index])}"


def _text(pair: tuple[Any, Any]) -> str:
    return json.dumps(pair, ensure_ascii=False)
