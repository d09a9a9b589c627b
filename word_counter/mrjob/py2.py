"""Names that jobs for both Python 2 and Python 3 import; here they are those of Python 3."""

from __future__ import annotations

from io import StringIO
from urllib.parse import ParseResult, urljoin, urlparse
from urllib.request import pathname2url, urlopen

__all__ = [
    "PY2",
    "ParseResult",
    "StringIO",
    "integer_types",
    "pathname2url",
    "string_types",
    "to_unicode",
    "urljoin",
    "urlopen",
    "urlparse",
    "xrange",
]

PY2 = False
integer_types = (int,)
string_types = (str,)
xrange = range


def to_unicode(s: bytes | str) -> str:
    """Return text as it is, and bytes decoded: as UTF-8, or else as latin-1. TypeError when it is neither."""
    if isinstance(s, str):
        return s
    if not isinstance(s, bytes):
        message = f"neither text nor bytes: {s!r}"
        raise TypeError(message)
    try:
        return s.decode()
    except UnicodeDecodeError:
        return s.decode("latin-1")
