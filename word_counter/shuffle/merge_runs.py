"""K-way merge: sorted runs become one stream of entries. Only one block of each run is in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from word_counter.shuffle.run_format import RunEntry, sort_key


class _Head:
    """The part of a run that is in memory: the rest of a block, which is empty at the end of the run."""

    __slots__ = ("block", "run")

    def __init__(self, run: Iterator[list[RunEntry]]) -> None:
        self.run = run
        self.block = next(run, [])


def merged(runs: Iterable[Iterator[list[RunEntry]]]) -> Iterator[RunEntry]:
    """Merge runs, which come in blocks, into one stream that is sorted by key; entries of one key come run by run.

    The bound is the smallest of the last keys of all blocks. No entry below it can come any more. So all entries below
    it are taken at once and sorted, which is fast as they are a few sorted runs. The key of the bound itself may fill
    any number of blocks, which are passed on one by one.
    """
    heads = [_Head(run) for run in runs]
    while heads := [head for head in heads if head.block]:
        bound = min(sort_key(head.block[-1]) for head in heads)
        ready: list[RunEntry] = []
        for head in heads:
            end = bisect_left(head.block, bound, key=sort_key)
            ready += head.block[:end]
            head.block = head.block[end:]
        ready.sort(key=sort_key)
        yield from ready
        for head in heads:
            while end := bisect_right(head.block, bound, key=sort_key):
                yield from head.block[:end]
                head.block = head.block[end:] or next(head.run, [])
