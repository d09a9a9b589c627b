"""Settings of a run: their names, defaults and allowed values. The only module that reads os.environ.

The value of a setting is the first that is found in: the call or the command line, the environment
(``WORD_COUNTER_<NAME>``; a few have an older, shorter name too), the job's own ``settings``, the defaults here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from word_counter.errors import UsageError
from word_counter.settings.cpu_count import available_cores
from word_counter.settings.redis_url import from_parts
from word_counter.settings.value_readers import flag, job_id, listed, one_of, path, seconds, text, whole

_TRANSPORTS = ("auto", "inline")
_ENGINES = ("redis", "inline")
_ON_BAD_CHUNK = ("fail", "skip")
_LOG_FORMATS = ("text", "json")
_KERNELS = ("auto", "native", "python")
_PROGRESS = ("auto", "bar", "log", "none")
_OUTPUT_FORMATS = ("auto", "json", "jsonl", "csv", "tsv", "mr-out", "parquet", "sqlite", "postgresql")
_SORTS = ("key", "value", "-value")
#: What the results are called, within the folder that is their output, when each partition has a file of its own.
PARTS = "mr-out-*"
_PREFIX = "WORD_COUNTER_"
#: A partition costs a task, two keys, and a field in each chunk's commit. More of them would slow small jobs down.
_MOST_PARTITIONS = 4096
#: More processes than any machine has use for, but few enough that a typing error does no harm.
MOST_WORKERS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a run, checked. Durations are in seconds."""

    #: The URL of Redis; empty: start a private server. It may contain a password, and so is not in the repr.
    redis: str = field(default="", repr=False)
    #: What masters and workers sign tasks and check them with, so that nobody else can give a worker something to do.
    #: Empty: that of this user on this machine, or one of this run alone. It is no option, as `ps` would show it.
    secret: str = field(default="", repr=False)
    #: What a worker may load besides the shipped jobs: modules with all below them, files, directories.
    allow: tuple[str, ...] = ()
    #: The files and directories that a worker may read input from; none: any that a signed batch names.
    input_root: tuple[str, ...] = ()
    #: Patterns of the files to read below directories, among those that globs match, and in archives; and of those to
    #: leave out.
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    #: What the records of the input are, instead of what the job says.
    input_format: str = ""
    #: The encoding of inputs that do not begin with a byte order mark, instead of what the job says; else UTF-8.
    encoding: str = ""
    #: How chunks get to workers. "auto": workers read the files, and get the chunks that they cannot read themselves
    #: through Redis. "inline": all chunks go through Redis, as workers may not have the files.
    transport: str = "auto"
    #: How partials and results get from task to task: "redis", a folder that all workers share, or its URL. "auto":
    #: through Redis, but through files on this machine when a private server takes too much of its memory.
    shuffle: str = "auto"
    #: The folders and URLs below which a worker may write and read run files; none: nowhere.
    shuffle_root: tuple[str, ...] = ()
    #: Lines in a chunk; 0: a size that suits the input.
    chunk_size: int = 0
    #: How many partitions the keys are spread over. Each is reduced by a task of its own.
    partitions: int = 8
    #: Workers to start for this run; -1: as many as cores.
    workers: int = -1
    #: What runs the tasks.
    engine: str = "redis"
    #: Where the results go: a path, a URL that fsspec knows, a table as postgresql://...?table=NAME, or "-" for
    #: standard output.
    output: str = "output/results.json"
    #: How the results are written. "auto": what the output's name says, else JSON. "mr-out": one file of lines for each
    #: partition; then ``output`` ends in PARTS.
    output_format: str = "auto"
    #: The order of the results: by "key", by "value", or by "-value", the largest first.
    sort: str = "key"
    #: How many results are written, the first ones in that order, which is then "-value" by default; 0: all.
    top: int = 0
    #: How progress is shown.
    progress: str = "auto"
    #: What log lines are: "text" for people, "json" for machines.
    log_format: str = "text"
    #: The job's name; empty: one is made up.
    job_id: str = ""
    #: How long the whole job may take; 0: no limit.
    timeout: float = 0.0
    #: How long a worker's lease on a batch lasts without being renewed.
    lease_seconds: float = 10.0
    #: How many times a task is tried before it has failed for good.
    max_attempts: int = 4
    #: Try again up to so many times also what the job's code raises twice at one line, which is a mistake as a rule.
    retry_errors: bool = False
    #: How long one task may take before its process is killed.
    task_timeout: float = 600.0
    #: What happens when a chunk fails for good: "fail" the job, or "skip" the chunk, which goes into quarantine.
    on_bad_chunk: str = "fail"
    #: How many records may raise in the whole job. They go into quarantine.
    max_bad_records: int = 0
    #: How long master and workers wait for a Redis that does not answer or refuses.
    redis_patience: float = 120.0
    #: Go on with the job of this name if it exists and is unfinished.
    resume: bool = False
    #: Wait while another master is in charge of the job, and take over when it is gone.
    standby: bool = False
    #: How long Redis keeps a job that ended, in seconds.
    retention_seconds: int = 86_400
    #: Reuse the map results of chunks from earlier runs of the same job, and keep those of this run.
    incremental: bool = False
    #: The folder in which workers keep what chunks came to. Empty: `~/.cache/word_counter/partials`.
    cache: str = ""
    #: How long the cache keeps what no run asks for, in seconds.
    cache_seconds: int = 30 * 86_400
    #: How much the cache may hold, in bytes; the oldest goes first.
    cache_bytes: int = 10 * 1024**3
    #: Log each task that the run's own workers run, and show retries with their full reasons.
    verbose: bool = False

    @property
    def worker_count(self) -> int:
        """How many workers to start: the setting, or one for each core."""
        return self.workers if self.workers >= 0 else available_cores()


