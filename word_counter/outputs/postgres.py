"""Results as a table of a PostgreSQL server, with the columns ``key`` and ``value``, changed in one transaction.

``postgresql://USER@HOST/DATABASE?table=SCHEMA.TABLE`` names it. Until the transaction is committed, readers see the
earlier content. The table is made when it does not exist. All rows of an existing table are replaced, so it must have
been made here, or its comment must begin with :data:`MARK`.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from word_counter.errors import OutputError
from word_counter.files.drafts import Draft, KeepAlive, Rows, library
from word_counter.outputs.column_types import Kind, cell, spilled

#: How the comment of a table that may be replaced begins.
MARK = "word_counter results"
_DEFAULT_TABLE = "results"
#: A name has at most two parts: a schema and a table.
_LONGEST_NAME = 2
_TYPES = {
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "text",
    Kind.JSON: "jsonb",
}
_CONNECT_SECONDS = 10
#: How long to wait for a lock on the table in all, and in one attempt. Another job, or an earlier master of this job,
#: may be writing the table, or somebody reads it while its type has to change.
_WAIT_SECONDS = 60.0
_LOOK_SECONDS = 1
#: The first key of our advisory locks, which tells them from those of other programs: "wcmr".
_LOCK = 0x77636D72


class Table:
    """A table of a server, with a connection that is used for one transaction."""

    def __init__(self, output: str) -> None:
        """Connect; OutputError when psycopg is not installed, or the server refuses the connection."""
        self.output = output
        self._psycopg: Any = library("psycopg", "postgresql", output)
        url, names = _parsed(output)
        with self._errors():
            self._connection = self._psycopg.connect(
                url, connect_timeout=_CONNECT_SECONDS, application_name="word_counter", client_encoding="utf8"
            )
        self._names = names
        self._name = self._psycopg.sql.Identifier(*names)

    def check(self) -> None:
        """Raise OutputError unless results could be written; changes nothing."""
        with self._errors():
            self._make()
            self._run("DELETE FROM {table} WHERE false")
            self._run("INSERT INTO {table} (key, value) SELECT key, value FROM {table} WHERE false")
            self._connection.rollback()

    def job(self) -> str:
        """Return the id of the job whose results the table has; "" when it has none."""
        with self._errors():
            comment = self._comment()
        found = re.fullmatch(rf"{MARK} of job (\S+)", comment or "")
        return found[1] if found else ""

    def fill(self, rows: Rows, kind: Kind, job_id: str, keep_alive: KeepAlive) -> None:
        """Replace the rows of the table. Readers see the new ones after :meth:`commit`.

        Args:
            rows: key texts with their values.
            kind: the kind that fits all values.
            job_id: the id of the job, for the table's comment.
            keep_alive: is called while this waits for a lock.
        """
        with self._errors():
            self._run(f"SET LOCAL lock_timeout = '{_LOOK_SECONDS}s'")
            # Jobs that write the same table do so one after the other.
            self._run_waiting(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", keep_alive, _LOCK, ".".join(self._names)
            )
            found = self._make(kind)
            self._run_waiting("DELETE FROM {table}", keep_alive)  # TRUNCATE would block readers, or show them nothing
            if found not in {kind, Kind.JSON}:
                retyped = f"ALTER TABLE {{table}} ALTER COLUMN value TYPE {_TYPES[kind]} USING NULL"
                self._run_waiting(retyped, keep_alive)
                found = kind
            copy = self._psycopg.sql.SQL("COPY {} (key, value) FROM STDIN").format(self._name)
            with self._connection.cursor() as cursor, cursor.copy(copy) as copying:
                for key, value in rows:
                    copying.write_row((key, cell(value, found)))
            self._write_comment(job_id)

    def _write_comment(self, job_id: str) -> None:
        """Name the job in the table's comment. The comment stays as it is when only the table's owner may change it."""
        comment = self._psycopg.sql.Literal(f"{MARK} of job {job_id}")
        with contextlib.suppress(self._psycopg.errors.InsufficientPrivilege), self._connection.transaction():
            self._connection.execute(self._psycopg.sql.SQL("COMMENT ON TABLE {} IS {}").format(self._name, comment))

    def commit(self) -> None:
        """Commit, so that readers see the new rows."""
        with self._errors():
            self._connection.commit()

    def close(self) -> None:
        """Close the connection. What was not committed is lost."""
        self._connection.close()

    def _run(self, statement: str) -> Any:
        return self._connection.execute(self._psycopg.sql.SQL(statement).format(table=self._name))

    def _run_waiting(self, statement: str, keep_alive: KeepAlive, *values: object) -> None:
        """Run a statement that may have to wait for a lock, and keep the job's leader lease alive meanwhile."""
        deadline = time.monotonic() + _WAIT_SECONDS
        asked = self._psycopg.sql.SQL(statement).format(table=self._name)
        while True:
            next(keep_alive([("", None)]))
            with contextlib.suppress(self._psycopg.errors.LockNotAvailable), self._connection.transaction():
                self._connection.execute(asked, values)
                return
            if time.monotonic() > deadline:
                message = (
                    f"cannot write to {self.output}: somebody else has been in the middle of it for "
                    f"{_WAIT_SECONDS:.0f} s; try again when they are done, or give another ?table="
                )
                raise OutputError(message)

    def _make(self, kind: Kind = Kind.JSON) -> Kind | None:
        """Make the table unless it exists; return the kind of its values, None for a type that is not one of ours.

        Raises:
            OutputError: there is a table of this name that is not one of results.
        """
        there = self._connection.execute("SELECT to_regclass(%s) IS NOT NULL", (self._quoted(),)).fetchone()[0]
        if not there:
            self._run(f"CREATE TABLE {{table}} (key text PRIMARY KEY, value {_TYPES[kind]})")
            return kind
        if not (self._comment() or "").startswith(MARK):
            message = (
                f"{self.output}: the table {'.'.join(self._names)} is in the way: it is no table of results, which "
                f"would replace all that is in it; give another ?table=, or, if it may be replaced, "
                f"COMMENT ON TABLE {self._quoted()} IS '{MARK}'"
            )
            raise OutputError(message)
        found = self._connection.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(%s) "
            "AND attname = 'value' AND NOT attisdropped",
            (self._quoted(),),
        ).fetchone()
        return next((kind for kind, name in _TYPES.items() if found and name == found[0]), None)

    def _comment(self) -> str | None:
        asked = "SELECT obj_description(to_regclass(%s), 'pg_class')"
        comment: str | None = self._connection.execute(asked, (self._quoted(),)).fetchone()[0]
        return comment

    def _quoted(self) -> str:
        return ".".join('"' + name.replace('"', '""') + '"' for name in self._names)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Translate errors of PostgreSQL into OutputErrors."""
        try:
            yield
        except (self._psycopg.Error, UnicodeError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            message = f"cannot write to {self.output}: {why}"
            raise OutputError(message) from error


class TableDraft(Draft):
    """Results in a transaction that is not committed yet."""

    def __init__(self, output: str, rows: Rows, job_id: str, keep_alive: KeepAlive) -> None:
        with spilled(rows, keep_alive) as (kind, again):
            self._table = Table(output)
            try:
                self._table.fill(again, kind, job_id, keep_alive)
            except BaseException:
                self._table.close()
                raise

    def show(self) -> None:
        """Commit."""
        self._table.commit()

    def drop(self) -> None:
        """Close the connection. What was not committed is lost."""
        self._table.close()


def check_table(output: str) -> None:
    """Raise OutputError, which says what to do, unless results could be written to a table."""
    table = Table(output)
    try:
        table.check()
    finally:
        table.close()


def job_in(output: str) -> str:
    """Return the id of the job whose results a table has; "" when it has none."""
    table = Table(output)
    try:
        return table.job()
    finally:
        table.close()


def _parsed(output: str) -> tuple[str, list[str]]:
    """Return the URL for libpq, and the name of the table, with its schema if one is given."""
    parts = urlsplit(output)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    names = dict(asked).get("table", _DEFAULT_TABLE).split(".")
    if not all(names) or len(names) > _LONGEST_NAME or len([name for name, _ in asked if name == "table"]) > 1:
        message = f"the output {output} must name a table as ?table=TABLE or ?table=SCHEMA.TABLE"
        raise OutputError(message)
    rest = urlencode([(name, value) for name, value in asked if name != "table"], quote_via=quote)
    return parts._replace(query=rest).geturl(), names
