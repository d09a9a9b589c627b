"""Settings: what can be set, where it comes from, and what is right for most. The sole reader of os.environ.

A setting comes, first found first, from the call or the command line, from the environment
(``WORD_COUNTER_<NAME>``; for a few an older, shorter name too), from the job's own ``settings``, and from
the defaults here.
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
from word_counter.settings.value_readers import flag, job_id, listed, one_of, seconds, text, whole

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
#: Each partition is a task, two keys, and in each chunk's commit a field: with more, small jobs drown in them.
_MOST_PARTITIONS = 4096
#: More processes than any machine runs at once with profit, and few enough that a slip of the finger is survived.
MOST_WORKERS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a run, checked. Durations are in seconds."""

    #: Where Redis is; empty: start a private server. May hold a password, and so is not in the repr.
    redis: str = field(default="", repr=False)
    #: What masters and workers sign tasks and check them with, so that nobody else can give a worker something to do.
    #: Empty: that of this user on this machine, or one of this run alone. It is no option, as `ps` would show it.
    secret: str = field(default="", repr=False)
    #: What a worker may load besides the shipped jobs: modules with all below them, files, directories.
    allow: tuple[str, ...] = ()
    #: The files and directories that a worker may read input from; none: whatever a signed batch names.
    input_root: tuple[str, ...] = ()
    #: Patterns of the files that are wanted below directories, among those that globs match, and in archives; and of
    #: those that are not.
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    #: What the records of the input are, in place of what the job says.
    input_format: str = ""
    #: How chunks get to workers: "auto": they read their files, and get what cannot be read so by Redis; "inline": all
    #: by Redis, as workers may not have the files.
    transport: str = "auto"
    #: By what partials and results get from task to task: "redis", a folder that all workers see, or its URL.
    #: "auto": Redis, but files on this machine when a private server takes much of its memory.
    shuffle: str = "auto"
    #: The folders and URLs below which a worker may write and read files of shuffles; none: it does so nowhere.
    shuffle_root: tuple[str, ...] = ()
    #: Lines a chunk.
    chunk_size: int = 0  #: 0: chunks are as large as suits the input
    #: Shares of the key space, each reduced by a task of its own.
    partitions: int = 8
    #: Workers to start for this run; -1: as many as cores.
    workers: int = -1
    #: What runs the tasks.
    engine: str = "redis"
    #: Where the results go: a path, a URL that fsspec knows, a table as postgresql://...?table=NAME, or "-": standard
    #: output.
    output: str = "output/results.json"
    #: How the results are written; "auto": as the output's name says, and else JSON. "mr-out": a file of lines a
    #: partition; then ``output`` ends in PARTS.
    output_format: str = "auto"
    #: In which order the results are written: by "key", by "value", or by "-value": the largest first.
    sort: str = "key"
    #: How many results are written, the first of that order, which is then "-value" by default; 0: all.
    top: int = 0
    #: How progress is shown.
    progress: str = "auto"
    #: What log lines are: "text" for people, "json" for machines.
    log_format: str = "text"
    #: The job's name; empty: one is made up.
    job_id: str = ""
    #: How long the whole job may take; 0: as long as it takes.
    timeout: float = 0.0
    #: How long a worker's claim on an attempt lasts without being renewed.
    lease_seconds: float = 10.0
    #: How many times a task is tried before it counts as bad.
    max_attempts: int = 4
    #: Try again up to so many times also what the job's code raises twice at one line, which is a mistake as a rule.
    retry_errors: bool = False
    #: How long one task may take before its process is killed.
    task_timeout: float = 600.0
    #: What a chunk that is bad for good does: "fail" the job, or "skip" it into quarantine.
    on_bad_chunk: str = "fail"
    #: How many records may raise, over the whole job, and be set aside into quarantine.
    max_bad_records: int = 0
    #: How long master and workers wait for a Redis that does not answer or refuses.
    redis_patience: float = 120.0
    #: Go on with the job of this name if it is there and unfinished.
    resume: bool = False
    #: Wait while another master is in charge of the job, and take over when it is gone.
    standby: bool = False
    #: How long Redis keeps a job that ended, in seconds.
    retention_seconds: int = 86_400
    #: Take what chunks came to in earlier runs of the same job where that is known, and keep what they come to.
    incremental: bool = False
    #: The folder in which workers keep what chunks came to. Empty: `~/.cache/word_counter/partials`.
    cache: str = ""
    #: How long the cache keeps what no run asks for, in seconds.
    cache_seconds: int = 30 * 86_400
    #: How much the cache may hold, in bytes; the oldest goes first.
    cache_bytes: int = 10 * 1024**3
    #: Tell of each task that the run's own workers run, and show retries with their whole reasons.
    verbose: bool = False

    @property
    def worker_count(self) -> int:
        """How many workers to start: the setting, or one a core."""
        return self.workers if self.workers >= 0 else available_cores()


