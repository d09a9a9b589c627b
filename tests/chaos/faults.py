"""Faults: their kinds, the seeded plan of them, and what each does.

A plan is a function of its seed alone: when, which kind, how hard, and who is hit among those that can be.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click

from tests.chaos.commands import kill
from tests.chaos.fleet import Fleet, FleetWorker
from tests.chaos.proxy import Proxy
from tests.chaos.runs import MOST_KILLS, Run
from tests.chaos.server import Server
from tests.chaos.watch import Attempt, Watch

T = TypeVar("T")

#: How long a worker that was told to stop may take, in seconds.
_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is due ``at`` seconds after the start; ``aim`` and ``force`` are from 0 to 1."""

    at: float
    kind: str
    aim: float
    force: float


@dataclass(frozen=True, slots=True)
class Harm:
    """A fault that was done: to what, and how it is undone after so many seconds."""

    text: str
    seconds: float = 0.0
    undo: Callable[[], None] | None = None


@dataclass(slots=True)
class Field:
    """What faults can hit."""

    fleet: Fleet
    server: Server
    proxy: Proxy
    watch: Watch
    runs: list[Run]
    lease_seconds: float
    say: Callable[[str], None]
    now: float = 0.0  #: seconds after the start

    def running(self) -> list[Attempt]:
        """Return all attempts under way."""
        return self.watch.running([run.work.job_id for run in self.runs])


