"""Results as an Apache Parquet file: a text column ``key``, and a column ``value`` of the type that fits all values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from word_counter.files.drafts import KeepAlive, Rows, library, no_check, unchanged
from word_counter.outputs.column_types import Kind, cell, spilled

#: A row group has at most so many rows, and about so many characters. One is in memory at a time.
_GROUP_ROWS = 100_000
_GROUP_CHARS = 16 * 1024 * 1024


def write_parquet(
    rows: Rows,
    file: BinaryIO,
    before_the_end: Callable[[], None] = no_check,
    *,
    keep_alive: KeepAlive = unchanged,
) -> None:
    """Write rows; OutputError when pyarrow is not installed."""
    arrow: Any = library("pyarrow", "parquet", "in Parquet")
    parquet: Any = library("pyarrow.parquet", "parquet", "in Parquet")
    types = {
        Kind.INTEGER: arrow.int64(),
        Kind.NUMBER: arrow.float64(),
        Kind.BOOLEAN: arrow.bool_(),
        Kind.TEXT: arrow.string(),
        Kind.JSON: arrow.string(),
    }
    with spilled(rows, keep_alive) as (kind, again):
        schema = arrow.schema([arrow.field("key", arrow.string(), nullable=False), ("value", types[kind])])
        with parquet.ParquetWriter(file, schema) as writer:
            for keys, values in _groups(again, kind):
                columns = [arrow.array(keys, arrow.string()), arrow.array(values, types[kind])]
                writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
            before_the_end()


def _groups(rows: Rows, kind: Kind) -> Iterator[tuple[list[str], list[Any]]]:
    keys: list[str] = []
    values: list[Any] = []
    chars = 0
    for key, value in rows:
        keys.append(key)
        values.append(cell(value, kind))
        chars += len(key) + (len(values[-1]) if values[-1].__class__ is str else 0)
        if len(keys) >= _GROUP_ROWS or chars >= _GROUP_CHARS:
            yield keys, values
            keys, values, chars = [], [], 0
    if keys:
        yield keys, values
