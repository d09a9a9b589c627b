"""Apart: work in a child process, so that whoever asked for it lives to tell how that process died."""

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

#: Takes what work tells on its way, as JSON can hold it; the last of it is kept.
Tell = Callable[[Any], None]
#: How often it is looked whether a child that says nothing lives, in seconds.
_LOOK_SECONDS = 0.2
_PACKAGE = f'File "{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}{os.sep}'


@dataclass(frozen=True, slots=True)
class Ending:
    """How work apart ended.

    Attributes:
        answer: what it returned, if it lived.
        died: how its process died, as in ``was killed by SIGSEGV``; empty: it lived.
        frames: where in the user's code that was, the innermost line first, if it can be told.
        told: what it told last.
    """

    answer: Any = None
    died: str = ""
    frames: str = ""
    told: Any = None


def run_isolated(work: Callable[[Tell], Any]) -> Ending:
    """Run work in a child process, which is forked off: it knows all that this one knows.

    The child ends with this process, and when this one is interrupted.

    Args:
        work: is given a way to tell what it is at; returns what JSON can hold.

    Raises:
        WordCounterError: as the work did, the same class with the same message.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    life, end_of_life = context.Pipe(duplex=False)
    with tempfile.TemporaryFile(dir=temporary_folder()) as last_words:
        stdin = None if sys.stdin is None else os.dup(0)
        child = context.Process(target=_live, args=(work, theirs, life, end_of_life, last_words.fileno(), stdin))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of user code, begun when it was imported
            child.start()
        theirs.close()
        life.close()
        if stdin is not None:
            os.close(stdin)
        told: Any = None
        try:
            for kind, content in _heard(ours, child):
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
            end_of_life.close()


def how_ended(code: int | None) -> str:
    """Say how a process ended, by its exit code, as in ``was killed by SIGSEGV``."""
    return f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exited with {code}"


def end_with_parent(life: Connection) -> None:
    """Wait until the parent is gone, which closes its end of a pipe, and end this process."""
    life.poll(None)
    os._exit(1)


def _heard(pipe: Connection, child: BaseProcess) -> Iterator[tuple[str, Any]]:
    """Yield what a child says, until it has ended: processes that it began may hold its end of the pipe for longer."""
    ended = False
    with contextlib.suppress(EOFError):
        while not ended:
            ended = child.exitcode is not None  # before the look at the pipe: what it said last is there then
            while pipe.poll(0 if ended else _LOOK_SECONDS):
                kind, content = json.loads(pipe.recv_bytes())
                yield kind, content
    child.join()


def _live(
    work: Callable[[Tell], Any],
    pipe: Connection,
    life: Connection,
    end_of_life: Connection,
    last_words: int,
    stdin: int | None,
) -> None:
    """Be the child."""
    if stdin is not None:  # multiprocessing has closed it: a breakpoint() of the user's may want it
        os.dup2(stdin, 0)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (for as long as this process lives)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal's: the parent minds it
    end_of_life.close()
    threading.Thread(target=end_with_parent, args=(life,), daemon=True).start()
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
    """Return the frames of the user's code, and of what it called, from what a dying process has said."""
    found = []
    for line in text.splitlines():
        if _PACKAGE in line:
            break
        if line.startswith("  File "):
            found.append(line)
    return "\n".join(found)
