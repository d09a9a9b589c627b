"""External sort: values that do not fit into memory are sorted run by run on disk, and the runs are merged."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from operator import itemgetter
from typing import IO, Any

from word_counter.shuffle.spill_file import read_lines

#: A run has at most so many values, or about so many characters of JSON text. All runs but the last go to disk.
_RUN_VALUES = 100_000
_RUN_CHARS = 16 * 1024 * 1024


def sorted_on_disk(
    values: Iterable[Any], order: Callable[[Any], Any], room: AbstractContextManager[str], *, falling: bool = False
) -> Iterator[Any]:
    """Yield values of JSON by their ``order``; equal ones stay in theirs. What was on disk has lists for tuples.

    ``room`` gives the folder for a file, and says what it means when there is no room in it
    (:func:`word_counter.settings.user_folders.room_for`).
    """
    with room as folder, tempfile.TemporaryFile(dir=folder) as file:
        runs = list(_runs(values, order, file, falling=falling))
        yield from heapq.merge(*runs, key=order, reverse=falling)


def _runs(
    values: Iterable[Any], order: Callable[[Any], Any], file: IO[bytes], *, falling: bool
) -> Iterator[Iterator[Any]]:
    """Sort values run by run, and yield the runs. All but the last are in the file."""
    run: list[tuple[Any, str]] = []
    chars = start = 0

    def sort() -> None:
        run.sort(key=lambda entry: order(entry[0]), reverse=falling)

    for value in values:
        run.append((value, json.dumps(value)))
        chars += len(run[-1][1])
        if len(run) >= _RUN_VALUES or chars >= _RUN_CHARS:
            sort()
            file.writelines(f"{text}\n".encode() for _, text in run)
            file.flush()
            yield _read(file, start, file.tell())
            start = file.tell()
            run.clear()
            chars = 0
    sort()
    yield map(itemgetter(0), run)


def _read(file: IO[bytes], start: int, end: int) -> Iterator[Any]:
    return (json.loads(line) for lines in read_lines(file.fileno(), start, end) for line in lines)