Strike = Callable[[Field, Fault], Harm | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and how often it comes. Of those that are an ``outage`` there is one at a time."""

    group: str
    weight: int
    strike: Strike
    outage: bool = False


#: Every kind by its name; :func:`_kind` fills it.
KINDS: dict[str, Kind] = {}


def groups() -> list[str]:
    """Return the groups that kinds of fault come in."""
    return list(dict.fromkeys(kind.group for kind in KINDS.values()))


def named(names: Sequence[str]) -> list[str]:
    """Return the kinds that names of kinds, names of groups, and "all" stand for; click.UsageError for others."""
    for name in names:
        if name not in {"all", *KINDS, *groups()}:
            message = f"there are no faults {name!r}; there are all, {', '.join([*groups(), *KINDS])}"
            raise click.UsageError(message)
    return [name for name, kind in KINDS.items() if {"all", name, kind.group} & set(names)]


def plan(seed: str, kinds: Mapping[str, Kind], gap_seconds: float) -> Iterator[Fault]:
    """Yield faults of these kinds without end, on average one in so many seconds."""
    rng = random.Random(f"faults {seed}")
    at = 0.0
    while kinds:
        at += rng.expovariate(1 / gap_seconds)
        (name,) = rng.choices(list(kinds), [kind.weight for kind in kinds.values()])
        yield Fault(at, name, rng.random(), rng.random())


def _kind(group: str, weight: int, *, outage: bool = False) -> Callable[[Strike], Strike]:
    def keep(strike: Strike) -> Strike:
        KINDS[strike.__name__.strip("_").replace("_", "-")] = Kind(group, weight, strike, outage)
        return strike

    return keep


def _between(least: float, most: float, force: float) -> float:
    return least + (most - least) * force


def _pick(candidates: Sequence[T], aim: float) -> T | None:
    return candidates[int(aim * len(candidates))] if candidates else None


# -- workers ------------------------------------------------------------------------------------------------


def _worker(field: Field, fault: Fault) -> tuple[FleetWorker, list[Attempt], str] | None:
    """Pick a worker, one that runs something if there is any: return it, what it runs, and both in words."""
    running = field.running()
    targets = field.fleet.targets
    busy = [worker for worker in targets if any(worker.runs(attempt.worker) for attempt in running)]
    worker = _pick(busy or targets, fault.aim)
    if worker is None:
        return None
    own = [attempt for attempt in running if worker.runs(attempt.worker)]
    at = ", ".join(f"{attempt.job} {attempt.task}#{attempt.attempt}" for attempt in own)
    return worker, own, f"{worker.name} (pid {worker.command.pid}), at {at or 'nothing'}"


@_kind("worker", 5)
def _kill_child(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None or not (children := picked[0].children):
        return None
    worker, own, text = picked
    for child in children:
        kill(child, signal.SIGKILL)
    field.watch.died("child", worker, own)
    return Harm(text)


@_kind("worker", 3)
def _kill_parent(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, own, text = picked
    worker.doomed = True
    worker.command.send(signal.SIGKILL)
    field.watch.died("worker", worker, own)
    return Harm(text)


@_kind("worker", 4)
def _kill_worker(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, own, text = picked
    worker.doomed = True
    worker.command.send_group(signal.SIGKILL)
    field.watch.died("worker", worker, own)
    return Harm(text)


@_kind("worker", 1)
def _term_worker(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, _, text = picked
    worker.doomed = True
    worker.command.send(signal.SIGTERM)

    def check() -> None:
        if worker.command.code is None:
            field.say(f"{worker.name} did not stop in {_STOP_SECONDS:g} seconds after TERM")
            worker.command.send_group(signal.SIGKILL)

    return Harm(text, _STOP_SECONDS, check)


def _go_on(worker: FleetWorker) -> Callable[[], None]:
    def undo() -> None:
        worker.stopped = False
        worker.command.send_group(signal.SIGCONT)

    return undo


@_kind("worker", 2)
def _stop_child(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, _, text = picked
    worker.stopped = True
    for child in worker.children:
        kill(child, signal.SIGSTOP)
    return Harm(text, _between(0.3, 2.5, fault.force) * field.lease_seconds, _go_on(worker))


@_kind("worker", 2)
def _stop_parent(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, _, text = picked
    worker.stopped = True
    worker.command.send(signal.SIGSTOP)
    return Harm(text, _between(0.3, 2.5, fault.force) * field.lease_seconds, _go_on(worker))


@_kind("worker", 3)
def _stop_worker(field: Field, fault: Fault) -> Harm | None:
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, _, text = picked
    worker.stopped = True
    worker.command.send_group(signal.SIGSTOP)
    return Harm(text, _between(0.3, 2.5, fault.force) * field.lease_seconds, _go_on(worker))


@_kind("worker", 2)
def _zombie(field: Field, fault: Fault) -> Harm | None:
    """Stop a child, kill its parent, and let the child go on when its task has long been given to another."""
    picked = _worker(field, fault)
    if picked is None:
        return None
    worker, _, text = picked
    worker.stopped = worker.doomed = True
    for child in worker.children:
        kill(child, signal.SIGSTOP)
    worker.command.send(signal.SIGKILL)
    return Harm(text, _between(1.2, 3.0, fault.force) * field.lease_seconds, _go_on(worker))


# -- masters ------------------------------------------------------------------------------------------------


@_kind("master", 4)
def _kill_master(field: Field, fault: Fault) -> Harm | None:
    run = _pick([run for run in field.runs if run.can_be_hit and run.kills < MOST_KILLS], fault.aim)
    if run is None:
        return None
    run.kill(field.now, _between(0.0, 2.0, fault.force))
    return Harm(f"{run.work.job_id}, its {run.kills}.")


@_kind("master", 2)
def _stop_master(field: Field, fault: Fault) -> Harm | None:
    run = _pick([run for run in field.runs if run.can_be_hit], fault.aim)
    if run is None:
        return None
    run.stopped = True
    run.master.send_group(signal.SIGSTOP)

    def undo() -> None:
        run.stopped = False
        run.master.send_group(signal.SIGCONT)

    return Harm(run.work.job_id, _between(0.3, 3.0, fault.force) * field.lease_seconds, undo)


@_kind("master", 3)
def _hand_over(field: Field, fault: Fault) -> Harm | None:
    """Let another master stand by, and kill the first when that had time to begin, or in the midst of it."""
    run = _pick([run for run in field.runs if run.can_be_hit and run.kills < MOST_KILLS], fault.aim)
    if run is None:
        return None
    run.stand_by()
    return Harm(run.work.job_id, _between(0.2, 3.0, fault.force), run.hand_over)


# -- the server: it goes --------------------------------------------------------------------------------------


@_kind("redis", 3, outage=True)
def _redis_kill(field: Field, fault: Fault) -> Harm | None:
    field.server.kill()
    return Harm("", _between(0.0, 4.0, fault.force), field.server.start)


@_kind("redis", 2, outage=True)
def _redis_kill_and_worker(field: Field, fault: Fault) -> Harm | None:
    """Kill a worker when it can tell nobody: what it was at is noticed by its lease alone, once Redis is back."""
    picked = _worker(field, fault)
    field.server.kill()
    if picked is None:
        return Harm("", _between(0.0, 4.0, fault.force), field.server.start)
    worker, _, text = picked
    worker.doomed = True
    worker.command.send_group(signal.SIGKILL)
    return Harm(text, _between(0.0, 4.0, fault.force), field.server.start)


@_kind("redis", 1, outage=True)
def _redis_restart(field: Field, fault: Fault) -> Harm | None:
    field.server.stop()

    def undo() -> None:
        field.server.kill()
        field.server.start()

    return Harm("", _between(1.0, 4.0, fault.force), undo)


@_kind("redis", 2, outage=True)
def _redis_freeze(field: Field, fault: Fault) -> Harm | None:
    field.server.freeze()
    return Harm("", _between(0.5, 6.0, fault.force), field.server.thaw)


@_kind("empty", 1, outage=True)
def _redis_empty(field: Field, fault: Fault) -> Harm | None:
    field.server.kill()
    field.server.forget()
    return Harm("", _between(0.0, 4.0, fault.force), field.server.start)


# -- the server: it refuses -------------------------------------------------------------------------------------


@_kind("refusals", 2, outage=True)
def _memory_full(field: Field, fault: Fault) -> Harm | None:
    room = int(_between(-100_000, 300_000, fault.aim))
    used = int(field.server.client.info("memory")["used_memory"])
    field.server.client.config_set("maxmemory", used + room)
    text = f"{room:+} bytes of {used}"
    return Harm(text, _between(0.5, 5.0, fault.force), lambda: field.server.client.config_set("maxmemory", 0))


@_kind("refusals", 1, outage=True)
def _disk_broken(field: Field, fault: Fault) -> Harm | None:
    field.server.break_disk()
    return Harm("", _between(0.5, 5.0, fault.force), field.server.mend_disk)


@_kind("refusals", 1, outage=True)
def _readonly(field: Field, fault: Fault) -> Harm | None:
    # of a master that does not exist: it keeps what it has, answers, and refuses to write
    field.server.client.replicaof("127.0.0.1", 1)
    return Harm("", _between(0.5, 5.0, fault.force), lambda: field.server.client.replicaof("NO", "ONE"))


# -- the network --------------------------------------------------------------------------------------------------


@_kind("network", 2, outage=True)
def _drop(field: Field, fault: Fault) -> Harm | None:
    field.proxy.drop()
    return Harm("")


@_kind("network", 3, outage=True)
def _reset(field: Field, fault: Fault) -> Harm | None:
    field.proxy.reset()
    return Harm("")


@_kind("network", 2, outage=True)
def _refuse(field: Field, fault: Fault) -> Harm | None:
    field.proxy.refuse()
    return Harm("", _between(0.2, 5.0, fault.force), field.proxy.heal)


@_kind("network", 2, outage=True)
def _stall(field: Field, fault: Fault) -> Harm | None:
    field.proxy.stall()
    return Harm("", _between(0.5, 6.0, fault.force), field.proxy.heal)


@_kind("network", 4, outage=True)
def _swallow(field: Field, fault: Fault) -> Harm | None:
    field.proxy.swallow()
    return Harm("", _between(0.02, 1.5, fault.force), field.proxy.heal)


@_kind("network", 3, outage=True)
def _cut(field: Field, fault: Fault) -> Harm | None:
    field.proxy.cut()
    return Harm("", _between(0.02, 1.0, fault.force), field.proxy.heal)


@_kind("network", 1, outage=True)
def _slow(field: Field, fault: Fault) -> Harm | None:
    field.proxy.slow(_between(0.005, 0.1, fault.aim))
    return Harm("", _between(1.0, 5.0, fault.force), field.proxy.heal)
