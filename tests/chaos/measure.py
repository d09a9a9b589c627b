"""Measures the time from a death until the work runs elsewhere, without other faults and with an idle worker."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos import faults
from tests.chaos.faults import Fault, Field
from tests.chaos.fleet import Fleet
from tests.chaos.runs import Run
from tests.chaos.slow_jobs import GATE
from tests.chaos.storm import Say, scene
from tests.chaos.watch import Watch
from tests.chaos.work import HELD, Verdict, make_work

#: Longer than anything here takes, in seconds.
_LIMIT_SECONDS = 90.0
_REST_SECONDS = 0.02
_WORKERS = 3


def measure_deaths(
    seed: str, kinds: Sequence[str], say: Say, env: dict[str, str] | None = None
) -> dict[str, list[float]]:
    """Do faults of these kinds, each of which kills some of a worker; return what the watch saw, in seconds.

    Settings are the defaults but for those in ``env``. Each death hits one of two tasks that run; a third worker
    has nothing to do. The job has to come to an exact end each time.
    """
    folder = Path(tempfile.mkdtemp(prefix="wc-chaos-"))
    try:
        with scene(folder) as on:
            gate = folder / "gate"
            on.env.update({GATE: str(gate), **(env or {})})
            fleet = Fleet(_WORKERS, folder, on.env, on.guard, say)
            on.stack.callback(fleet.end)
            field = Field(fleet, on.server, on.proxy, Watch(on.server.client), [], 0.0, say)
            for number, kind in enumerate(kinds):
                gate.unlink(missing_ok=True)
                rng = random.Random(f"{seed} {number}")
                work = make_work(rng, f"deaths-{number}", folder / f"deaths-{number}", HELD)
                run = Run(work, on.env, on.guard, time.monotonic())
                on.stack.callback(run.end)
                field.runs = [run]
                _measure(field, Fault(0.0, kind, rng.random(), 0.0), run, gate)
            return field.watch.seconds
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(field: Field, fault: Fault, run: Run, gate: Path) -> None:
    _until(field, lambda: len(field.running()) == _WORKERS - 1)
    faults.KINDS[fault.kind].strike(field, fault)
    _until(field, lambda: not field.watch.waits)
    gate.touch()
    _until(field, lambda: run.follow(time.monotonic(), _LIMIT_SECONDS, field.server.client))
    if run.verdict is not Verdict.EXACT:
        message = f"after {fault.kind}, {run.work.job_id} is {run.verdict}: {run.note}"
        raise RuntimeError(message)


def _until(field: Field, so: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not so():
        now = time.monotonic()
        if now > deadline:
            message = f"still not so after {_LIMIT_SECONDS:g} s: {so}"
            raise RuntimeError(message)
        field.fleet.keep_up(now)
        field.watch.look()
        time.sleep(_REST_SECONDS)
