"""The commands ``status`` and ``workers``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.commands.jobs import chunks_of, job_json
from word_counter.cli.commands.redis_options import connected, job_argument, json_option, redis_option
from word_counter.cli.display.choose_display import make_display
from word_counter.cli.terminal.tables import Column, show_fields, show_json, show_table
from word_counter.cli.terminal.text import clock, duration, moment, printable, size, timestamp
from word_counter.settings.plurals import count, plural

if TYPE_CHECKING:
    from word_counter.inspection.job_catalog import JobCatalog
    from word_counter.inspection.records import JobRecord, RedisMemory, WorkerRecord
    from word_counter.observer import Progress
    from word_counter.store.connection import Redis

#: How often ``status --watch`` reads the job, in seconds.
_LOOK_SECONDS = 0.5
_FAILED_EXIT_CODE = 1
#: The memory of up to so many processes is shown one by one.
_FEW = 8
#: Fields that change all the time, even if nothing happens.
_ALWAYS_CHANGING = frozenset({"seconds", "expires_seconds", "master_bytes", "master_peak_bytes", "workers", "redis"})

_WORKER_COLUMNS = (
    Column("WORKER"),
    Column("PROCESSES", 2, right=True),
    Column("RUNNING", 1),
    Column("MEMORY", 3, right=True),
    Column("PEAK", 5, right=True),
    Column("HEARD", 4, right=True),
    Column("PID", 6, right=True),
)


@click.command()
@job_argument
@click.option("--watch", is_flag=True, help="Show progress on standard error until the job ends; exit 1 if it failed.")
@redis_option
@json_option
@click.pass_context
def status(ctx: click.Context, job_id: str, watch: bool, redis: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Say how far a job is.

    JSON: one object a line; with --watch one for each change, until the job ends. docs/reference/json.md lists fields.
    """
    from word_counter.inspection.job_catalog import JobCatalog

    with connected(redis) as connection:
        catalog = JobCatalog(connection)
        job = catalog.job(job_id)
        if watch:
            job = _watch_json(catalog, job) if as_json else _watch(catalog, connection, job)
        if as_json and not watch:
            show_json(_status_json(catalog, job))
        else:
            memory = memory_fields(job, catalog.workers(), catalog.memory())
    if not as_json:
        show_fields([*status_fields(job), *memory])
    if watch and job.state.value != "done":
        ctx.exit(_FAILED_EXIT_CODE)


def _watch(catalog: JobCatalog, connection: Redis, job: JobRecord) -> JobRecord:
    from word_counter.store.worker_registry import WorkerRegistry

    worker_registry = WorkerRegistry(connection)
    told = False
    with make_display("auto") as display:
        while not job.state.ended:
            if not job.mastered and not told:
                display.warned(f"no master is in charge; to go on: word-counter resume {job.id}")
            told = not job.mastered
            display.progressed(_progress(job, worker_registry.processes()))
            time.sleep(_LOOK_SECONDS)
            job = catalog.job(job.id)
    return job


def _watch_json(catalog: JobCatalog, job: JobRecord) -> JobRecord:
    shown: dict[str, Any] = {}
    while True:
        content = _status_json(catalog, job)
        moving = {name: value for name, value in content.items() if name not in _ALWAYS_CHANGING}
        if moving != shown:
            show_json(content)
            shown = moving
        if job.state.ended:
            return job
        time.sleep(_LOOK_SECONDS)
        job = catalog.job(job.id)


def _status_json(catalog: JobCatalog, job: JobRecord) -> dict[str, Any]:
    memory = catalog.memory()
    workers = [
        {"worker": worker.name, "bytes": list(worker.bytes), "peak_bytes": worker.peak_bytes}
        for worker in catalog.workers()
    ]
    redis = {"used_bytes": memory.used, "peak_bytes": memory.peak, "limit_bytes": memory.limit}
    return {**job_json(job), "workers": workers, "redis": redis}


def memory_fields(job: JobRecord, workers: list[WorkerRecord], redis: RedisMemory) -> list[tuple[str, str]]:
    """Return how much memory master, workers and Redis use, as one field of several lines."""
    limit = f", limit {size(redis.limit)}" if redis.limit else ""
    lines = [f"Redis {size(redis.used)}, {size(redis.peak)} at most{limit}"]
    if job.master_peak_bytes:
        lines.append(f"master {size(job.master_bytes)}, {size(job.master_peak_bytes)} at most")
    lines += [f"worker {printable(worker.name)} {_memory_of(worker)}" for worker in workers]
    return [("memory", "\n".join(lines))]


