"""JSON order: a total order over all JSON values."""

from __future__ import annotations

import json
from typing import Any


def order_of(value: Any) -> tuple[int, Any, str]:
    """Return the sort key of a value in a total order over JSON values, so that no result depends on arrival.

    null < booleans < numbers < strings < lists, item by item < objects by their JSON text; equal numbers by their
    text. A value that JSON cannot hold raises even where it would be dropped.
    """
    text = "" if value.__class__ is str else json.dumps(value, sort_keys=True, allow_nan=False)
    if value is None:
        return (0, 0, text)
    if isinstance(value, bool):
        return (1, int(value), text)
    if isinstance(value, int | float):
        return (2, value, text)
    if isinstance(value, str):
        return (3, value, text)
    if isinstance(value, list | tuple):
        return (4, tuple(map(order_of, value)), text)
    return (5, text, text)
