"""Set aside: the first reason in a quarantine, for people who look at the end of a run."""

from __future__ import annotations

import json
import re
from contextlib import suppress

_LONGEST_ENTRY = 100_000  # in characters
_MODULE = re.compile(r"^(?:\w+\.)+(?=\w+: )")  # of an exception


def first_reason(quarantine: str) -> str:
    """Return the place and the reason of the first entry of a quarantine file; "" when it cannot be read."""
    with (
        suppress(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError),
        open(quarantine, encoding="utf-8") as file,
    ):
        entry = json.loads(file.readline(_LONGEST_ENTRY))
        reason = _MODULE.sub("", str(entry["reason"]).strip().splitlines()[-1])
        return f"{entry['file']}, line {entry['line']}: {reason}"
    return ""
