"""Two inputs joined by a key: inner, left, right or outer.

`word-counter run shop/ --job join --param left='orders*.csv' --param right=customers.csv --param left_key=customer`. A
key is a column's name, or its number where there is no header; `--input-format jsonl` joins JSON lines. Each key has a
list of pairs, of a left record and a right one, or null where an outer join found no partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from word_counter import LEFT_OUT, Job, Mapper, Param, Reducer
from word_counter.errors import BadRecordError
from word_counter.fields import check_delimiter, check_field, fields_of, format_of_rows, key_of


class Sides(Mapper):
    """Yields each record under its key, with the side that it is of."""

    @classmethod
    def format_for(cls, params: Mapping[str, Any]) -> str:
        named = not (params["left_key"].isdecimal() and params["right_key"].isdecimal())
        return format_of_rows(params["delimiter"], named=named)

    @classmethod
    def wrong_with_format(cls, chosen: str, kind: str, *, named: bool, params: Mapping[str, Any]) -> str:
        for key in ("left_key", "right_key"):
            if not named and not params[key].isdecimal():
                return f"is to look up {key}={params[key]}, and there are no names of fields; give its number"
            if kind == "jsonl" and params[key].isdecimal():
                return f"needs the name of a field of JSON objects: --param {key}=NAME"
        twice = kind == "csv" and params["delimiter"] != "," and chosen != cls.format_for(params)
        return "is told another delimiter by --param delimiter; leave one of the two out" if twice else ""

    def map(self, record: Any) -> Iterator[tuple[Any, list[Any]]]:
        row = fields_of(record, self.params["delimiter"]) if isinstance(record, str) else record
        side = self.side()
        yield key_of(row, self.params[f"{side}_key"]), [side, row]

    def side(self) -> str:
        """Return which side the running record's file is of."""
        sides = [side for side in ("left", "right") if PurePath(self.source).match(self.params[side])]
        if len(sides) != 1:
            message = f"{self.source} is {'both left and right' if sides else 'neither left nor right'}"
            raise BadRecordError(message)
        return sides[0]


class Partners(Reducer):
    """Brings the two sides of a key together."""

    in_input_order = True

    def reduce(self, key: Any, values: Iterable[list[Any]]) -> Any:  # noqa: ARG002 (it is in the records)
        sides: dict[str, list[Any]] = {"left": [], "right": []}
        for side, row in values:
            sides[side].append(row)
        for side, other in (("left", "right"), ("right", "left")):
            if not sides[side]:
                if self.params["kind"] not in {other, "outer"}:
                    return LEFT_OUT
                sides[side].append(None)
        return [[left, right] for left in sides["left"] for right in sides["right"]]


class Join(Job):
    """The records of two inputs by key."""

    mapper = Sides
    reducer = Partners
    params = {
        "left": Param(str, "which files are left: a pattern such as orders*.csv, for the end of a path"),
        "right": Param(str, "which files are right"),
        "left_key": Param("1", "which field of a left record is its key: a name, or a number", check=check_field),
        "right_key": Param("1", "which field of a right record is its key", check=check_field),
        "kind": Param("inner", "whether records without a partner are kept", ("inner", "left", "right", "outer")),
        "delimiter": Param(",", "what stands between fields; empty: white space", check=check_delimiter),
    }
