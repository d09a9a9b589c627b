"""Prefetch: the size of the input while it is being read."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.packed import PACKERS
from word_counter.inputs.base import Cutting
from word_counter.inputs.prefetch import Prefetch
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Cursor


def test_what_workers_read_themselves_is_not_estimated(folder: Path) -> None:
    plain, packed = b"a\n" * 30_000, b"b c\n" * 500
    (folder / "a.txt").write_bytes(plain)
    (folder / "b.gz").write_bytes(PACKERS["gzip"](packed))
    sources = find_sources(folder)
    with closing(Prefetch(sources, Cursor(), Cutting(1))) as prefetch:  # which stops when 10,000 pieces wait
        for _ in range(2):
            assert len(prefetch.take(5_000, 10**9, 60.0)) > 0
            assert prefetch.input_bytes == sum(source.size for source in sources)
        while not prefetch.ended:
            prefetch.take(5_000, 10**9, 60.0)

        assert prefetch.input_bytes == len(plain) + len(packed)
