"""The receipt of a job: what went into it, what came out of it, and what happened in between, as JSON.

It is written and shown together with the results. It is not signed: it proves that inputs and results are the ones
that the job had, to who trusts the receipt.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from word_counter.errors import JobFailedError
from word_counter.files.drafts import Written
from word_counter.job.job_spec import Plan
from word_counter.job.snapshot import CRASHED, EXPIRED, HUNG
from word_counter.outputs.receipt_file import FORMAT
from word_counter.receipts.accounting import Account

#: Kinds of failure in which the process of a worker died, or was not heard of again.
_DEATHS = (CRASHED, HUNG, EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happened while a job ran: its counters, failed attempts by their kind, retries, and how long it took."""

    engine: str
    seconds: float
    keys: int
    counters: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    retries: int = 0
    write_seconds: float = 0.0
    redis: str | None = None  #: the version of the server


def check_account(account: Account, job_id: str) -> None:
    """Raise JobFailedError unless what the tasks of a job came to adds up."""
    if amiss := account.amiss():
        message = (
            f"the results of job {job_id} are not written, as what its tasks came to does not add up: {amiss}. "
            "That is a fault of this program, or of somebody's hand in its Redis; run the job again"
        )
        raise JobFailedError(message)


def receipt_of(
    plan: Plan, account: Account, run: Run, results: Sequence[Written], quarantine: Written | None = None
) -> str:
    """Return the text of a receipt: its fields a line each, and each input in a line."""
    from word_counter import __version__  # looked up only now

    settings = {name: getattr(plan, name) for name in _SETTINGS}
    settings["transport"] = "inline" if plan.inline else "auto"
    content: dict[str, Any] = {
        "format": FORMAT,
        "job": {
            "id": plan.job_id,
            "name": plan.name,
            "code": plan.code,
            "code_sha256": plan.code_digest,
            "params": plan.params,
            "files_sha256": plan.files,
        },
        "results": {
            "output": plan.output,
            "format": plan.form,
            "sort": plan.sort,
            "top": plan.top,
            "keys": run.keys,
            "files": [_listed(written) for written in results],
            "quarantine": None if quarantine is None else _listed(quarantine),
        },
        "counts": account.counts(),
        "phases": account.phases(),
        "counters": dict(sorted(run.counters.items())),
        "attempts": {
            "committed": sum(account.workers().values()),
            "failed": dict(sorted(run.failed.items())),
            "deaths": sum(run.failed.get(kind, 0) for kind in _DEATHS),
            "retries": run.retries,
        },
        "workers": account.workers(),
        "seconds": {"write": round(run.write_seconds, 3), "total": round(run.seconds, 3)},
        "settings": settings,
        "versions": {
            "word_counter": __version__,
            "python": platform.python_version(),
            "redis": run.redis,
            "engine": run.engine,
        },
    }
    head = json.dumps(content, indent=2, ensure_ascii=False).removesuffix("\n}")
    inputs = ",\n".join(f"    {json.dumps(one, ensure_ascii=False)}" for one in account.inputs())
    return f'{head},\n  "inputs": [\n{inputs}\n  ]\n}}\n'


#: What of a plan decides, or may, what a job comes to.
_SETTINGS = (
    "chunk_size",
    "partitions",
    "input_format",
    "whole_files",
    "incremental",
    "shuffle",
    "max_attempts",
    "on_bad_chunk",
    "max_bad_records",
    "task_timeout",
    "timeout",
    "lease_seconds",
)


def _listed(written: Written) -> dict[str, Any]:
    return {"name": written.name, "size": written.size, "blake3": written.digest}
