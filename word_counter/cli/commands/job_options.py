"""Options that choose a job and give it params and files, and the job that they choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from word_counter.errors import UsageError
from word_counter.settings import config

if TYPE_CHECKING:
    from word_counter.job.job import Job

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

job_option: Option = click.option(
    "--job",
    metavar="JOB",
    default=partial(config.choice, "job"),
    help="The job: a file, pkg.module:Class, or the name of a shipped job. [default: word_count]",
)
mrjob_option: Option = click.option(
    "--mrjob",
    metavar="FILE.py[:C]",
    help="In place of --job: a job written for mrjob. Its own options follow the inputs, after --.",
)
map_command_option: Option = click.option(
    "--map-cmd",
    metavar="COMMAND",
    help="In place of --job: a command that reads lines and prints lines of key, tab and value.",
)
reduce_command_option: Option = click.option(
    "--reduce-cmd",
    metavar="COMMAND",
    help="A command that reads such lines, sorted by key, and prints the results; alone or with --map-cmd.",
)
app_option: Option = click.option(
    "--app",
    metavar="FILE.py[:C]",
    help="In place of --job: an app of map_func(filename, content) and reduce_func(key, values).",
)
param_option: Option = click.option(
    "--param", multiple=True, metavar="NAME=VALUE", help="Set a param that the job declares. May be repeated."
)
file_option: Option = click.option(
    "--file",
    multiple=True,
    metavar="PATH",
    help='A small file that mappers and reducers read as self.files["name"]. May be repeated.',
)
_FORMAT_OPTION: Option = click.option(
    "--input-format",
    metavar="FORMAT",
    help="What a record is: lines, jsonl, csv or tsv, as in 'csv delimiter=; header=none'. [default: the job's]",
)
_ENCODING_OPTION: Option = click.option(
    "--encoding",
    metavar="NAME",
    help="The encoding of files that do not begin with a byte order mark, as in utf-16-le or cp1252. "
    "[default: the job's, else utf-8]",
)


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what the records of its input are."""
    return _FORMAT_OPTION(_ENCODING_OPTION(command))


def chosen_job(given: Mapping[str, Any]) -> tuple[Job, Sequence[str]]:
    """Return the job that the options of a command choose, by default the word count, and its inputs.

    Raises:
        UsageError: the options do not go together, or name no job.
    """
    inputs: Sequence[str] = given["inputs"]
    commands = given["map_cmd"] or given["reduce_cmd"]
    if given["app"] is not None or commands:
        option = "--app" if given["app"] is not None else "--map-cmd" if given["map_cmd"] else "--reduce-cmd"
        others = [name for name in ("mrjob", "param", "file") if given[name]]
        if on_command_line("job") or others or (commands and given["app"] is not None):
            message = f"{option} goes without --job, --mrjob, --app, --param and --file".replace(f" {option},", "")
            raise UsageError(message)
        return (_commands(given) if commands else _app(given["app"])), inputs
    if given["mrjob"] is None:
        return _job(given["job"], given["param"], given["file"]), inputs
    if on_command_line("job") or given["param"] or given["file"]:
        message = "--mrjob goes without --job, --param and --file: the job's own options follow the inputs, behind --"
        raise UsageError(message)
    return _mrjob(given["mrjob"], inputs)


def on_command_line(option: str) -> bool:
    """Return whether an option of the running command was given on the command line, not by the environment."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def _job(reference: str | None, params: Sequence[str], files: Sequence[str]) -> Job:
    from word_counter.jobs.word_count import WordCount
    from word_counter.loading.job_reference import make_job

    given = dict(_param(text) for text in params)
    job = WordCount(params=given) if reference is None else make_job(reference, given)
    if files:
        job.files = (*job.files, *files)
    return job


def _app(reference: str) -> Job:
    from word_counter.loading.job_reference import make_job
    from word_counter.loading.lab_app import APP

    return make_job(APP + reference)


def _commands(given: Mapping[str, Any]) -> Job:
    from word_counter.loading.command_reference import Commands, reference_of
    from word_counter.loading.job_reference import make_job

    return make_job(reference_of(Commands(given["map_cmd"] or "", given["reduce_cmd"] or "")))


def _mrjob(reference: str, arguments: Sequence[str]) -> tuple[Job, Sequence[str]]:
    """Return a job in mrjob's API, and the inputs, which the job separates from its own options."""
    from word_counter.loading.job_reference import MRJOB, make_job
    from word_counter.mrjob.tasks.translation import Translated

    job = make_job(MRJOB + reference)
    if not isinstance(job, Translated):
        message = f"{reference} is no job in mrjob's API: give it as --job"
        raise UsageError(message)
    return job, job.take_arguments(arguments)


def _param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        message = f"--param takes NAME=VALUE, not {text!r}"
        raise UsageError(message)
    return name, value
