"""JSON values: a total order over them, and how to make one of what is none."""

from __future__ import annotations

import json
from typing import Any

#: How values of other types become JSON values. The first type that a value has counts, named with its package, so that
#: no library is imported for it.
_CONVERSIONS = {
    "numpy.datetime64": "str(...)",
    "numpy.timedelta64": "str(...)",
    "numpy.integer": "int(...) or .item()",
    "numpy.floating": "float(...) or .item()",
    "numpy.bool_": "bool(...) or .item()",
    "numpy.bool": "bool(...) or .item()",
    "numpy.generic": ".item()",
    "numpy.ndarray": ".tolist()",
    "pandas.NAType": "None in its place",
    "pandas.NaTType": "None in its place",
    "pandas.Series": ".tolist()",
    "pandas.Index": ".tolist()",
    "pandas.DataFrame": ".to_dict('records')",
    "datetime.datetime": ".isoformat()",
    "datetime.date": ".isoformat()",
    "datetime.time": ".isoformat()",
    "datetime.timedelta": ".total_seconds()",
    "decimal.Decimal": "float(...), or str(...) for all its digits",
    "fractions.Fraction": "float(...)",
    "enum.Enum": ".value",
    "uuid.UUID": "str(...)",
    "pathlib.PurePath": "str(...)",
    "builtins.set": "sorted(...)",
    "builtins.frozenset": "sorted(...)",
    "builtins.bytes": ".decode()",
    "builtins.bytearray": ".decode()",
}
#: Types of values that can be listed.
_LISTED = frozenset({"generator", "map", "filter", "zip", "range", "dict_keys", "dict_values", "dict_items", "deque"})


def order_of(value: Any) -> tuple[int, Any, str]:
    """Return the sort key of a value in a total order over JSON values, so that no result depends on arrival.

    null < booleans < numbers < strings < lists, item by item < objects by their JSON text; equal numbers by their
    text. A value that JSON cannot hold raises even where it would be dropped.
    """
    try:
        text = "" if value.__class__ is str else json.dumps(value, sort_keys=True, allow_nan=False)
    except TypeError as error:
        message = f"{error}{conversion_of(value)}"
        raise TypeError(message) from None
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


def conversion_of(value: Any) -> str:
    """Say, to follow an error, how a value that JSON cannot hold becomes one that it can; nothing if that is not known.

    Scalars of numpy and pandas are among them: they look like numbers, and JSON has no place for their types.
    """
    names = [f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(value).__mro__]
    known = [way for name, way in _CONVERSIONS.items() if name in names]
    if type(value).__name__ in _LISTED:
        known.append("list(...)")
    if hasattr(type(value), "__dataclass_fields__"):
        known.append("dataclasses.asdict(...)")
    return f"; convert it with {known[0]}" if known else ""
