"""Shipped jobs: what ``jobs --shipped`` prints, with what each job is for and its params."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from word_counter.cli.terminal.docstrings import docstring
from word_counter.cli.terminal.tables import Column, show_json, show_table
from word_counter.jobs import shipped
from word_counter.loading.job_reference import load_job

if TYPE_CHECKING:
    from word_counter.job.param import Param

_COLUMNS = (Column("JOB"), Column("PARAMS", 1), Column("WHAT IT GIVES"))


def show_shipped(*, as_json: bool) -> None:
    """Print the jobs that ship, as a table or as JSON."""
    found = {name: load_job(name) for name in shipped()}
    about = {name: docstring(sys.modules[job.__module__]).partition("\n")[0] for name, job in found.items()}
    if as_json:
        params = {name: [_param_json(*item) for item in job.params.items()] for name, job in found.items()}
        listed = [{"job": name, "about": about[name], "params": params[name]} for name in found]
        show_json({"shipped": listed})
    else:
        show_table(_COLUMNS, [(name, ", ".join(job.params), about[name]) for name, job in found.items()], "")


def _param_json(name: str, param: Param) -> dict[str, Any]:
    return {
        "param": name,
        "type": param.type.__name__,
        "default": None if param.required else param.default,
        "required": param.required,
        "help": param.help,
        "choices": list(param.choices),
        "least": param.least,
    }
