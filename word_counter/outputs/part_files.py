"""Part files: results with one file for each partition, ``mr-out-0``, ``mr-out-1`` and so on."""

from __future__ import annotations

import contextlib
import os
import re

from word_counter.errors import OutputError
from word_counter.files.locations import files_at
from word_counter.settings.config import PARTS

_NAME = re.compile(re.escape(PARTS.removesuffix("*")) + "(0|[1-9][0-9]*)")


def part_path(output: str, number: int) -> str:
    """Return the path of one part of an output that ends in :data:`word_counter.settings.config.PARTS`."""
    return f"{output.removesuffix('*')}{number}"


def parts_at(output: str) -> dict[int, str]:
    """Return the paths of the parts in the folder of an output, by their numbers, in order.

    Files whose names do not match exactly are not parts. A folder that cannot be read has none.
    """
    folder = os.path.dirname(output)
    with contextlib.suppress(OSError, OutputError):
        found = (_NAME.fullmatch(name) for name in files_at(output).names_in(folder))
        numbers = sorted(int(match[1]) for match in found if match)
        return {number: part_path(os.path.join(folder, PARTS), number) for number in numbers}
    return {}
