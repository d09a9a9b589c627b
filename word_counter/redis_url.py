"""Redis URLs: made of the parts that an environment names, and shown without their passwords."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from word_counter.errors import UsageError


def from_parts(environ: Mapping[str, str]) -> str:
    """Return the URL that REDIS_HOST, REDIS_PORT and REDIS_PASSWORD spell, or nothing when none names a host."""
    host, port = environ.get("REDIS_HOST", ""), environ.get("REDIS_PORT", "")
    if not host and not port:
        return ""
    if port and not port.isdigit():
        message = f"REDIS_PORT must be a whole number, not {port!r}"
        raise UsageError(message)
    password = environ.get("REDIS_PASSWORD", "")
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{host or 'localhost'}:{port or 6379}/0"


#: Passwords among the options of a Redis URL: ``password``, and ``ssl_password`` of a client's key.
_SECRET_OPTION = re.compile(r"([?&][^=&]*pass[^=&]*=)[^&]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """Return a Redis URL as it may be shown: with *** in place of its passwords, however ill-formed it is."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    login, at, address = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    shown = f"{user}:***@{address}" if colon else login + at + address
    return scheme + separator + _SECRET_OPTION.sub(r"\1***", shown)
