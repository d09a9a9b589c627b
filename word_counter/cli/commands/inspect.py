"""The command ``inspect``: shows a job's chunks and partitions, with every attempt at them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.commands.jobs import job_json
from word_counter.cli.commands.redis_options import connected, job_argument, json_option, redis_option
from word_counter.cli.commands.status import status_fields
from word_counter.cli.terminal.tables import Column, show_fields, show_json, show_table
from word_counter.cli.terminal.text import first_line, moment, size, timestamp
from word_counter.settings import config
from word_counter.settings.plurals import count

if TYPE_CHECKING:
    from word_counter.inspection.job_history import AttemptRecord, JobHistory, TaskRecord
    from word_counter.inspection.records import JobRecord

_ATTEMPT_COLUMNS = (
    Column("STATE", state=True),
    Column("ATTEMPT", 5, right=True),
    Column("WORKER", 1),
    Column("STARTED", 4),
)
_TIME_COLUMNS = (Column("TOOK", 3, right=True), Column("WHAT HAPPENED", 2, folds=True))
_CHUNK_COLUMNS = (
    Column("CHUNK", right=True),
    *_ATTEMPT_COLUMNS,
    _TIME_COLUMNS[0],
    Column("OFFSET", 6, right=True),
    Column("BYTES", 8, right=True),
    Column("LINES", 7, right=True),
    Column("SOURCE", 9),
    _TIME_COLUMNS[1],
)
_PARTITION_COLUMNS = (Column("PARTITION", right=True), *_ATTEMPT_COLUMNS, *_TIME_COLUMNS)

#: How many of the heaviest keys are shown.
_HEAVIEST = 10


@click.command()
@job_argument
@click.option("--chunk", "chunk_id", type=int, metavar="N", help="Show this chunk with its partials, decoded.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=partial(config.choice, "limit"),
    metavar="N",
    help="Show so many chunks; 0: all. JSON always has all. [default: 100]",
)
@redis_option
@json_option
def inspect(job_id: str, chunk_id: int | None, limit: int, redis: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show a job's chunks and partitions: every attempt at them, where it ran and when, and why it failed.

    JSON: {"job": ..., "chunks": [...], "partitions": [...]}; with --chunk {"job": ID, "chunk": {...}, "partials":
    [{"partition": P, "pairs": [[KEY, VALUE], ...]}, ...]}.
    """
    from word_counter.inspection.job_catalog import JobCatalog
    from word_counter.inspection.job_history import JobHistory

    with connected(redis) as connection:
        job = JobCatalog(connection).job(job_id)
        history = JobHistory(connection, job)
        if chunk_id is not None:
            _inspect_chunk(job, history, chunk_id, as_json=as_json)
        elif as_json:
            _inspect_json(job, history)
        else:
            show_fields(status_fields(job))
            click.echo()
            shown = [*islice(history.chunks(), limit or None)]
            show_table(_CHUNK_COLUMNS, list(_rows(shown)), "no chunks yet")
            if len(shown) < job.chunks:
                click.echo(f"... and {job.chunks - len(shown):,} more; --limit 0 shows all")
            partitions = list(history.partitions())
            if partitions:
                click.echo()
                show_table(_PARTITION_COLUMNS, list(_rows(partitions)), "")
                _show_skew(partitions)


def _show_skew(partitions: Sequence[TaskRecord]) -> None:
    """Show how uneven the partitions are, and the keys that had the most values, once they are reduced."""
    done = [attempt for record in partitions for attempt in record.attempts if attempt.amounts]
    weights = [attempt.amounts.get("reduced_values", 0) for attempt in done]
    if not any(weights):
        return
    skew = max(weights) * len(weights) / sum(weights)
    heaviest = sorted((pair for attempt in done for pair in attempt.heaviest), key=lambda pair: (-pair[1], pair[0]))
    click.echo(f"\nskew {skew:.2f}: the heaviest partition has {max(weights):,} of {count(sum(weights), 'value')}")
    rows = [(json.dumps(key, ensure_ascii=False), f"{values:,}") for key, values in heaviest[:_HEAVIEST]]
    show_table((Column("HOTTEST KEY"), Column("VALUES", right=True)), rows, "")


