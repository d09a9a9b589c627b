"""JSON events: the display for machines, where each event of a run is one JSON log line."""

from __future__ import annotations

import json
import logging
from typing import Any

import click

from word_counter.cli.display.display import Display, why_empty
from word_counter.cli.terminal.logging_setup import configure_logging
from word_counter.job.model import JobState
from word_counter.job.snapshot import Failure
from word_counter.observer import Outcome, Progress
from word_counter.settings.plurals import count

log = logging.getLogger(__name__)


class JsonEventDisplay(Display):
    """Writes events, and passes on those of the local workers."""

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        super().__init__(verbose=verbose)
        configure_logging("json", verbose=verbose, quiet=quiet)
        self._state: JobState | None = None

    def started(self, job_id: str, hint: str) -> None:
        self.job_id = job_id
        self._tell("started", f"job {job_id} has a master{': ' if hint else ''}{hint}")

    def progressed(self, progress: Progress) -> None:
        if progress.state is not self._state:
            self._state = progress.state
            self._tell(progress.state.value, f"job {self.job_id} is {progress.state.value}")

    def failed(self, failure: Failure) -> None:
        self._tell("failed", failure.message, logging.WARNING, **_facts(failure))

    def retried(self, failure: Failure, after_seconds: float) -> None:
        message = f"{failure.task} is tried again in {after_seconds:.1f} s"
        self._tell("retried", message, seconds=after_seconds, **_facts(failure))

    def revoked(self, batch: str, reason: str) -> None:
        self._tell("revoked", f"batch {batch} was given up: {reason}", logging.WARNING, batch=batch)

    def warned(self, message: str) -> None:
        self._tell("warning", message, logging.WARNING)

    def printed(self, line: str) -> None:
        event = _event(line)
        if event is None:
            self._tell("printed", line)
        elif event["action"] != "failed":  # the master reports failures with their reasons, for all workers
            self.say(line)

    def summarise(self, outcome: Outcome) -> None:
        message = (
            f"job {outcome.job_id} is done: {count(outcome.lines, 'line')}, {count(outcome.chunks, 'chunk')}, "
            f"{count(outcome.keys, 'key')}, {count(outcome.retries, 'retry', 'retries')}, "
            f"{count(outcome.skipped_chunks, 'chunk')} and {count(outcome.bad_records, 'record')} set aside"
        )
        facts: dict[str, Any] = {"output": outcome.output, "output_format": outcome.output_format}
        if outcome.receipt:
            facts["receipt"] = outcome.receipt
        if outcome.repeated:
            facts["repeated"] = len(outcome.repeated)
        if outcome.quarantine:
            facts["quarantine"] = outcome.quarantine
        if why := why_empty(outcome):
            self.warned(why)
        self._tell("done", message, seconds=round(outcome.seconds, 3), **facts)

    def _tell(self, action: str, message: str, level: int = logging.INFO, **facts: Any) -> None:
        log.log(level, "%s", message, extra={"action": action, "job": self.job_id, **facts})


def _facts(failure: Failure) -> dict[str, Any]:
    facts: dict[str, Any] = {"task": failure.task, "attempt": failure.attempt}
    facts |= {"worker": failure.worker, "kind": failure.kind}
    if failure.origin is not None:
        origin = failure.origin
        facts |= {"exception": origin.exception, "code_file": origin.file, "code_line": origin.line}
    return facts


def report_error(ctx: click.Context, message: str) -> None:
    """Write the error that ends a command as an event, with the job if there is one."""
    display: JsonEventDisplay | None = ctx.find_root().meta[__name__]
    job = display.job_id if display else ""
    log.error("%s", message, extra={"action": "error", **({"job": job} if job else {})})


def wants_events(ctx: click.Context) -> bool:
    """Return whether the running command was asked for events."""
    return __name__ in ctx.find_root().meta


def want_events(ctx: click.Context, display: JsonEventDisplay | None = None) -> None:
    """Record that the running command was asked for events, and the display of its run, if it has one."""
    ctx.find_root().meta[__name__] = display


def _event(line: str) -> dict[str, Any] | None:
    """Return the event in a worker's line; None when the line is not an event."""
    if not line.startswith("{"):
        return None
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) and "action" in content else None