#: How each setting is read from text or a value. The docstring of a reader says what is allowed.
_READERS: dict[str, Callable[[Any], Any]] = {
    "redis": text,
    "secret": text,
    "allow": listed(",", "commas"),
    "input_root": listed(os.pathsep, f"'{os.pathsep}'", path),
    "include": listed(",", "commas"),
    "exclude": listed(",", "commas"),
    "input_format": text,
    "encoding": text,
    "transport": one_of(_TRANSPORTS),
    "shuffle": path,
    "shuffle_root": listed(",", "commas", path),
    "chunk_size": whole(1),
    "partitions": whole(1, _MOST_PARTITIONS),
    "workers": whole(0, MOST_WORKERS),
    "engine": one_of(_ENGINES),
    "output": path,
    "output_format": one_of(_OUTPUT_FORMATS),
    "sort": one_of(_SORTS),
    "top": whole(0),
    "progress": one_of(_PROGRESS),
    "log_format": one_of(_LOG_FORMATS),
    "job_id": job_id,
    "timeout": seconds(0),
    "lease_seconds": seconds(0.5),
    "max_attempts": whole(1),
    "retry_errors": flag,
    "task_timeout": seconds(0.1),
    "on_bad_chunk": one_of(_ON_BAD_CHUNK),
    "max_bad_records": whole(0),
    "redis_patience": seconds(0),
    "resume": flag,
    "standby": flag,
    "retention_seconds": whole(1),
    "incremental": flag,
    "cache": path,
    "cache_seconds": whole(1),
    "cache_bytes": whole(0),
    "verbose": flag,
}
#: The names of all settings.
SETTING_NAMES = frozenset(_READERS)
#: Options of commands that are not settings: how each is read, and its default.
_CHOICES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "job": (text, None),
    "processes": (whole(1, MOST_WORKERS), 1),
    "burst": (flag, False),
    "quiet": (flag, False),
    "json": (flag, False),
    "limit": (whole(0), 100),
    "check_timeout": (seconds(0), 60.0),
}
#: Variables that are read elsewhere: the kernel by :func:`chosen_kernel`.
_OTHERS = frozenset({"kernel"})
#: Variables that Kubernetes sets for a service that is called word-counter.
_SERVICE_LINK = re.compile(r"service_(host|port)(_.*)?|port(_.*)?")
#: Settings that are about a worker's cache.
OF_CACHE = frozenset({"cache", "cache_seconds", "cache_bytes"})
#: Settings whose values no message shows.
_HIDDEN = frozenset({"redis", "secret"})
_OLDER_NAMES = {"redis": "REDIS_URL", "chunk_size": "CHUNK_SIZE"}


