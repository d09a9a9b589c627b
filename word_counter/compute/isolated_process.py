"""Isolated process: runs work in a child process. If the child dies, this process can report how."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from word_counter import errors
from word_counter.compute.last_words import LOOK_SECONDS, LastWords, tell_last_words

#: Takes a progress report of the work, which JSON can hold. The last one is kept.
Tell = Callable[[Any], None]
#: How often it is checked whether a silent child is alive, in seconds.
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Ending:
    """How isolated work ended.

    Attributes:
        answer: what it returned, if its process did not die.
        died: how its process died, as in ``was killed by SIGSEGV``, or that it was killed as it took too long; "": it
            lived.
        frames: where in the user's code that was, the innermost line first, if it is known.
        told: its last progress report.
    """

    answer: Any = None
    died: str = ""
    frames: str = ""
    told: Any = None
    hung: bool = False  #: whether it was killed because a limit had passed


def run_isolated(work: Callable[[Tell], Any], *, seconds: float = 0.0, silent_seconds: float = 0.0) -> Ending:
    """Run work in a forked child process, which has all the data of this one.

    The child ends with this process, and when this one is interrupted.

    Args:
        work: is given a function that reports its progress; returns what JSON can hold.
        seconds: it is killed when it takes longer; 0: it may take as long as it likes.
        silent_seconds: it is killed when it reports nothing for so long; 0: it need not report.

    Raises:
        WordCounterError: the work raised it; it has the same class and message.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    alive, parents_end = context.Pipe(duplex=False)
    last_words = LastWords(context)
    stdin = None if sys.stdin is None else os.dup(0)
    child = context.Process(target=_run_child, args=(work, theirs, alive, parents_end, last_words.theirs, stdin))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that user code started when imported
        child.start()
    theirs.close()
    alive.close()
    last_words.started()
    if stdin is not None:
        os.close(stdin)
    told: Any = None
    try:
        for kind, content in _messages(ours, child, _Limit(seconds, silent_seconds)):
            if kind == "raised":
                name, message = content
                raise getattr(errors, name)(message)
            if kind == "answer":
                return Ending(content, told=told)
            if kind == "late":
                last_words.ask(child.pid or 0)
                while not last_words.have_come():
                    time.sleep(LOOK_SECONDS)
                return Ending(died=f"took longer than {content:g} s", hung=True, frames=last_words.frames(), told=told)
            told = content
        return Ending(died=how_ended(child.exitcode), frames=last_words.frames(), told=told)
    finally:
        child.kill()
        child.join()
        ours.close()
        parents_end.close()
        last_words.close()


class _Limit:
    """How long work may take in all, and for how long it may report nothing, in seconds; 0: no limit."""

    def __init__(self, seconds: float, silent_seconds: float) -> None:
        self._limits = seconds, silent_seconds
        self._since = [time.monotonic()] * 2

    def reported(self) -> None:
        self._since[1] = time.monotonic()

    @property
    def passed(self) -> float:
        """The limit that has passed; 0: none has."""
        now = time.monotonic()
        gone = (limit for limit, since in zip(self._limits, self._since, strict=True) if 0 < limit < now - since)
        return next(gone, 0.0)


def how_ended(code: int | None) -> str:
    """Say how a process ended, by its exit code, as in ``was killed by SIGSEGV``."""
    return f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exited with {code}"


def end_with_parent(alive: Connection) -> None:
    """Wait until the parent is gone, which closes its end of a pipe, and end this process."""
    alive.poll(None)
    os._exit(1)


def _messages(pipe: Connection, child: BaseProcess, limit: _Limit) -> Iterator[tuple[str, Any]]:
    """Yield the messages of a child until it has ended, or ("late", seconds) when a limit has passed.

    Its own children may keep its end of the pipe open longer than it lives.
    """
    ended = False
    with contextlib.suppress(EOFError):
        while not ended:
            ended = child.exitcode is not None  # asked before the pipe is read, so that its last message is not missed
            while pipe.poll(0 if ended else _LOOK_SECONDS):
                kind, content = json.loads(pipe.recv_bytes())
                limit.reported()
                yield kind, content
                if limit.passed:
                    break
            if not ended and (passed := limit.passed):
                yield "late", passed
    child.join()


def _run_child(
    work: Callable[[Tell], Any],
    pipe: Connection,
    alive: Connection,
    parents_end: Connection,
    last_words: Connection,
    stdin: int | None,
) -> None:
    """Run the work in the child."""
    if stdin is not None:  # multiprocessing has closed it, but a breakpoint() of the user's may need it
        os.dup2(stdin, 0)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (for as long as this process lives)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles a Ctrl-C of the terminal
    parents_end.close()
    threading.Thread(target=end_with_parent, args=(alive,), daemon=True).start()
    tell_last_words(last_words)

    def send(kind: str, content: Any) -> None:
        pipe.send_bytes(json.dumps([kind, content]).encode())

    try:
        answer = work(lambda told: send("told", told))
    except errors.WordCounterError as error:
        send("raised", [type(error).__name__, str(error)])
    else:
        send("answer", answer)
