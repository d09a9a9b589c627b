"""Progress rate: how fast a job maps its input, how long that will take, and how far it is."""

from __future__ import annotations

from collections import deque

from word_counter.job.model import JobState
from word_counter.observer import Progress
from word_counter.settings.plurals import plural

#: The speed is measured over so many seconds: long enough to even out single commits, and short enough to show a worker
#: that joins.
_WINDOW_SECONDS = 20.0
#: Measurements closer together than this, in seconds, count as one.
_APART_SECONDS = 0.25


class ProgressRate:
    """The recent speed of mapping, in bytes a second, and how long the rest will take."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._to_map = 0

    def see(self, progress: Progress) -> None:
        """Take in how far the job is."""
        self._to_map = progress.bytes - progress.bytes_mapped if progress.state is JobState.MAPPING else 0
        point = (progress.seconds, progress.bytes_mapped)
        if len(self._points) > 1 and point[0] - self._points[-2][0] < _APART_SECONDS:
            self._points[-1] = point
        else:
            self._points.append(point)
        while len(self._points) > 2 and point[0] - self._points[1][0] >= _WINDOW_SECONDS:  # noqa: PLR2004
            self._points.popleft()

    @property
    def speed(self) -> float:
        """Bytes of input a second; 0 when nothing was mapped recently."""
        if len(self._points) < 2:  # noqa: PLR2004
            return 0.0
        (began, before), (now, after) = self._points[0], self._points[-1]
        return (after - before) / (now - began) if now > began else 0.0

    @property
    def left(self) -> float | None:
        """How many seconds mapping will take from now on; None when that is not known."""
        return self._to_map / self.speed if self._to_map and self.speed else None


def done_share(progress: Progress) -> int:
    """Return how much of the input is mapped, in whole percent; 100 when all is, and not before."""
    if progress.state is not JobState.MAPPING or not progress.bytes:
        return 100
    if progress.phase:  # its input is not counted in bytes
        return 100 * progress.chunks_mapped // max(1, progress.chunks)
    return min(100 * progress.bytes_mapped // progress.bytes, 99 if chunks_left(progress) else 100)


def chunks_left(progress: Progress) -> bool:
    """Whether there are chunks to map, or input to split."""
    return not progress.split_done or progress.chunks_mapped < progress.chunks


def chunks_text(progress: Progress) -> str:
    """Return chunks done and known so far: ``3/8``, or ``3/8+`` while there will be more."""
    return f"{progress.chunks_mapped:,}/{progress.chunks:,}{'' if progress.split_done else '+'}"


def chunks_noun(progress: Progress) -> str:
    """Return the noun that goes with :func:`chunks_text`."""
    return plural(progress.chunks if progress.split_done else 0, "chunk")


def partitions_text(progress: Progress) -> str:
    """Return partitions done and all, as in ``3/8``."""
    return f"{progress.partitions_reduced:,}/{progress.partitions:,}"
