"""The storm: a stream of jobs over a fleet of workers, with faults, until every job has its verdict."""

from __future__ import annotations

import heapq
import itertools
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.chaos import faults
from tests.chaos.commands import word_counter
from tests.chaos.faults import Fault, Field
from tests.chaos.fleet import Fleet
from tests.chaos.guard import Guard
from tests.chaos.proxy import Proxy
from tests.chaos.report import Ended, Report
from tests.chaos.runs import Run
from tests.chaos.server import Server
from tests.chaos.watch import Watch
from tests.chaos.work import Verdict, make_work

#: How long the storm's own loop rests, in seconds.
_REST_SECONDS = 0.03
#: How often it looks what has become of the dead.
_LOOK_SECONDS = 0.1
#: After how long what could not be undone is tried again.
_AGAIN_SECONDS = 0.3
#: How long a command may take to print its help, in seconds.
_HELP_SECONDS = 20.0
#: How many hangs are looked into, which costs the whole fleet.
_DUMPS = 2
#: How much of an error is shown.
_CUT = 160
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(?P<error>\S.*)$", re.MULTILINE)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a storm is to be. The same plan has the same jobs and the same faults at the same times."""

    seed: str
    jobs: int  #: how many jobs at the most
    seconds: float  #: after how long no further job is started
    faults: tuple[str, ...]  #: which kinds
    gap_seconds: float = 1.5  #: from fault to fault, on average
    lease_seconds: float = 2.0
    workers: int = 3
    at_once: int = 3  #: jobs at a time
    hung_seconds: float = 180.0
    defaults: bool = False  #: leave all settings as they are; ``lease_seconds`` only says how long faults last


