"""The command, as ``python -m word_counter`` and as ``word-counter``.

Ctrl-C is minded before anything is imported: until then there is nothing to tidy up, and nothing to tell.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

_INTERRUPTED = 130
#: Objects before Python looks for cycles in the young ones. Its own default of 700 makes it look a thousand times while
#: modules are imported, an eighth of the time that a small job takes; memory between two looks stays a few megabytes.
_YOUNG_OBJECTS = 50_000


def main() -> None:
    """Run the command line; never end in a traceback of Ctrl-C, however early or late it is pressed."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    _mind_closed_streams()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, nobody is told how workers end
    gc.set_threshold(_YOUNG_OBJECTS)
    try:
        from word_counter.cli.main import main as commands

        commands()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is the interpreter's own end
        gc.freeze()  # which looks for cycles three times over, as long as a small job takes


def _mind_closed_streams() -> None:
    """See to it that nothing that is opened later gets the number of a standard stream that is closed.

    What is said then goes nowhere. ``sys.stdin`` and ``sys.stdout`` stay None: who wants them is told.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free: this one
            os.set_inheritable(number, True)  # noqa: FBT003 (as os has it)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _leave(signum: int, frame: object) -> None:  # noqa: ARG001 (a signal handler)
    os.write(2, b"interrupted: nothing was started\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
