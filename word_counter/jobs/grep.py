"""The lines that match a pattern, with their numbers, by file.

`word-counter run logs/ --job grep --param 'pattern=timed? out'`. The lines of a file are one result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from word_counter import Job, Mapper, Param, Values


class Matching(Mapper):
    """Yields the lines that match, each with its number."""

    input_kinds = ("lines",)

    def setup(self) -> None:
        flags = re.IGNORECASE if self.params["ignore_case"] else re.NOFLAG
        self.search = re.compile(self.params["pattern"], flags).search

    def map(self, line: str) -> Iterator[tuple[str, list[int | str]]]:
        if self.search(line):
            yield self.source, [self.line_number, line]


class Grep(Job):
    """The matching lines of each file, in their order."""

    mapper = Matching
    reducer = Values
    params = {
        "pattern": Param(str, "a regular expression of Python's", check=re.compile),
        "ignore_case": Param(default=False, help="whether small and capital letters are the same"),
    }