@dataclass(slots=True)
class Scene:
    """What storms and measurements happen on, with the environment that commands need there."""

    folder: Path
    guard: Guard
    server: Server
    proxy: Proxy
    env: dict[str, str]
    stack: ExitStack


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Start a guard, a server and a proxy before it; all is ended afterwards, and all that was started on it."""
    with ExitStack() as stack:
        guard = stack.enter_context(Guard())
        server = stack.enter_context(Server(folder, guard))
        proxy = stack.enter_context(Proxy(server.port))
        env = {
            "WORD_COUNTER_REDIS": f"redis://127.0.0.1:{proxy.port}/0",
            "WORD_COUNTER_SECRET": "only for this storm",
            "WORD_COUNTER_ALLOW": "tests.chaos.slow_jobs",
            "TMPDIR": str(folder),
        }
        yield Scene(folder, guard, server, proxy, env, stack)


class Storm:
    """Runs a plan. ``say`` gets a line for each fault, each job's end, and whatever is odd."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self.report = Report(plan.seed)
        self._plan = plan
        self._say_line = say
        self._made = 0
        self._dumps = 0
        self._undo: list[tuple[float, int, str, Callable[[], None]]] = []
        self._tiebreak = itertools.count()
        self._outage = False
        self._looked = 0.0

    def run(self) -> Report:
        """Run it to its end. The folder with all logs is kept if not all is exact."""
        folder = Path(tempfile.mkdtemp(prefix="wc-chaos-"))
        try:
            with scene(folder) as self._scene:
                self._prepare()
                try:
                    self._loop()
                finally:
                    self.report.seconds = self._now()
                    self.report.strays = self._fleet.strays
                    self.report.latencies = self._field.watch.seconds
                    self.report.tracebacks = _tracebacks(folder)
        finally:
            if self.report.all_exact:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                self.report.folder = str(folder)
        return self.report

    def _prepare(self) -> None:
        plan, on = self._plan, self._scene
        if not plan.defaults:
            # Faults are dense here: what is right must not be given up, and deaths must not be waited for.
            on.env["WORD_COUNTER_LEASE_SECONDS"] = f"{plan.lease_seconds:g}"
        on.env["WORD_COUNTER_MAX_ATTEMPTS"] = "50"
        self._began = time.monotonic()
        self._fleet = Fleet(plan.workers, on.folder, on.env, on.guard, self._say)
        on.stack.callback(self._fleet.end)
        watch = Watch(on.server.client)
        self._field = Field(self._fleet, on.server, on.proxy, watch, [], plan.lease_seconds, self._say)
        self._fleet.keep_up(0.0)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _say(self, line: str) -> None:
        self._say_line(f"{self._now():8.2f}  {line}")

    # -- the loop ------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        due = faults.plan(self._plan.seed, self._kinds(), self._plan.gap_seconds)
        fault = next(due, None)
        while True:
            self._field.now = now = self._now()
            self._start_jobs(now)
            self._follow_jobs(now)
            if not self._field.runs and not self._more(now):
                return
            self._fleet.keep_up(now)
            self._undo_what_is_over(now)
            if fault is not None and now >= fault.at:
                self._strike(fault)
                fault = next(due, None)
            if not self._outage and now - self._looked >= _LOOK_SECONDS:
                self._looked = now
                self._field.watch.look()
            time.sleep(_REST_SECONDS)

    def _kinds(self) -> dict[str, faults.Kind]:
        """Return the kinds of fault that the plan names, less those that the command cannot survive yet."""
        kinds = {name: faults.KINDS[name] for name in self._plan.faults}
        if "kill-master" in kinds:
            asked = word_counter("resume", ["resume", "--help"], self._scene.folder, self._scene.env, self._scene.guard)
            asked.wait(_HELP_SECONDS)
            if asked.code != 0:
                self._say("there is no `word-counter resume`: no master is killed")
                del kinds["kill-master"]
            asked.end()
        return kinds

    def _more(self, now: float) -> bool:
        return self._made < self._plan.jobs and now < self._plan.seconds

    def _start_jobs(self, now: float) -> None:
        while len(self._field.runs) < self._plan.at_once and self._more(now):
            self._made += 1
            job_id = f"chaos-{self._made}"
            rng = random.Random(f"job {self._plan.seed} {self._made}")
            work = make_work(rng, job_id, self._scene.folder / job_id)
            run = Run(work, self._scene.env, self._scene.guard, now)
            self._scene.stack.callback(run.end)
            self._field.runs.append(run)

    def _follow_jobs(self, now: float) -> None:
        for run in list(self._field.runs):
            if run.stopped or not run.follow(now, self._plan.hung_seconds, self._scene.server.client):
                continue
            self._field.runs.remove(run)
            run.end()
            verdict = run.verdict or Verdict.HUNG
            work = run.work
            self.report.again += run.again
            self.report.jobs.append(Ended(work.job_id, work.kind.name, verdict, run.note, run.seconds, run.masters))
            self._say(f"{work.job_id} is {verdict} after {run.seconds:.1f} s{': ' if run.note else ''}{run.note}")
            if verdict is Verdict.EXACT:
                shutil.rmtree(work.folder, ignore_errors=True)
            elif verdict is Verdict.HUNG and self._dumps < _DUMPS:
                self._dumps += 1
                self._fleet.dump()

    # -- faults --------------------------------------------------------------------------------------------

    def _strike(self, fault: Fault) -> None:
        kind = faults.KINDS[fault.kind]
        if kind.outage and self._outage:
            return  # one at a time
        try:
            harm = kind.strike(self._field, fault)
        except redis.RedisError as error:
            self._say(f"{fault.kind} could not be done: {error}")
            return
        if harm is None:
            return
        self.report.faults[fault.kind] += 1
        lasts = f", for {harm.seconds:.2f} s" if harm.seconds else ""
        self._say(f"{fault.kind} {harm.text}{lasts}")
        if kind.outage:
            self._outage = True
            self._field.watch.forget()
            self._later(harm.seconds, fault.kind, harm.undo or (lambda: None))
        elif harm.undo is not None:
            self._later(harm.seconds, fault.kind, harm.undo)

    def _later(self, seconds: float, kind: str, undo: Callable[[], None]) -> None:
        heapq.heappush(self._undo, (self._now() + seconds, next(self._tiebreak), kind, undo))

    def _undo_what_is_over(self, now: float) -> None:
        while self._undo and self._undo[0][0] <= now:
            _, _, kind, undo = heapq.heappop(self._undo)
            try:
                undo()
            except redis.RedisError:  # still loading, say
                self._later(_AGAIN_SECONDS, kind, undo)
                continue
            if faults.KINDS[kind].outage:
                self._outage = False


def _tracebacks(folder: Path) -> Counter[str]:
    """Return how often which traceback stands in the logs, by the error that ends it."""
    found: Counter[str] = Counter()
    for log in folder.rglob("*.err"):
        text = log.read_text(encoding="utf-8", errors="replace")
        found.update(match["error"][:_CUT] for match in _TRACEBACK.finditer(text))
    return found
