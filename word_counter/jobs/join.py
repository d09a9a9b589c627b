"""Two inputs joined by a key: inner, left, right or outer.

`word-counter run shop/ --job join --param left='orders*.csv' --param right='customers.csv' --param left_key=2`. Each
key has a list of pairs: the fields of a left line and of a right one, or null where an outer join found no partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from word_counter import LEFT_OUT, Job, Mapper, Param, Reducer
from word_counter.fields import check_delimiter, fields_of

#: The side of a line, then its fields.
Row = list[str]


class Sides(Mapper):
    """Yields each line under its key, with its side."""

    def map(self, line: str) -> Iterator[tuple[str, Row]]:
        fields, side = fields_of(line, self.params["delimiter"]), self.side()
        number = self.params[f"{side}_key"]
        if len(fields) < number:
            message = f"the key is field {number}, and there are {len(fields)}"
            raise ValueError(message)
        yield fields[number - 1], [side, *fields]

    def side(self) -> str:
        """Return the side of the current line's file."""
        sides = [side for side in ("left", "right") if PurePath(self.source).match(self.params[side])]
        if len(sides) != 1:
            message = f"{self.source} is {'both left and right' if sides else 'neither left nor right'}"
            raise ValueError(message)
        return sides[0]


class Partners(Reducer):
    """Brings the two sides of a key together."""

    in_input_order = True

    def reduce(self, key: str, values: Iterable[Row]) -> Any:  # noqa: ARG002 (it is in the rows)
        sides: dict[str, list[Row | None]] = {"left": [], "right": []}
        for side, *fields in values:
            sides[side].append(fields)
        for side, other in (("left", "right"), ("right", "left")):
            if not sides[side]:
                if self.params["kind"] not in {other, "outer"}:
                    return LEFT_OUT
                sides[side].append(None)
        return [[left, right] for left in sides["left"] for right in sides["right"]]


class Join(Job):
    """The lines of two inputs by key."""

    mapper = Sides
    reducer = Partners
    params = {
        "left": Param(str, "which files are left: a pattern such as orders*.csv, for the end of a path"),
        "right": Param(str, "which files are right"),
        "left_key": Param(1, "which field of a left line is its key", least=1),
        "right_key": Param(1, "which field of a right line is its key", least=1),
        "kind": Param("inner", "whether lines without a partner are kept", ("inner", "left", "right", "outer")),
        "delimiter": Param(
            ",", "what stands between fields, which may be quoted; empty: white space", check=check_delimiter
        ),
    }
