"""The command, as ``python -m word_counter`` and as ``word-counter``.

Ctrl-C is minded before anything is imported: until then there is nothing to tidy up, and nothing to tell.
"""

from __future__ import annotations

import os
import signal

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; never end in a traceback of Ctrl-C, however early or late it is pressed."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    try:
        from word_counter.cli import main as commands

        commands()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is the interpreter's own end


def _leave(signum: int, frame: object) -> None:  # noqa: ARG001 (a signal handler)
    os.write(2, b"interrupted: nothing was started\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
