"""A job for trying out failures: it is slow, and a line may cause one. docs/explanation/failures.md uses it.

Each line takes 5 ms. A line that begins with `raise` raises, one with `crash` kills its process as a fault in a C
library would, one with `hang` never ends.
"""

import os
import signal
import time
from collections.abc import Iterator

from word_counter import Job, Mapper, Sum


class TroubleMapper(Mapper):
    """Yields the first word of each line."""

    def map(self, line: str) -> Iterator[tuple[str, int]]:
        time.sleep(0.005)
        word = line.partition(" ")[0]
        if word == "raise":
            message = "this line asked for it"
            raise ValueError(message)
        if word == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        while word == "hang":
            time.sleep(1)
        yield word, 1


class Trouble(Job):
    """Counts first words."""

    mapper = TroubleMapper
    reducer = Sum
