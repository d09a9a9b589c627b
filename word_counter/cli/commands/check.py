"""The command ``check``: finds out whether a sample gives the same results however it is cut, ordered and hashed."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from word_counter.cli.commands.job_options import (
    app_option,
    chosen_job,
    file_option,
    format_option,
    job_option,
    map_command_option,
    mrjob_option,
    param_option,
    reduce_command_option,
)
from word_counter.cli.commands.redis_options import json_option
from word_counter.cli.terminal.tables import show_json
from word_counter.cli.terminal.text import first_line, printable
from word_counter.settings import config
from word_counter.settings.plurals import count

if TYPE_CHECKING:
    from word_counter.check.checker import Verdict
    from word_counter.check.counterexample import Counterexample

#: How many records of an example, and how many characters of its results, are shown. JSON has all.
_MOST_RECORDS, _MOST_CHARS = 10, 300


@click.command()
@click.argument("inputs", nargs=-1, metavar="SAMPLE...")
@job_option
@mrjob_option
@map_command_option
@reduce_command_option
@app_option
@param_option
@file_option
@format_option
@click.option("--max-bad-records", metavar="N", help="Leave out up to so many records that raise. [default: 0]")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=partial(config.choice, "check_timeout"),
    metavar="S",
    help="Refuse the job when the check takes longer, in seconds; 0: no limit. [default: 60]",
)
@json_option
def check(
    max_bad_records: str | None,
    timeout: float,
    input_format: str | None,
    encoding: str | None,
    as_json: bool,  # noqa: FBT001 (click's way)
    **given: Any,
) -> None:
    """Try a job on a sample before the long run: cut, ordered, combined and hashed in many ways.

    Refuses, with the smallest example that it finds, a job whose results depend on any of these or on chance, or that
    gives what JSON cannot hold. Exit code 0: nothing found; 1: refused. JSON: {"ok": BOOL, "records": N,
    "set_aside": N, "fault", "what", "advice", "error", "example": [{"file", "line", "text"}, ...],
    "runs": [{"how", "gave"}, ...]}.
    """
    from word_counter.check.checker import MOST_RECORDS
    from word_counter.check.isolated_check import check_isolated
    from word_counter.check.sample import read_sample
    from word_counter.inputs.sources import find_sources
    from word_counter.loading.job_hints import hints

    made, inputs = chosen_job(given)
    if not inputs:
        raise click.MissingParameter(ctx=click.get_current_context(), param_type="argument", param_hint="'SAMPLE...'")
    asked = {"max_bad_records": max_bad_records, "input_format": input_format, "encoding": encoding}
    chosen = config.load(asked, made.settings)
    with redirect_stdout(sys.stderr):  # what user code prints is not part of the answer
        sources = find_sources(inputs, encoding=chosen.encoding or made.encoding)
        first_phase = made.phases(made.param_values())[0]
        sample = read_sample(sources, MOST_RECORDS, first_phase, chosen.input_format)
        verdict = check_isolated(made, sample, max_bad_records=chosen.max_bad_records, seconds=timeout)
    for hint in hints(made):
        click.echo(printable(f"warning: {hint}"), err=True)
    if as_json:
        show_json(_json(verdict))
    elif verdict.counterexample is not None:
        _show(verdict.counterexample, made.name)
    else:
        click.echo(
            f"{made.name} passes: {count(verdict.records, 'record')} gave the same however they were cut, ordered, "
            "combined and hashed"
            + (f"; {count(verdict.set_aside, 'bad record')} of the sample left out" if verdict.set_aside else "")
        )
    if verdict.counterexample is not None:
        click.get_current_context().exit(1)


def _show(counterexample: Counterexample, job: str) -> None:
    click.echo(printable(f"{job} is refused: {counterexample.what}", lines=True))
    if counterexample.sample:
        click.echo(f"\nthe smallest example, {count(len(counterexample.sample), 'record')}:")
    for number, record in enumerate(counterexample.sample[:_MOST_RECORDS], 1):
        click.echo(printable(f"  {number}  {record.source}, line {record.line}: {_cut(record.text)}"))
    if len(counterexample.sample) > _MOST_RECORDS:
        click.echo(f"  ... and {len(counterexample.sample) - _MOST_RECORDS} more; --json has all")
    width = max((len(run.how) for run in counterexample.runs), default=0)
    for run in counterexample.runs:
        gave = first_line(run.shown) if isinstance(run.shown, str) else json.dumps(run.shown, ensure_ascii=False)
        click.echo(printable(f"{run.how:{width}}  gave  {_cut(gave)}", lines=True))
    trace = counterexample.error.partition("\n")[2]
    if trace:
        click.echo(printable(f"\n{trace}", lines=True))
    click.echo(f"\nwhat to do: {counterexample.advice}")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else text[:_MOST_CHARS] + "..."


def _json(verdict: Verdict) -> dict[str, Any]:
    content: dict[str, Any] = {"ok": verdict.counterexample is None, "records": verdict.records}
    content["set_aside"] = verdict.set_aside
    counterexample = verdict.counterexample
    if counterexample is not None:
        example = [
            {"file": record.source, "line": record.line, "text": record.text} for record in counterexample.sample
        ]
        runs = [{"how": run.how, "gave": run.shown} for run in counterexample.runs]
        content |= {"fault": counterexample.fault.value, "what": counterexample.what, "advice": counterexample.advice}
        content |= {"example": example, "runs": runs, "error": counterexample.error}
    return content
