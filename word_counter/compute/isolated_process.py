"""Isolated process: runs work in a child process. If the child dies, this process can report how."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from word_counter import errors
from word_counter.settings.user_folders import temporary_folder

#: Takes a progress report of the work, which JSON can hold. The last one is kept.
Tell = Callable[[Any], None]
#: How often it is checked whether a silent child is alive, in seconds.
_LOOK_SECONDS = 0.2
_PACKAGE = f'File "{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}{os.sep}'


@dataclass(frozen=True, slots=True)
class Ending:
    """How isolated work ended.

    Attributes:
        answer: what it returned, if its process did not die.
        died: how its process died, as in ``was killed by SIGSEGV``; "" if it did not.
        frames: where in the user's code that was, the innermost line first, if it is known.
        told: its last progress report.
    """

    answer: Any = None
    died: str = ""
    frames: str = ""
    told: Any = None


def run_isolated(work: Callable[[Tell], Any]) -> Ending:
    """Run work in a forked child process, which has all the data of this one.

    The child ends with this process, and when this one is interrupted.

    Args:
        work: is given a function that reports its progress; returns what JSON can hold.

    Raises:
        WordCounterError: the work raised it; it has the same class and message.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    alive, parents_end = context.Pipe(duplex=False)
    with tempfile.TemporaryFile(dir=temporary_folder()) as last_words:
        stdin = None if sys.stdin is None else os.dup(0)
        child = context.Process(target=_run_child, args=(work, theirs, alive, parents_end, last_words.fileno(), stdin))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads that user code started when imported
            child.start()
        theirs.close()
        alive.close()
        if stdin is not None:
            os.close(stdin)
        told: Any = None
        try:
            for kind, content in _messages(ours, child):
                if kind == "raised":
                    name, message = content
                    raise getattr(errors, name)(message)
                if kind == "answer":
                    return Ending(content, told=told)
                told = content
            last_words.seek(0)
            frames = _frames(last_words.read().decode("utf-8", "replace"))
            return Ending(died=how_ended(child.exitcode), frames=frames, told=told)
        finally:
            child.kill()
            child.join()
            ours.close()
            parents_end.close()


def how_ended(code: int | None) -> str:
    """Say how a process ended, by its exit code, as in ``was killed by SIGSEGV``."""
    return f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exited with {code}"


def end_with_parent(alive: Connection) -> None:
    """Wait until the parent is gone, which closes its end of a pipe, and end this process."""
    alive.poll(None)
    os._exit(1)


def _messages(pipe: Connection, child: BaseProcess) -> Iterator[tuple[str, Any]]:
    """Yield the messages of a child until it has ended. Its own children may keep its end of the pipe open longer."""
    ended = False
    with contextlib.suppress(EOFError):
        while not ended:
            ended = child.exitcode is not None  # asked before the pipe is read, so that its last message is not missed
            while pipe.poll(0 if ended else _LOOK_SECONDS):
                kind, content = json.loads(pipe.recv_bytes())
                yield kind, content
    child.join()


def _run_child(
    work: Callable[[Tell], Any],
    pipe: Connection,
    alive: Connection,
    parents_end: Connection,
    last_words: int,
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
    faulthandler.enable(last_words, all_threads=False)

    def send(kind: str, content: Any) -> None:
        pipe.send_bytes(json.dumps([kind, content]).encode())

    try:
        answer = work(lambda told: send("told", told))
    except errors.WordCounterError as error:
        send("raised", [type(error).__name__, str(error)])
    else:
        send("answer", answer)


def _frames(text: str) -> str:
    """Return the frames of the user's code, and of what it called, from the output of faulthandler."""
    found = []
    for line in text.splitlines():
        if _PACKAGE in line:
            break
        if line.startswith("  File "):
            found.append(line)
    return "\n".join(found)
