"""Receipt of a job: its inputs, its results, and what happened in between, as JSON.

It is written and shown together with the results. It is not signed: it proves that inputs and results are those of the
job only to people who trust the receipt.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from word_counter.errors import JobFailedError
from word_counter.files.drafts import Written
from word_counter.job.job_spec import JobSpec
from word_counter.job.snapshot import CRASHED, EXPIRED, HUNG
from word_counter.outputs.receipt_file import FORMAT, Receipt
from word_counter.receipts.accounting import Accounting
from word_counter.receipts.input_lines import are_many, input_lines, inputs_text

#: Kinds of failure in which a worker process died, or stopped renewing its lease.
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


def check_accounting(accounting: Accounting, job_id: str) -> None:
    """Raise JobFailedError unless the accounting of a job's tasks adds up."""
    if problems := accounting.problems():
        message = (
            f"the results of job {job_id} are not written, because the accounting of its tasks does not add up: "
            f"{problems}. Either this program has a fault, or somebody changed its Redis; run the job again"
        )
        raise JobFailedError(message)


def receipt_of(spec: JobSpec, accounting: Accounting, run: Callable[[], Run]) -> Receipt:
    """Return what the receipt of a job is made of; ``run`` is called when its results are drafted."""

    def text(results: Sequence[Written], quarantine: Written | None, inputs: Written | None) -> str:
        return _text(spec, accounting, run(), results, quarantine, inputs)

    return Receipt(text, partial(input_lines, accounting) if are_many(accounting) else None)


def _text(
    spec: JobSpec,
    accounting: Accounting,
    run: Run,
    results: Sequence[Written],
    quarantine: Written | None,
    inputs: Written | None,
) -> str:
    """Return the text of a receipt, with one line for each field and each input."""
    from word_counter import __version__  # looking it up takes time, so only when it is needed

    settings = {name: getattr(spec, name) for name in _SETTINGS}
    settings["transport"] = "inline" if spec.inline else "auto"
    content: dict[str, Any] = {
        "format": FORMAT,
        "job": {
            "id": spec.job_id,
            "name": spec.name,
            "code": spec.code,
            "code_sha256": spec.code_digest,
            "params": spec.params,
            "files_sha256": spec.files,
        },
        "results": {
            "output": spec.output,
            "format": spec.form,
            "sort": spec.sort,
            "top": spec.top,
            "keys": run.keys,
            "files": [_listed(written) for written in results],
            "quarantine": None if quarantine is None else _listed(quarantine),
        },
        "counts": accounting.counts(),
        "phases": accounting.phases(),
        "counters": dict(sorted(run.counters.items())),
        "attempts": {
            "committed": sum(accounting.workers().values()),
            "failed": dict(sorted(run.failed.items())),
            "deaths": sum(run.failed.get(kind, 0) for kind in _DEATHS),
            "retries": run.retries,
        },
        "workers": accounting.workers(),
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
    return f'{head},\n  "inputs": {inputs_text(accounting, inputs)}\n}}\n'


#: The fields of a job spec on which the results depend, or may depend.
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
