"""User folders: where this program keeps its files for the user, by the XDG specification."""

from __future__ import annotations

import os

from word_counter.settings.config import environment


def state_folder() -> str:
    """Return the folder for files that must be kept, such as the secret."""
    return _folder("XDG_STATE_HOME", ".local/state")


def cache_folder() -> str:
    """Return the folder for files that can be made again."""
    return _folder("XDG_CACHE_HOME", ".cache")


def _folder(variable: str, default: str) -> str:
    base = environment().get(variable, "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(os.path.expanduser("~"), default), "word_counter")
