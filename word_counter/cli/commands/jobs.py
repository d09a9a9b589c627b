"""The commands ``jobs``, ``cancel`` and ``purge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.commands.redis_options import connected, job_argument, json_option, redis_option
from word_counter.cli.terminal.tables import Column, show_json, show_table
from word_counter.cli.terminal.text import duration, moment, timestamp
from word_counter.settings.plurals import count

if TYPE_CHECKING:
    from word_counter.inspection.records import JobRecord

_COLUMNS = (
    Column("JOB"),
    Column("STATE", state=True),
    Column("MASTER", state=True),
    Column("MAPPED", 2, right=True),
    Column("REDUCED", 4, right=True),
    Column("RETRIES", 6, right=True),
    Column("TIME", 3, right=True),
    Column("STARTED", 5),
    Column("NAME", 7),
)


@click.command()
@click.option("--shipped", is_flag=True, help="List the jobs that ship with word_counter, for --job NAME, instead.")
@redis_option
@json_option
def jobs(redis: str | None, as_json: bool, shipped: bool) -> None:  # noqa: FBT001 (click passes flags so)
    """List the jobs that Redis still knows, the newest first. Those with no MASTER go on with `resume JOB`.

    JSON: {"jobs": [...], "unreadable": [...]}, each job as `status --json` prints it; unreadable are those whose
    record in Redis somebody changed, as {"job": ID, "why": TEXT}. With --shipped {"shipped": [...]}.
    """
    if shipped:
        from word_counter.cli.commands.shipped_jobs import show_shipped

        show_shipped(as_json=as_json)
        return
    from word_counter.inspection.job_catalog import JobCatalog
    from word_counter.inspection.records import UnreadableRecord

    with connected(redis) as connection:
        records = list(JobCatalog(connection).jobs())
    if as_json:
        unreadable = [{"job": one.id, "why": str(one.error)} for one in records if isinstance(one, UnreadableRecord)]
        known = [job_json(one) for one in records if not isinstance(one, UnreadableRecord)]
        show_json({"jobs": known, "unreadable": unreadable})
        return
    rows = [
        (job.id, "unreadable", *[""] * (len(_COLUMNS) - 2))
        if isinstance(job, UnreadableRecord)
        else (
            job.id,
            str(job.state),
            "none" if job.abandoned else "",
            chunks_of(job),
            f"{job.partitions_reduced:,}/{job.partitions:,}",
            f"{job.retries:,}",
            duration(job.seconds),
            moment(job.created),
            job.name,
        )
        for job in records
    ]
    show_table(_COLUMNS, rows, "no jobs")


def chunks_of(job: JobRecord) -> str:
    """Return the chunks of a job that are mapped and known so far: ``3/8``, or ``3/8+`` while there will be more."""
    more = "" if job.split_done or job.state.ended else "+"
    return f"{job.chunks_mapped:,}/{job.chunks:,}{more}"


def job_json(job: JobRecord) -> dict[str, Any]:
    """Return a job as ``--json`` prints it. Times are ISO 8601 in UTC, or null."""
    return {
        "job": job.id,
        "name": job.name,
        "code": job.code,
        "state": job.state.value,
        "reason": job.reason,
        "output": job.output,
        "output_format": job.output_format,
        "master": job.master,
        "mastered": job.mastered,
        "master_bytes": job.master_bytes,
        "master_peak_bytes": job.master_peak_bytes,
        "created": timestamp(job.created),
        "ended": timestamp(job.ended),
        "seconds": job.seconds,
        "files": job.files,
        "bytes": job.bytes,
        "bytes_mapped": job.bytes_mapped,
        "lines": job.lines,
        "chunk_size": job.chunk_size,
        "chunks": job.chunks,
        "chunks_mapped": job.chunks_mapped,
        "split_done": job.split_done,
        "phase": job.phase + 1,
        "phases": job.phases,
        "partitions": job.partitions,
        "partitions_reduced": job.partitions_reduced,
        "attempts_running": job.running,
        "attempts_failed": job.failures,
        "tasks_waiting": job.waiting,
        "retries": job.retries,
        "skipped_chunks": job.skipped_chunks,
        "bad_records": job.bad_records,
        "counters": job.counters,
        "expires_seconds": job.expires_seconds,
    }


@click.command()
@job_argument
@redis_option
@json_option
def cancel(job_id: str, redis: str | None, as_json: bool) -> None:  # noqa: FBT001 (click passes flags so)
    """Cancel a job: what of it runs is stopped, and there will be no results.

    JSON: {"job": ID, "state": "cancelled"}.
    """
    from word_counter.inspection.job_catalog import JobCatalog

    with connected(redis) as connection:
        JobCatalog(connection).cancel(job_id)
    if as_json:
        show_json({"job": job_id, "state": "cancelled"})
    else:
        click.echo(f"job {job_id} is cancelled")


@click.command()
@job_argument
@click.option("--force", is_flag=True, help="Also when the job has not ended: it is cancelled first.")
@redis_option
@json_option
def purge(job_id: str, force: bool, redis: str | None, as_json: bool) -> None:  # noqa: FBT001 (click passes flags so)
    """Delete all that Redis holds of a job that has ended. Its results in files stay.

    JSON: {"job": ID, "keys_deleted": N, "batches_deleted": N}.
    """
    from word_counter.inspection.job_catalog import JobCatalog
    from word_counter.queue.batch_queue import discard

    with connected(redis) as connection:
        keys = JobCatalog(connection).purge(job_id, force=force)
        batches = discard(connection, job_id)
    if as_json:
        show_json({"job": job_id, "keys_deleted": keys, "batches_deleted": batches})
    else:
        click.echo(
            f"job {job_id} is purged: {count(keys, 'key')} and {count(batches, 'batch', 'batches')} "
            "in the queue are deleted"
        )
