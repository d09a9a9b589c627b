"""Lines of logs in windows of time, such as errors a minute.

`word-counter run app.log --job windows --param levels=ERROR,FATAL --param size=60`. With `every` windows overlap: the
last hour, each five minutes, is `size=3600` and `every=300`. A window's key is its start in UTC; one without lines is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from word_counter import Job, Param, Sum
from word_counter.logs import TIME_PARAMS, LogMapper, Record


class InWindows(LogMapper):
    """Yields the windows of a line."""

    def map_record(self, record: Record) -> Iterator[tuple[str, int]]:
        if self.wants(record, self.params["levels"]):
            for start in self.windows(record):
                yield start, 1


class Windows(Job):
    """Lines by window."""

    mapper = InWindows
    reducer = Sum
    params = {
        **TIME_PARAMS,
        "levels": Param(
            [], "count lines of these levels alone, however spelled; of requests 5xx is a class, and 503 a status"
        ),
        "size": Param(60, "how long a window is, in seconds", least=1),
        "every": Param(0, "a window begins each so many seconds; 0: where the last one ends", least=0),
    }
    settings = LogMapper.KEPT
