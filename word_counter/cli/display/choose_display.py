"""Chooses the display of a run by its mode and the terminal."""

from __future__ import annotations

import sys

from word_counter.cli.display.display import Display, LogDisplay, QuietDisplay
from word_counter.settings import config


def make_display(kind: str, *, verbose: bool = False, quiet: bool = False, to_stdout: bool = False) -> Display:
    """Return the display for a mode, one of ``auto``, ``bar``, ``log`` and ``none``.

    Bars need a terminal that can move its cursor. Elsewhere ``bar`` means ``log``.

    Args:
        kind: the mode.
        verbose: show retries with their full reasons.
        quiet: show errors only, whatever the mode.
        to_stdout: whether the results go to standard output, which may be the same terminal.
    """
    if quiet:
        return QuietDisplay()
    if kind == "none":
        return Display(verbose=verbose)
    if kind == "log" or not _can_move_cursor():
        return LogDisplay(verbose=verbose)
    from word_counter.cli.display.bar_display import BarDisplay

    return BarDisplay(verbose=verbose, to_stdout=to_stdout)


def _can_move_cursor() -> bool:
    return sys.stderr.isatty() and config.environment().get("TERM", "dumb") not in {"dumb", "unknown"}