def _memory_of(worker: WorkerRecord) -> str:
    """Return the memory of a worker's processes: of each child if they are few, as they may differ a lot."""
    parent, *children = worker.bytes or (0,)
    each = ", ".join(map(size, children)) if len(children) <= _FEW else f"{size(sum(children))} together"
    what = count(len(children), "process", "processes")
    return f"{size(parent)}, {what}: {each}; each {size(worker.peak_bytes)} at most"


def _progress(job: JobRecord, workers: int) -> Progress:
    from word_counter.observer import Progress

    return Progress(
        state=job.state,
        seconds=job.seconds,
        files=job.files,
        bytes=job.bytes,
        bytes_mapped=job.bytes_mapped,
        lines=job.lines,
        phase=job.phase,
        phases=job.phases,
        chunks=job.chunks - job.first_chunks[-1],
        chunks_mapped=job.chunks_mapped - job.first_chunks[-1],
        split_done=job.split_done,
        partitions=job.partitions // job.phases,
        partitions_reduced=job.partitions_reduced - job.phase * (job.partitions // job.phases),
        workers=workers,
        retries=job.retries,
    )


def status_fields(job: JobRecord) -> list[tuple[str, str]]:
    """Return the facts about a job, as names and values."""
    chunks = plural(job.chunks if job.split_done or job.state.ended else 0, "chunk")
    share = f" ({100 * job.bytes_mapped // job.bytes}%)" if job.bytes else ""
    return [
        ("job", job.id),
        ("runs", job.code),
        ("state", str(job.state)),
        ("phase", f"{job.phase + 1} of {job.phases}" if job.phases > 1 else ""),
        ("reason", job.reason),
        ("master", _master(job)),
        ("started", moment(job.created)),
        ("ended", moment(job.ended)),
        ("time", duration(job.seconds)),
        ("input", f"{count(job.files, 'file')}, {size(job.bytes)}"),
        ("mapped", f"{chunks_of(job)} {chunks}, {size(job.bytes_mapped)}{share}, {count(job.lines, 'line')}"),
        ("reduced", f"{job.partitions_reduced:,}/{count(job.partitions, 'partition')}"),
        ("running", "" if job.state.ended else count(job.running, "attempt")),
        ("waiting", count(job.waiting, "task") + " for the next attempt" if job.waiting else ""),
        ("failed", count(job.failures, "attempt") if job.failures else ""),
        ("retries", f"{job.retries:,}"),
        ("skipped", count(job.skipped_chunks, "chunk") if job.skipped_chunks else ""),
        ("set aside", count(job.bad_records, "bad record") if job.bad_records else ""),
        ("output", job.output),
        (
            "kept",
            f"in Redis for another {clock(job.expires_seconds)}" if job.expires_seconds and job.state.ended else "",
        ),
        *((f"counter {name}", f"{n:,}") for name, n in sorted(job.counters.items())),
    ]


def _master(job: JobRecord) -> str:
    if job.state.ended:
        return ""
    return job.master if job.mastered else f"none is in charge; to go on: word-counter resume {job.id}"


@click.command()
@redis_option
@json_option
def workers(redis: str | None, as_json: bool) -> None:  # noqa: FBT001 (click passes flags so)
    """List the workers that are alive.

    JSON: {"workers": [{"worker", "host", "pid", "processes", "running", "heard", "silent_seconds",
    "bytes", "peak_bytes", "unreadable"}, ...]}. "unreadable" names what somebody changed in Redis and counts as 0.
    """
    from word_counter.inspection.job_catalog import JobCatalog

    with connected(redis) as connection:
        records = JobCatalog(connection).workers()
    if as_json:
        fields = [
            {
                "worker": worker.name,
                "host": worker.host,
                "pid": worker.pid,
                "processes": worker.processes,
                "running": list(worker.running),
                "heard": timestamp(worker.heard),
                "silent_seconds": worker.silent_seconds,
                "bytes": list(worker.bytes),
                "peak_bytes": worker.peak_bytes,
                "unreadable": worker.unreadable,
            }
            for worker in records
        ]
        show_json({"workers": fields})
        return
    rows = [
        (
            worker.name,
            f"{worker.processes:,}",
            f"unreadable: {worker.unreadable}" if worker.unreadable else " ".join(worker.running) or "idle",
            size(sum(worker.bytes)),
            size(worker.peak_bytes),
            f"{worker.silent_seconds:.0f} s ago",
            str(worker.pid),
        )
        for worker in records
    ]
    show_table(_WORKER_COLUMNS, rows, "no worker is alive; start one: word-counter worker --redis URL")
