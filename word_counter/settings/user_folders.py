"""Folders: where this program keeps things for its user, after the XDG specification."""

from __future__ import annotations

import os

from word_counter.settings.config import environment


def state_folder() -> str:
    """Return the folder in which this program keeps things for its user, after the XDG specification."""
    return _folder("XDG_STATE_HOME", ".local/state")


def cache_folder() -> str:
    """Return the folder in which it keeps what can be made again."""
    return _folder("XDG_CACHE_HOME", ".cache")


def _folder(variable: str, default: str) -> str:
    base = environment().get(variable, "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(os.path.expanduser("~"), default), "word_counter")
