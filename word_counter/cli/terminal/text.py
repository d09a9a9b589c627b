"""Text for people: numbers, sizes and times in words, and foreign text made safe to show.

Text from the input, from user code or from Redis may contain escape sequences that would move the cursor, change
colours or worse. They never reach the terminal: :func:`printable` shows them as escapes.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from word_counter.errors import spelled

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
#: Characters of these categories are not shown but control the terminal: controls, formats (such as those that change
#: the direction of writing), surrogates, and the separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Formats that only join or separate the letters beside them, as Persian and emoji need. They are harmless.
_JOINERS = "\u200c\u200d"


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return text with all invisible characters as escapes, such as ``\x1b``; ``lines`` keeps line breaks."""
    if text.isascii() and text.isprintable():
        return text
    text = spelled(text)
    return "".join(_shown(char, lines=lines) for char in text)


def _shown(char: str, *, lines: bool) -> str:
    if char == "\t":
        return "    " if lines else "\\t"
    if char == "\n" and lines:
        return char
    if unicodedata.category(char) in _UNSEEN and char not in _JOINERS:
        return char.encode("unicode_escape", "surrogatepass").decode("ascii")
    return char


def size(n: float) -> str:
    """Return a number of bytes, as in ``20.3 MB``; 1 MB is a million bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 999.95:  # noqa: PLR2004 (what would round to 1000.0 goes into the next unit)
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:,.1f} TB"


def rate(bytes_a_second: float) -> str:
    """Return a speed, in MB/s so that runs are easy to compare, or in kB/s when it is very low."""
    if 0 < bytes_a_second < 50_000:  # noqa: PLR2004 (what would round to 0.0)
        return f"{bytes_a_second / 1e3:,.1f} kB/s"
    return f"{bytes_a_second / 1e6:,.1f} MB/s"


def duration(seconds: float) -> str:
    """Return a length of time, as in ``0.4 s``, ``12 s``, ``3:20`` or ``2 d 03:10``."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """Return a length of time to the second, as in ``0:07``, ``3:20`` or ``1:02:03``."""
    whole = round(seconds)
    days, rest = divmod(whole, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    if days:
        return f"{days} d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(milliseconds: int | None) -> str:
    """Return a time in this machine's zone, as in ``2026-11-21 07:06:48``; "" for None."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def timestamp(milliseconds: int | None) -> str | None:
    """Return a time for programs: ISO 8601 in UTC, as in ``2026-11-21T07:06:48.123Z``."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_line(reason: str) -> str:
    """Return the first line of a reason, with the last line of the traceback if one follows."""
    lines = reason.strip().splitlines() or [""]
    return lines[0] if len(lines) == 1 else f"{lines[0]} ({lines[-1].strip()})"