#: How each setting is read from text or a value; the docstring says what is allowed.
_READERS: dict[str, Callable[[Any], Any]] = {
    "redis": text,
    "secret": text,
    "allow": listed(",", "commas"),
    "input_root": listed(os.pathsep, f"'{os.pathsep}'"),
    "include": listed(",", "commas"),
    "exclude": listed(",", "commas"),
    "input_format": text,
    "transport": one_of(_TRANSPORTS),
    "shuffle": text,
    "shuffle_root": listed(",", "commas"),
    "chunk_size": whole(1),
    "partitions": whole(1, _MOST_PARTITIONS),
    "workers": whole(0, MOST_WORKERS),
    "engine": one_of(_ENGINES),
    "output": text,
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
    "cache": text,
    "cache_seconds": whole(1),
    "cache_bytes": whole(0),
    "verbose": flag,
}
#: The names of all settings.
SETTING_NAMES = frozenset(_READERS)
#: What commands are told besides settings: how it is read, and what it is by default.
_CHOICES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "job": (text, None),
    "processes": (whole(1, MOST_WORKERS), 1),
    "burst": (flag, False),
    "quiet": (flag, False),
    "json": (flag, False),
    "limit": (whole(0), 100),
}
#: Variables that others read: the kernel where words are counted, Docker Compose the ids.
_OTHERS = frozenset({"kernel", "uid", "gid"})
#: What Kubernetes names after a service that is called word-counter.
_SERVICE_LINK = re.compile(r"service_(host|port)(_.*)?|port(_.*)?")
#: Settings that are about a worker's cache.
OF_CACHE = frozenset({"cache", "cache_seconds", "cache_bytes"})
#: Settings whose values no message shows.
_HIDDEN = frozenset({"redis", "secret"})
_OLDER_NAMES = {"redis": "REDIS_URL", "chunk_size": "CHUNK_SIZE"}


def _from_environ(environ: Mapping[str, str], names: AbstractSet[str]) -> dict[str, tuple[str, str]]:
    """Return for each setting that the environment names the text and the variable it came from."""
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
    """Return the settings that ``given`` (None values are not given), the environment and the job add up to.

    A value that another one wins over is not looked at, nor is the environment for what is not among ``only``.

    Raises:
        UsageError: a name is unknown or a value is not allowed; it says which and what would be.
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
    """Return what the environment, or else the default, says of an option that is no setting.

    Raises:
        UsageError: the variable's value is not allowed.
    """
    read, default = _CHOICES[name]
    variable = _PREFIX + name.upper()
    value = (os.environ if environ is None else environ).get(variable)
    return _value(name, read, value, variable) if value else default


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return a warning for each variable that looks like one of ours and is none, with the name that was meant."""
    known = {*_READERS, *_CHOICES, *_OTHERS}
    warnings = []
    for variable in sorted(os.environ if environ is None else environ):
        name = variable.removeprefix(_PREFIX).lower()
        if name == variable.lower() or name in known or _SERVICE_LINK.fullmatch(name):
            continue
        from difflib import get_close_matches  # here, as hardly any command comes here

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

    It is read where words are counted, and so is each worker's own.

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
