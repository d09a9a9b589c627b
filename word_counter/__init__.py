"""MapReduce on Redis that one person can run, understand and trust."""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"] and "word_counter" in sys.orig_argv and not sys.flags.safe_path:
    # python -m word_counter: a json.py or redis.py in the current folder must not become ours.
    sys.path.append(sys.path.pop(0))

TYPE_CHECKING = False  # type checkers take it for True; importing it from typing would take time
if TYPE_CHECKING:
    from typing import Any

    from word_counter.engines.run_job import run
    from word_counter.errors import JobFailedError, StoreUnavailableError, UsageError, WordCounterError
    from word_counter.job.job import Job
    from word_counter.job.mapper import Lines, Mapper
    from word_counter.job.param import Param
    from word_counter.job.reducer import LEFT_OUT, Reducer
    from word_counter.job.reducers import Collect, Count, Max, Mean, Min, Sum, TopN, Unique, Values
    from word_counter.job.snapshot import Failure
    from word_counter.job.step import Step
    from word_counter.master.master import Master
    from word_counter.observer import Observer, Outcome, Progress
    from word_counter.worker.worker import Worker

    __version__: str

__all__ = [
    "LEFT_OUT",
    "Collect",
    "Count",
    "Failure",
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
    "Progress",
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

#: The module of each name. A name is imported at first use: a job file that needs only Mapper does not wait for Redis,
#: and the command handles Ctrl-C before it imports anything.
_PLACES = {
    "engines.run_job": ("run",),
    "errors": ("JobFailedError", "StoreUnavailableError", "UsageError", "WordCounterError"),
    "job.job": ("Job",),
    "job.mapper": ("Lines", "Mapper"),
    "master.master": ("Master",),
    "observer": ("Observer", "Outcome", "Progress"),
    "job.param": ("Param",),
    "job.reducer": ("LEFT_OUT", "Reducer"),
    "job.reducers": ("Collect", "Count", "Max", "Mean", "Min", "Sum", "TopN", "Unique", "Values"),
    "job.snapshot": ("Failure",),
    "job.step": ("Step",),
    "worker.worker": ("Worker",),
}
_MODULES = {name: f"word_counter.{module}" for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from word_counter.settings.distribution import version_text

        value = version_text()
    elif name in _MODULES:
        from importlib import import_module

        value = getattr(import_module(_MODULES[name]), name)
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
