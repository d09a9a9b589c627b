"""Merging: sorted runs become one stream of entries, with a block of each in memory, however many entries a key has."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from word_counter.shuffle.run_format import SubmitOrResume, sort_key


class _Held:
    """What is in memory of a run: the rest of a block, which is empty at the end of the run."""

    __slots__ = ("block", "run")

    def __init__(self, run: Iterator[list[SubmitOrResume]]) -> None:
        self.run = run
        self.block = next(run, [])


def merged(runs: Iterable[Iterator[list[SubmitOrResume]]]) -> Iterator[SubmitOrResume]:
    """Merge runs, which come in blocks, into one stream that is sorted by key; entries of one key come run by run.

    Up to the smallest of the last keys of all blocks, nothing smaller can come any more: what is below is taken at
    once, and sorted, as it is a few runs that are sorted already. Of that key itself there may be any number of
    blocks, which are passed on one by one.
    """
    held = [_Held(run) for run in runs]
    while held := [head for head in held if head.block]:
        bound = min(sort_key(head.block[-1]) for head in held)
        ready: list[SubmitOrResume] = []
        for head in held:
            end = bisect_left(head.block, bound, key=sort_key)
            ready += head.block[:end]
            head.block = head.block[end:]
        ready.sort(key=sort_key)
        yield from ready
        for head in held:
            while end := bisect_right(head.block, bound, key=sort_key):
                yield from head.block[:end]
                head.block = head.block[end:] or next(head.run, [])
