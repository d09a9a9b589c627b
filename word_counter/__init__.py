"""MapReduce on Redis that one person can run, understand and trust."""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"] and "word_counter" in sys.orig_argv and not sys.flags.safe_path:
    # python -m word_counter: a json.py or redis.py in the current folder must not become ours.
    sys.path.append(sys.path.pop(0))

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from word_counter.errors import JobFailedError, StoreUnavailableError, UsageError, WordCounterError
from word_counter.job import Job
from word_counter.mapper import Lines, Mapper
from word_counter.param import Param
from word_counter.reducer import Reducer
from word_counter.reducers import Collect, Count, Max, Mean, Min, Sum, TopN, Unique, Values
from word_counter.step import Step

if TYPE_CHECKING:
    from word_counter.engines import run
    from word_counter.master import Master
    from word_counter.observer import Observer, Outcome
    from word_counter.worker import Worker

__all__ = [
    "Collect",
    "Count",
    "Job",
    "JobFailedError",
    "Lines",
    "Mapper",
    "Master",
    "Max",
    "Mean",
    "Min",
    "Observer",
    "Outcome",
    "Param",
    "Reducer",
    "Step",
    "StoreUnavailableError",
    "Sum",
    "TopN",
    "Unique",
    "UsageError",
    "Values",
    "WordCounterError",
    "Worker",
    "run",
]

try:
    __version__ = version("word-counter")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0"

#: What is imported at first use, so that a job file that needs Mapper alone does not wait for Redis.
_LATE = {
    "Master": "word_counter.master",
    "Observer": "word_counter.observer",
    "Outcome": "word_counter.observer",
    "Worker": "word_counter.worker",
    "run": "word_counter.engines",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(_LATE[name]), name)
