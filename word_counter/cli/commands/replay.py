"""The command ``replay``: runs one chunk of a job again here, where it can be debugged."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.commands.inspect import show_partials
from word_counter.cli.commands.redis_options import connected, job_argument, json_option, redis_option
from word_counter.cli.terminal.tables import show_fields, show_json
from word_counter.cli.terminal.text import printable, size
from word_counter.errors import JobFailedError
from word_counter.settings import config
from word_counter.settings.plurals import count, plural

if TYPE_CHECKING:
    from word_counter.compute.stages import MapOutput
    from word_counter.inspection.replay import Replay

#: How many of the keys that differ are shown. JSON has all.
_MOST_DIFFERENCES = 20


@click.command()
@job_argument
@click.argument("chunk", type=int, metavar="CHUNK")
@click.option("--pdb", is_flag=True, help="Stop in the debugger where your code raises.")
@redis_option
@json_option
def replay(job_id: str, chunk: int, pdb: bool, redis: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Run one CHUNK of JOB again here, of a job that goes on, has failed or is done. Redis is not changed.

    Exit code 0: it gives what was committed, or nothing was; 1: it raises, kills its process, or gives something
    else. JSON: {"job", "chunk", "phase", "source", "notes": [...], "error", "partials": [{"partition", "pairs"}, ...],
    "counters", "bad": [...], "committed": "same"|"other"|null, "differences": [{"partition", "key", "committed",
    "replayed"}, ...]}.
    """
    from word_counter.inspection.replay import open_replay
    from word_counter.security.secret import find_secret
    from word_counter.store.job_store import JobStore

    with redirect_stdout(sys.stderr):  # what user code prints is not part of the answer
        with connected(redis) as connection:
            secret = find_secret(config.load({"redis": redis}, only={"redis", "secret"}))
            opened = open_replay(JobStore(connection, job_id), secret, chunk)
        for note in [] if as_json else opened.notes:
            click.echo(f"note: {printable(note)}", err=True)
        try:
            # A debugger that runs already, such as python -m pdb, cannot follow into a child process.
            output = opened.run(at_once=pdb) if pdb or sys.gettrace() is not None else opened.run_isolated()
        except JobFailedError as error:
            output, failed = None, str(error)
            if pdb and error.__cause__ is not None:
                _stop_where_it_raised(error)
            elif not as_json:
                raise
        else:
            failed = ""
    if as_json:
        show_json(_json(opened, output, failed))
    elif output is not None:
        _show(opened, output)
    if output is None or (opened.committed is not None and opened.differences(output)):
        click.get_current_context().exit(1)


def _stop_where_it_raised(error: JobFailedError) -> None:
    from pdb import post_mortem

    click.echo(printable(str(error), lines=True), err=True)
    if error.__cause__ is not None:
        post_mortem(error.__cause__.__traceback__)


def _show(opened: Replay, output: MapOutput) -> None:
    chunk = opened.chunk
    place = f"{size(chunk.length)} from byte {chunk.offset:,}, {count(chunk.lines, 'line')} from line {chunk.line:,}"
    if opened.number:
        place = f"{count(chunk.length, 'segment')} from segment {chunk.offset:,}"
    show_fields(
        [
            ("chunk", f"{chunk.id} of job {opened.spec.job_id}"),
            ("source", opened.source),
            ("place", place),
            ("counters", ", ".join(f"{name}: {n:,}" for name, n in output.counters.items())),
            ("set aside", count(len(output.aside.records), "record") if output.aside.records else ""),
        ]
    )
    for reason, record in output.aside.records.values():
        click.echo(printable(f"\n{record.place(0)}\n{reason}", lines=True))
    show_partials(opened.pairs(output))
    click.echo()
    if opened.committed is None:
        click.echo("there is nothing to compare it with: this chunk has not committed, or what it committed was freed")
        return
    differences = opened.differences(output)
    if not differences:
        click.echo("the same as was committed")
        return
    click.echo(
        f"not what was committed: {count(len(differences), 'key')} {plural(len(differences), 'differs', 'differ')}"
    )
    for one in differences[:_MOST_DIFFERENCES]:
        gave = "nothing" if one.replayed is None else one.replayed
        text = f"  partition {one.partition}, {one.key!r}: {gave}, and committed was {one.committed or 'nothing'}"
        click.echo(printable(text))


def _json(opened: Replay, output: MapOutput | None, failed: str) -> dict[str, Any]:
    differences = [] if output is None or opened.committed is None else opened.differences(output)
    shares = [] if output is None else opened.pairs(output)
    compared = output is not None and opened.committed is not None
    return {
        "job": opened.spec.job_id,
        "chunk": opened.chunk.id,
        "phase": opened.number,
        "source": opened.source,
        "notes": opened.notes,
        "error": failed,
        "partials": [{"partition": partition, "pairs": pairs} for partition, pairs in shares],
        "counters": {} if output is None else output.counters,
        "bad": [] if output is None else list(output.aside.entries().values()),
        "committed": ("other" if differences else "same") if compared else None,
        "differences": [
            {"partition": d.partition, "key": d.key, "committed": d.committed, "replayed": d.replayed}
            for d in differences
        ],
    }
