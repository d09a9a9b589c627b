"""The jobs that ship: a module each, which `--job NAME` names, and which is short enough to be copied and changed."""

from __future__ import annotations

import pkgutil


def shipped() -> list[str]:
    """Return the names of the shipped jobs."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