def _inspect_json(job: JobRecord, history: JobHistory) -> None:
    """Print the JSON piece by piece: a job may have a million chunks."""
    click.echo(f'{{"job": {json.dumps(job_json(job))}, "chunks": [', nl=False)
    for number, record in enumerate(history.chunks()):
        click.echo(f"{', ' if number else ''}{json.dumps(_task_json(record))}", nl=False)
    click.echo(f'], "partitions": {json.dumps([_task_json(record) for record in history.partitions()])}}}')


def _inspect_chunk(job: JobRecord, history: JobHistory, chunk_id: int, *, as_json: bool) -> None:
    record = history.chunk(chunk_id)
    partials = history.partials(chunk_id)
    if as_json:
        shares = [{"partition": partition, "pairs": pairs} for partition, pairs in partials]
        show_json({"job": job.id, "chunk": _task_json(record), "partials": shares})
        return
    chunk = record.chunk
    if chunk is not None:
        place = (
            f"{size(chunk.length)} from byte {chunk.offset:,}, {count(chunk.lines, 'line')} from line {chunk.line:,}"
        )
        show_fields([("chunk", f"{chunk_id} of job {job.id}"), ("source", record.source), ("place", place)])
    for attempt in record.attempts:
        amounts = ", ".join(f"{name}: {n:,}" for name, n in attempt.amounts.items())
        click.echo()
        show_fields(
            [
                ("attempt", f"{attempt.attempt}, {attempt.state}"),
                ("worker", attempt.worker),
                ("started", moment(attempt.started)),
                ("ended", moment(attempt.ended)),
                ("took", _took(attempt)),
                ("gave", amounts),
                ("failed", f"{attempt.kind}: {attempt.message}" if attempt.kind else ""),
            ]
        )
    if not record.attempts:
        click.echo(f"\n{record.state}: no attempt yet")
    show_partials(partials)


def show_partials(partials: Iterable[tuple[int, list[tuple[Any, Any]]]]) -> None:
    """Print the partials of a chunk."""
    for partition, pairs in partials:
        click.echo(f"\npartition {partition}, {count(len(pairs), 'key')}")
        rows = [(json.dumps(key, ensure_ascii=False), json.dumps(value, ensure_ascii=False)) for key, value in pairs]
        show_table((Column("KEY"), Column("VALUE")), rows, "nothing")


def _rows(records: Iterable[TaskRecord]) -> Iterable[tuple[str, ...]]:
    """Yield a row for each attempt, and one more for the task's state where no attempt has it."""
    for record in records:
        chunk = record.chunk
        number = record.task.partition(":")[2]
        where = () if chunk is None else (f"{chunk.offset:,}", f"{chunk.length:,}", f"{chunk.lines:,}", record.source)
        for attempt in record.attempts:
            yield (
                number,
                attempt.state,
                str(attempt.attempt),
                attempt.worker,
                moment(attempt.started if attempt.started is not None else attempt.ended),
                _took(attempt),
                *where,
                f"{attempt.kind}: {first_line(attempt.message)}" if attempt.kind else "",
            )
        if record.state not in {attempt.state for attempt in record.attempts}:
            yield (
                number,
                record.state,
                "",
                "",
                "",
                "",
                *where,
                "",
            )  # the task's state: queued, waiting, skipped or dropped


def _took(attempt: AttemptRecord) -> str:
    return "" if attempt.seconds is None else f"{attempt.seconds:.2f} s"


def _task_json(record: TaskRecord) -> dict[str, Any]:
    chunk = record.chunk
    where: dict[str, Any] = {}
    if chunk is not None:
        where = {"chunk": chunk.id, "source": record.source, "offset": chunk.offset, "length": chunk.length}
        where |= {"first_line": chunk.line, "lines": chunk.lines}
    else:
        where = {"partition": int(record.task.partition(":")[2])}
    attempts = [
        {
            "attempt": attempt.attempt,
            "state": attempt.state,
            "worker": attempt.worker,
            "started": timestamp(attempt.started),
            "ended": timestamp(attempt.ended),
            "seconds": attempt.seconds,
            "kind": attempt.kind,
            "message": attempt.message,
            "exception": None if attempt.origin is None else attempt.origin.exception,
            "code_file": None if attempt.origin is None else attempt.origin.file,
            "code_line": None if attempt.origin is None else attempt.origin.line,
            "amounts": attempt.amounts,
            "heaviest_keys": attempt.heaviest,
        }
        for attempt in record.attempts
    ]
    return {**where, "task": record.task, "state": record.state, "attempts": attempts}