def _from_environ(environ: Mapping[str, str], names: AbstractSet[str]) -> dict[str, tuple[str, str]]:
    """Return the text of each setting in the environment, with the variable that it came from."""
    found: dict[str, tuple[str, str]] = {}
    for name in names:
        for variable in (_PREFIX + name.upper(), _OLDER_NAMES.get(name, "")):
            if environ.get(variable):
                found[name] = (environ[variable], variable)
                break
    if "redis" in names and "redis" not in found and (url := from_parts(environ)):
        found["redis"] = (url, "REDIS_HOST")
    return found


def _value(name: str, read: Callable[[Any], Any], value: Any, origin: str) -> Any:
    try:
        return read(value)
    except (ValueError, TypeError):
        shown = "that value" if name in _HIDDEN else repr(value)
        message = f"{origin} must be {read.__doc__}, not {shown}"
        raise UsageError(message) from None


def load(
    given: Mapping[str, Any] | None = None,
    job_settings: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    only: AbstractSet[str] = _READERS.keys(),
) -> Settings:
    """Return the settings from ``given`` (where None means not given), the environment, the job and the defaults.

    Only the value that is used is checked. The environment is read only for the names in ``only``.

    Raises:
        UsageError: a name is unknown or a value is not allowed; says which, and what is allowed.
    """
    call = {name: (value, name.replace("_", "-")) for name, value in (given or {}).items() if value is not None}
    job = {name: (value, f"setting {name} of the job") for name, value in (job_settings or {}).items()}
    for name in (*job, *call):
        if name not in _READERS:
            message = f"there is no setting {name!r}; there are {', '.join(sorted(_READERS))}"
            raise UsageError(message)
    named = _from_environ(os.environ if environ is None else environ, only - call.keys())
    found = {**job, **named, **call}
    values = {name: _value(name, _READERS[name], *found[name]) for name in _READERS if name in found}
    if values.get("top"):
        values.setdefault("sort", "-value")
    if values.get("output_format") == "mr-out":
        folder = values.get("output", "output")
        if folder == "-":
            message = "--output-format mr-out writes several files: name a folder with --output"
            raise UsageError(message)
        values["output"] = os.path.join(folder, PARTS)
    return Settings(**values)


def choice(name: str, environ: Mapping[str, str] | None = None) -> Any:
    """Return the value of an option that is not a setting, from the environment, or its default.

    Raises:
        UsageError: the variable's value is not allowed.
    """
    read, default = _CHOICES[name]
    variable = _PREFIX + name.upper()
    value = (os.environ if environ is None else environ).get(variable)
    return _value(name, read, value, variable) if value else default


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return a warning for each variable that looks like one of ours but is not, with the name that may be meant."""
    known = {*_READERS, *_CHOICES, *_OTHERS}
    warnings = []
    for variable in sorted(os.environ if environ is None else environ):
        name = variable.removeprefix(_PREFIX).lower()
        if name == variable.lower() or name in known or _SERVICE_LINK.fullmatch(name):
            continue
        from difflib import get_close_matches  # imported here, as it is hardly ever needed

        nearest = get_close_matches(name, known, 1)
        meant = f"; did you mean {_PREFIX}{nearest[0].upper()}?" if nearest else ""
        warnings.append(f"{variable} is not a setting{meant}")
    return warnings


def bad_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return what is wrong with each variable of ours whose value is not allowed."""
    named = os.environ if environ is None else environ
    readers = [partial(load, None, None, named, only={name}) for name in _READERS]
    errors = []
    for read in (*readers, *(partial(choice, name, named) for name in _CHOICES)):
        try:
            read()
        except UsageError as error:
            errors.append(str(error))
    return errors


def chosen_kernel() -> str:
    """Return which word count kernel ``WORD_COUNTER_KERNEL`` asks for; "auto" is the native one if it was built.

    It is read where words are counted, so each worker reads its own.

    Raises:
        UsageError: there is no such kernel.
    """
    choice = os.environ.get("WORD_COUNTER_KERNEL") or "auto"
    if choice not in _KERNELS:
        message = f"WORD_COUNTER_KERNEL must be one of {', '.join(_KERNELS)}, not {choice!r}"
        raise UsageError(message)
    return choice


def adopt(variables: Mapping[str, str]) -> None:
    """Take variables into this process's environment."""
    os.environ.update(variables)


def environment() -> dict[str, str]:
    """Return a copy of the environment, for a process to be started."""
    return dict(os.environ)
