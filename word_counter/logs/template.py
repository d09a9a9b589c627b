"""Template of a message: numbers, addresses and the like become placeholders, so that similar lines count as one."""

from __future__ import annotations

import re

_IPV6 = (
    r"(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
    r"|(?:[0-9a-fA-F]{1,4}:){1,6}:(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,5})?"
    r"|::(?:[0-9a-fA-F]{1,4}:){0,6}[0-9a-fA-F]{1,4}"
)
#: From the most special to the most general: the first that fits at a place wins.
_VARIABLE = re.compile(
    r"""(?P<text>"[^"]*"|(?<!\w)'[^']*'(?!\w))
    |(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
    |(?P<ip>\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:.])(?:"""
    + _IPV6
    + r""")(?![\w:]))
    |(?P<hex>\b0[xX][0-9a-fA-F]+\b|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,}\b)
    |(?P<n>\d+(?:[.,]\d+)*)""",
    re.VERBOSE,
)


def template(message: str) -> str:
    """Return a message with the placeholders ``<text>``, ``<uuid>``, ``<ip>``, ``<hex>`` and ``<n>``."""
    return _VARIABLE.sub(_placeholder, message)


def _placeholder(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"
