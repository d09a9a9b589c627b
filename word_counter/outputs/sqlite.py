"""Results as an SQLite database: a table ``results`` with the columns ``key`` and ``value``, its rows in result order.

Whole numbers of 64 bits, floats and text keep their types; None is NULL; true and false are 1 and 0. Lists, objects and
larger numbers are JSON text.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

from word_counter.errors import OutputError
from word_counter.files.drafts import Rows, no_check
from word_counter.outputs.column_types import Kind, cell, kind_of
from word_counter.settings.user_folders import room_for

#: The application id in the header of a database that this package wrote: "wcmr".
APPLICATION_ID = 0x77636D72
#: The offset of that id, the length of the header up to its end, and how a header begins: https://www.sqlite.org/fileformat.html#the_database_header
_AT = 68
HEAD_BYTES = 72
_MAGIC = b"SQLite format 3\x00"


def is_ours(head: bytes) -> bool:
    """Return whether a file with this start is empty, or a database that this package wrote."""
    return not head or (head.startswith(_MAGIC) and head[_AT : _AT + 4] == APPLICATION_ID.to_bytes(4, "big"))


def write_sqlite(rows: Rows, file: BinaryIO, before_the_end: Callable[[], None] = no_check) -> None:
    """Write rows; OutputError when there is no room for them where temporary files go."""
    with ExitStack() as stack:
        with room_for("make an SQLite database", OutputError) as temporary:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="word-counter-", dir=temporary))
        path = os.path.join(folder, "results.sqlite")
        database = sqlite3.connect(path, isolation_level=None)
        try:
            # No other process sees this file, and after a crash it is not needed.
            for pragma in (f"application_id = {APPLICATION_ID}", "journal_mode = OFF", "synchronous = OFF"):
                database.execute(f"PRAGMA {pragma}")
            database.execute("CREATE TABLE results (key TEXT NOT NULL PRIMARY KEY, value)")
            database.execute("BEGIN")
            database.executemany("INSERT INTO results VALUES (?, ?)", _cells(rows))
            database.execute("COMMIT")
        except sqlite3.Error as error:
            message = f"cannot make an SQLite database in {folder}: {error}; TMPDIR says where"
            raise OutputError(message) from error
        finally:
            database.close()
        before_the_end()
        with open(path, "rb") as made:
            shutil.copyfileobj(made, file, 1024 * 1024)


def _cells(rows: Rows) -> Iterator[tuple[str, Any]]:
    for key, value in rows:
        yield key, cell(value, kind_of(value) or Kind.TEXT)
