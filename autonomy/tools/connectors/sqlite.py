"""SQLite: the authorizer holds each statement to the tables and functions it names, whatever the parser thought."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from autonomy.kernel.canonical import Json

from ..attempt import Attempt
from ..errors import Refused, Unreachable, Unsure, excerpt
from ..statements import Parsed
from .authorizer import Shape, authorizer, read_shape
from .sessions import Rows, columns_of, late, too_many

UNFINISHED = "upstream.unfinished"
STEPS = 1_000  # SQLite virtual-machine steps between two looks at the clock, some tens of microseconds


class SqliteSession:
    """A connection to one SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._attempt: Attempt | None = None
        self._shape = Shape(frozenset(), [])

    def begin(self, seconds: float, attempt: Attempt) -> None:
        try:
            self._connection.set_authorizer(None)
            self._connection.execute(f"PRAGMA busy_timeout = {max(1, min(1_000, int(seconds * 1_000)))}")
            self._attempt = attempt
            self._connection.set_progress_handler(self._is_late, STEPS)
            self._connection.execute("BEGIN IMMEDIATE" if attempt.write else "BEGIN")
            self._shape = read_shape(self._connection)
        except sqlite3.Error as error:
            raise _sqlite_error(error) from None

    def execute(self, parsed: Parsed, parameters: Mapping[str, Json], max_rows: int) -> Rows:
        try:
            self._connection.set_authorizer(authorizer(parsed, self._shape))
            cursor = self._connection.execute(parsed.text("sqlite"), parameters)
            rows = cursor.fetchmany(max_rows + 1)
            if len(rows) > max_rows:
                raise too_many(max_rows)
            return Rows(columns_of(cursor.description), rows, _touched(parsed, rows, cursor.rowcount))
        except sqlite3.Error as error:
            raise _sqlite_error(error) from None

    def commit(self) -> None:
        try:
            self._connection.set_authorizer(None)
            self._connection.set_progress_handler(None, 0)
            self._connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            raise _sqlite_error(error) from None
        except sqlite3.Error as error:
            found = _sqlite_error(error)
            if found.code == "upstream.busy":
                raise found from None
            raise Unsure("the database failed while it committed") from None

    def rollback(self) -> None:
        try:
            self._connection.set_authorizer(None)
            self._connection.set_progress_handler(None, 0)
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise _sqlite_error(error) from None

    def close(self) -> None:
        self._connection.close()

    def _is_late(self) -> bool:
        return self._attempt is not None and (self._attempt.is_abandoned or self._attempt.seconds_left <= 0)


def finish(connection: sqlite3.Connection) -> None:
    """Undo what a writer that died in the middle of its commit left in the file, as SQLite does for whoever may write
    there and looks at it. Raises Unreachable."""
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
    except sqlite3.Error as error:
        raise _sqlite_error(error) from None
    finally:
        connection.close()


def _touched(parsed: Parsed, rows: Sequence[Any], rowcount: int) -> int:
    return len(rows) if parsed.kind == "select" else rowcount


def _sqlite_error(error: sqlite3.Error) -> Refused | Unreachable:
    # The driver's own complaints, such as a value it cannot bind, carry no code of the database.
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if extended == sqlite3.SQLITE_READONLY_ROLLBACK:
        return Unreachable("a commit here was broken off, and a reader may not undo it", code=UNFINISHED)
    if code == sqlite3.SQLITE_INTERRUPT:
        return late()
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unreachable("the business database is busy; nothing was changed", code="upstream.busy")
    if code == sqlite3.SQLITE_AUTH:
        return Refused("the statement reached beyond the tables and functions it names", code="sql.beyond")
    if code in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    ):
        return Unreachable("the business database cannot be used; nothing was changed")
    return Refused(f"the database refused: {excerpt(str(error))}")
