"""The order of results, and how many of them are written, in bounded memory."""

from __future__ import annotations

import heapq
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import IO, Any

from word_counter.order import order_of
from word_counter.outputs.base import Holding, Rows, as_they_are

#: So many rows, or about so many characters of them, are sorted at once; more go to disk as runs, which are merged.
_RUN_ROWS = 100_000
_RUN_CHARS = 16 * 1024 * 1024
#: A run is read in pieces of so many bytes.
_PIECE_BYTES = 64 * 1024


def arranged(
    rows: Rows, sort: str = "key", top: int = 0, *, holding: Holding = as_they_are
) -> Iterator[tuple[str, Any]]:
    """Yield rows in another order, or the first of them.

    All rows are taken, whatever ``top`` is: who passes them on may count them.

    Args:
        rows: key texts with their values, sorted by key.
        sort: "key", "value" or "-value", which begins with the largest; rows of equal values stay sorted by key.
        top: how many to yield; 0: all.
        holding: goes through what was on disk.
    """
    taken = iter(rows)
    if sort == "key":
        yield from islice(taken, top) if top else taken
        deque(taken, maxlen=0)
    elif 0 < top <= _RUN_ROWS:
        pick = heapq.nlargest if sort == "-value" else heapq.nsmallest
        yield from pick(top, taken, key=_place)
    else:
        with tempfile.TemporaryFile() as file:
            runs = list(_runs(taken, file, falling=sort == "-value"))
            merged = heapq.merge(*runs, key=_place, reverse=sort == "-value")
            yield from islice(holding(merged), top or None)


def _place(row: tuple[str, Any]) -> tuple[int, Any, str]:
    value = row[1]
    return (2, value, "") if value.__class__ is int else order_of(value)


def _runs(rows: Rows, file: IO[bytes], *, falling: bool) -> Iterator[Iterator[tuple[str, Any]]]:
    """Sort rows run by run; yield the runs. All but a run that is the only one are in the file."""
    run: list[tuple[tuple[str, Any], str]] = []
    chars = start = 0
    for row in rows:
        run.append((row, json.dumps(row)))
        chars += len(run[-1][1])
        if len(run) >= _RUN_ROWS or chars >= _RUN_CHARS:
            end = _put(run, file, falling=falling)
            yield _read(file, start, end)
            start = end
            run, chars = [], 0
    run.sort(key=lambda entry: _place(entry[0]), reverse=falling)
    yield map(itemgetter(0), run)


def _put(run: list[tuple[tuple[str, Any], str]], file: IO[bytes], *, falling: bool) -> int:
    """Sort a run and add it to the file; return where it ends."""
    run.sort(key=lambda entry: _place(entry[0]), reverse=falling)
    file.writelines(f"{text}\n".encode() for _, text in run)
    file.flush()
    return file.tell()


def _read(file: IO[bytes], start: int, end: int) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a run, which lies from ``start`` to ``end``; others read the same file meanwhile."""
    rest = b""
    while start < end:
        piece = os.pread(file.fileno(), min(_PIECE_BYTES, end - start), start)
        start += len(piece)
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            key, value = json.loads(line)
            yield key, value
