"""Worker: serves tasks of any job from the queue until it is stopped.

A worker is a parent process and its children. The children run the tasks (:mod:`word_counter.worker.task_runner`). The
parent never runs user code, so that nothing can block it. It renews the children's leases. It notices at once when a
child dies, gives its batch back and starts another. It kills a child whose batch was revoked.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any

from word_counter.compute.last_words import LOOK_SECONDS
from word_counter.errors import StoreForbiddenError, StoreUnavailableError, UsageError
from word_counter.loading.job_import import refuse_while_importing
from word_counter.queue.rq_bookkeeping import RqBookkeeping
from word_counter.settings import config
from word_counter.settings.memory import memory_of, peak_of_the_ended
from word_counter.settings.plurals import count
from word_counter.store.connection import Redis, connect, translated_errors
from word_counter.store.retry import RedisRetry
from word_counter.store.task_store import TaskStore
from word_counter.store.worker_registry import GONE_AFTER_SECONDS, WorkerRegistry
from word_counter.worker.child_process import ChildProcess, ChildSettings, ChildStarter
from word_counter.worker.permissions import Permissions

log = logging.getLogger(__name__)

#: The settings that concern a worker.
_SETTINGS = frozenset({"redis", "secret", "allow", "input_root", "shuffle_root", "redis_patience"})
#: How often the parent checks its children when nothing happens, in seconds.
_TICK_SECONDS = 1.0
#: A child that ended sooner than this and never took a batch is started again after a pause, which doubles up to the
#: longest. A child that took a batch is replaced at once: the scheduler makes its task wait, and no other should.
_LONG_LIFE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 10.0
#: The children are killed after so many requests to stop.
_KILLED = 2
#: Requests within so many seconds of one are the same: timeout(1) asks the process and then its group.
_SAME_SECONDS = 1.0
#: How long a private server may take to answer after it was started, in seconds.
_SERVER_START_SECONDS = 20.0


class Worker:
    """A worker with some processes.

    Args:
        redis: the Redis URL; by default what the environment says.
        processes: how many tasks it runs at a time.
        burst: end when the queue is empty, instead of waiting for more.
        parent: a file descriptor; the worker stops at once when it closes, and so ends with the process at its other
            end.
        allow: what it may load besides the shipped jobs: modules with all below them, files, directories.
        input_root: the files and directories that it may read input from; by default whatever a signed batch names.
        shuffle_root: the folders and URLs below which it may keep files of shuffles; by default nowhere.

    Raises:
        UsageError: no Redis is given, no secret is set and none can be stored, or a setting is not allowed.
    """

    def __init__(
        self,
        redis: str | None = None,
        processes: int = 1,
        *,
        burst: bool = False,
        parent: int | None = None,
        allow: Sequence[str] | None = None,
        input_root: Sequence[str] | None = None,
        shuffle_root: Sequence[str] | None = None,
    ) -> None:
        given = {"redis": redis, "allow": allow, "input_root": input_root, "shuffle_root": shuffle_root}
        settings = config.load(given, only=_SETTINGS)
        self.url = settings.redis
        self._redis_patience = settings.redis_patience
        if not self.url:
            message = "a worker needs a Redis: give --redis URL, or set REDIS_URL or REDIS_HOST"
            raise UsageError(message)
        self._permissions = Permissions.of(settings, own=parent is not None)
        self.processes = processes
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._burst = burst
        self._parent = parent
        self._children: list[ChildProcess] = []
        self._stops = 0
        self._asked = 0.0
        self._started = 0
        self._pause = 0.0
        self._start_next = 0.0
        self._heartbeat_sent = 0.0
        self._since = 0
        self._connection: Redis | None = None
        self._away_since: float | None = None

    def run(self) -> None:
        """Serve until stopped: the first TERM or INT lets running batches finish, the second kills.

        Raises:
            StoreUnavailableError: Redis cannot be reached at the start.
        """
        refuse_while_importing()
        # A run starts its workers and its private server at the same moment.
        retry = RedisRetry(_SERVER_START_SECONDS if self._parent is not None else 0.0, log.debug)
        self._connection = retry.call(lambda: connect(self.url, checked=self._parent is None))
        log.info(
            "worker %s serves the queue %s with %s",
            self.name,
            self._permissions.queue,
            count(self.processes, "process", "processes"),
            extra={"action": "serving", "worker": self.name},
        )
        self._since = retry.call(WorkerRegistry(self._connection).now)
        self._child_starter = ChildStarter(
            ChildSettings(self.url, self._burst, self._redis_patience, self._permissions, self.name)
        )
        try:
            with self._signals() as signalled:
                for _ in range(self.processes):
                    self._start_child()
                self._supervise()  # sends a heartbeat: the master must know this worker before a child refuses a job
                while self._children or (self._start_next and not self._stops):
                    self._wait(signalled)
                    self._supervise()
        finally:
            self._kill_children()
            self._child_starter.close()
            with contextlib.suppress(StoreUnavailableError), translated_errors():
                WorkerRegistry(self._connection).leave(self.name)

    def _start_child(self) -> None:
        self._started += 1
        self._children.append(self._child_starter.start(f"{self.name}-{self._started}"))

    def _wait(self, signalled: int) -> None:
        """Return when a child reported or ended, a signal came, the parent ended, or a tick is over."""
        watched: list[Any] = [signalled]
        if self._parent is not None:
            watched.append(self._parent)
        for child in self._children:
            watched += [child.pipe, child.process.sentinel]
        leases = [child.report.lease_seconds / 3 for child in self._children if child.report]
        answers = [LOOK_SECONDS for child in self._children if child.last_words.asked and not child.hung]
        ready = wait(watched, min([_TICK_SECONDS, *leases, *answers]))
        if signalled in ready:
            for number in os.read(signalled, 100):
                if number in (signal.SIGTERM, signal.SIGINT):
                    self._stop()
        if self._parent is not None and self._parent in ready and not os.read(self._parent, 100):
            self._stops += 2
            self._kill_children()
        for child in self._children:
            child.read_reports()

    def _stop(self) -> None:
        now = time.monotonic()
        if self._stops and now - self._asked < _SAME_SECONDS:
            return
        self._asked = now
        self._stops += 1
        if self._stops == 1:
            facts = {"action": "stopping", "worker": self.name}
            log.info("worker %s stops after the running tasks", self.name, extra=facts)
            for child in self._children:
                child.process.terminate()
        else:
            self._kill_children()

    def _kill_children(self) -> None:
        for child in self._children:
            child.process.kill()

    def _supervise(self) -> None:
        now = time.monotonic()
        for child in [child for child in self._children if child.ended]:
            self._replace(child)
        if self._start_next and now >= self._start_next and not self._stops:
            self._start_next = 0.0
            while len(self._children) < self.processes:
                self._start_child()
        for child in self._children:
            child.kill_if_hung(now)
        try:
            with translated_errors():
                for child in self._children:
                    self._renew(child, now)
                self._heartbeat(now)
            self._redis_answered()
        except StoreForbiddenError:
            raise
        except StoreUnavailableError as error:
            self._redis_failed(error, now)

    def _redis_answered(self) -> None:
        if self._away_since is not None:
            seconds = time.monotonic() - self._away_since
            facts = {"action": "redis_back", "worker": self.name}
            log.warning("worker %s: Redis is back after %.1f s", self.name, seconds, extra=facts)
            self._away_since = None

    def _redis_failed(self, error: StoreUnavailableError, now: float) -> None:
        """Wait for up to ``--redis-patience`` seconds, and log it once.

        Raises:
            StoreUnavailableError: that time is over.
        """
        if self._away_since is None:
            self._away_since = now
            log.warning(
                "worker %s: %s; waiting for it up to %g s",
                self.name,
                error,
                self._redis_patience,
                extra={"action": "redis_away", "worker": self.name},
            )
        elif now - self._away_since > self._redis_patience:
            message = f"Redis was away for {self._redis_patience:g} s (--redis-patience): {error}"
            raise StoreUnavailableError(message) from error

    def _replace(self, child: ChildProcess) -> None:
        """Give back the batch of a dead child, and have another child started."""
        child.read_reports()
        self._children.remove(child)
        report = child.report
        if report is not None and self._connection is not None:
            kind, message = child.how_it_failed()
            facts = {"action": kind, "job": report.job, "batch": report.batch, "worker": child.name}
            if self._stops < _KILLED:  # from then on it is this worker that kills its children
                what = message.partition("\n")[0]
                log.warning("%s in batch %s of job %s", what, report.batch, report.job, extra=facts)
            with contextlib.suppress(StoreUnavailableError), translated_errors():
                TaskStore(self._connection, report.job).revoke(report.batch, kind, message, record=report.record)
        child.close()
        if self._connection is not None:
            with contextlib.suppress(StoreUnavailableError), translated_errors():
                RqBookkeeping(self._connection, self._permissions.queue).strike(child.rq_name)
        if self._stops or (self._burst and child.process.exitcode == 0):
            return
        could_start = child.took_a_batch or time.monotonic() - child.started >= _LONG_LIFE_SECONDS
        self._pause = 0.0 if could_start else min(_LONGEST_PAUSE_SECONDS, self._pause * 2 or 0.1)
        self._start_next = time.monotonic() + self._pause

    def _renew(self, child: ChildProcess, now: float) -> None:
        report = child.report
        if report is None or self._connection is None or not child.wants_renewal(now):
            return
        if TaskStore(self._connection, report.job).renew(report.batch, report.lease_seconds):
            child.refused = 0
            return
        # One refusal may mean that the batch has just ended. After two, the child works on a batch that was taken away.
        child.refused += 1
        if child.refused > 1:
            facts = {"action": "stopped", "job": report.job, "batch": report.batch, "worker": child.name}
            log.warning(
                "%s was stopped: batch %s of job %s was taken from it",
                child.name,
                report.batch,
                report.job,
                extra=facts,
            )
            child.report = None
            child.process.kill()

    def _heartbeat(self, now: float) -> None:
        """Send a heartbeat when it is due. The worker counts as gone no later than its leases run out."""
        leases = [child.report.lease_seconds for child in self._children if child.report]
        seconds = min([GONE_AFTER_SECONDS, *leases])
        if self._connection is None or now - self._heartbeat_sent < seconds / 3:
            return
        running = [f"{child.report.job}/{child.report.batch}" for child in self._children if child.report]
        memories = [memory_of(pid) for pid in (os.getpid(), *(child.process.pid for child in self._children))]
        facts: dict[str, str | int] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "processes": len(self._children),
            "queue": self._permissions.queue,
            "since": self._since,
            "running": " ".join(running),
            "bytes": " ".join(str(memory.now) for memory in memories),
            "peak_bytes": max(peak_of_the_ended(), *(memory.peak for memory in memories)),
        }
        WorkerRegistry(self._connection).heartbeat(self.name, facts, seconds)
        pipeline = self._connection.pipeline(transaction=False)
        RqBookkeeping(self._connection, self._permissions.queue).keep(pipeline)
        pipeline.execute()
        self._heartbeat_sent = now

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Deliver TERM and INT as bytes that the yielded descriptor reads, so that no handler interrupts anything."""
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        if threading.current_thread() is not threading.main_thread():
            yield readable
            return
        wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)  # first, so that none is lost in between
        before = {number: signal.signal(number, _note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield readable
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, action in before.items():
                signal.signal(number, action)
            os.close(readable)
            os.close(writable)


def _note(signum: int, frame: object) -> None:
    """Do nothing: the signal's number arrives through the wakeup descriptor."""
