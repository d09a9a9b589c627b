"""The command, as ``python -m word_counter`` and as ``word-counter``.

Ctrl-C is handled before anything is imported: until then there is nothing to clean up.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

_INTERRUPTED = 130
#: How many new objects Python makes before it searches them for cycles. With the default of 700 it searches a thousand
#: times while modules are imported, an eighth of the time of a small job. Memory grows by a few megabytes only.
_YOUNG_OBJECTS = 50_000


def main() -> None:
    """Run the command line. Ctrl-C never gives a traceback, however early or late it is pressed."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    _open_closed_streams()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it is ignored, the exit codes of workers are lost
    gc.set_threshold(_YOUNG_OBJECTS)
    try:
        from word_counter.cli.main import main as commands

        commands()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the end of the interpreter follows
        gc.freeze()  # otherwise it searches for cycles three times, which takes as long as a small job


def _open_closed_streams() -> None:
    """Open the null device in place of each closed standard stream, so that no later file gets its number.

    What is written to it goes nowhere. ``sys.stdin`` and ``sys.stdout`` stay None, so that a command that needs them
    can say so.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number: this one
            os.set_inheritable(number, True)  # noqa: FBT003 (as os has it)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _leave(signum: int, frame: object) -> None:  # noqa: ARG001 (a signal handler)
    os.write(2, b"interrupted: nothing was started\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
