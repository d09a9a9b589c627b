"""URLs: what is one rather than a path, as fsspec knows them, and whether there is a password in it."""

from __future__ import annotations

import re

_URL = re.compile(r"[a-z][a-z0-9+.-]*(::[a-z][a-z0-9+.-]*)*://", re.IGNORECASE)
_PASSWORD = re.compile(r"[^/]*://[^/@]*:[^/@]*@")


def is_url(path: str) -> bool:
    """Return whether a path is a URL rather than one of this machine."""
    return _URL.match(path) is not None


def has_password(url: str) -> bool:
    """Return whether a URL names a password beside its user."""
    return _PASSWORD.match(url) is not None
