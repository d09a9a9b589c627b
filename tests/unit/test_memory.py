"""Memory: the figures for a process are about right."""

from __future__ import annotations

import os

from word_counter.settings.memory import UNKNOWN, memory_of


def test_the_memory_of_a_process_grows_with_what_it_holds_and_its_peak_stays() -> None:
    before = memory_of(os.getpid())

    held = bytearray(os.urandom(1)) * 60_000_000
    during = memory_of(os.getpid())
    del held
    after = memory_of(os.getpid())

    assert during.now - before.now > 50_000_000
    assert during.peak >= during.now
    assert after.peak - before.now > 50_000_000
    assert 1_000_000 < after.now < during.now - 30_000_000


def test_of_a_process_that_is_gone_nothing_is_told() -> None:
    assert memory_of(2**22 + 1) == UNKNOWN
