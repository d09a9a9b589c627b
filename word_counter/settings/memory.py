"""Memory: how much memory a process uses now and has used at most, and how much the machine has, in bytes."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from functools import cache
from typing import NamedTuple

#: ru_maxrss is in KiB on Linux, in bytes on macOS.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
#: Options of malloc by their numbers in malloc.h, and their values in bytes.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT_BLOCK_BYTES = 32 * 1024 * 1024
_KEPT_BYTES = 256 * 1024 * 1024


class Memory(NamedTuple):
    """Resident memory of a process, in bytes; 0 where it is not known."""

    now: int = 0
    peak: int = 0


UNKNOWN = Memory()


def memory_of(pid: int) -> Memory:
    """Return the memory of a process of this user; zeros when it has just ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split()[:2] for line in file if line.startswith(("VmRSS:", "VmHWM:")))
        now = int(fields["VmRSS:"]) * 1024
        return Memory(now, max(now, int(fields["VmHWM:"]) * 1024))  # the two are measured one after the other
    except (OSError, KeyError, ValueError):
        pass
    now = 0
    if sys.platform != "linux":  # there is no /proc, and only the process itself knows its peak
        with contextlib.suppress(OSError, ValueError):
            listed = subprocess.run(
                ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
            )
            now = int(listed.stdout) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT if pid == os.getpid() else 0
    return Memory(now, max(now, peak))


def machine_memory() -> int:
    """Return how much memory this machine, or the container that this process is in, has, in bytes."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError), open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
        found = min(found, int(file.read()))  # "max" when there is no limit
    return found


@cache
def keep_what_is_freed() -> None:
    """Have this process keep up to about 256 MiB of memory that it has freed, to use it again.

    Otherwise large blocks are taken from the system and given back each time, and getting such a block takes longer
    than filling it. With another C library than glibc nothing happens.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BLOCK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def peak_of_the_ended() -> int:
    """Return the highest peak of the children of this process that have ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _PEAK_UNIT
