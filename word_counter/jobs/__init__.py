"""The shipped jobs: one module each, for `--job NAME`, and short enough to copy and change."""

from __future__ import annotations

import pkgutil


def shipped() -> list[str]:
    """Return the names of the shipped jobs."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
