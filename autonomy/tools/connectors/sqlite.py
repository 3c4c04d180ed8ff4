"""SQLite: the authorizer holds each statement to the tables and functions it names, whatever the parser thought."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from autonomy.kernel.canonical import Json

from ..errors import Refused, Unreachable, Unsure, excerpt
from ..model import Attempt
from ..sql_words import FUNCTIONS
from ..statements import Parsed
from .sessions import Rows, columns_of, late, too_many

STEPS = 1_000  # SQLite virtual-machine steps between two looks at the clock, some tens of microseconds

_LINKS = "SELECT m.name, f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
_DERIVED = "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')"
_CHANGES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_RECURSIVE}


class SqliteSession:
    """A connection to one SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._attempt: Attempt | None = None
        self._derived: frozenset[str] = frozenset()
        self._links: list[tuple[str, str]] = []

    def begin(self, seconds: float, attempt: Attempt) -> None:
        try:
            self._connection.set_authorizer(None)
            self._connection.execute(f"PRAGMA busy_timeout = {max(1, min(1_000, int(seconds * 1_000)))}")
            self._attempt = attempt
            self._connection.set_progress_handler(self._is_late, STEPS)
            self._connection.execute("BEGIN IMMEDIATE" if attempt.write else "BEGIN")
            self._derived = frozenset(name.lower() for (name,) in self._connection.execute(_DERIVED))
            self._links = [(a.lower(), b.lower()) for a, b in self._connection.execute(_LINKS)]
        except sqlite3.Error as error:
            raise _sqlite_error(error) from None

    def execute(self, parsed: Parsed, parameters: Mapping[str, Json], max_rows: int) -> Rows:
        try:
            self._connection.set_authorizer(self._authorizer(parsed))
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

    def _authorizer(self, parsed: Parsed) -> Any:
        """Reads the named tables (and what foreign keys make the database look up), writes the one that is written."""
        readable = set(parsed.tables)
        if parsed.written:
            readable |= {name for link in self._links if parsed.written in link for name in link}

        def judge(action: int, first: str | None, second: str | None, _: str | None, source: str | None) -> int:
            if action in _HARMLESS or (source is not None and source.lower() in self._derived):
                return sqlite3.SQLITE_OK  # the database's own views and triggers are its owner's business
            if action == sqlite3.SQLITE_READ and first is not None and first.lower() in readable:
                return sqlite3.SQLITE_OK
            if action in _CHANGES and first is not None and first.lower() == parsed.written:
                return sqlite3.SQLITE_OK
            if action == sqlite3.SQLITE_FUNCTION and second is not None and second.lower() in FUNCTIONS:
                return sqlite3.SQLITE_OK
            return sqlite3.SQLITE_DENY

        return judge


def _touched(parsed: Parsed, rows: Sequence[Any], rowcount: int) -> int:
    return len(rows) if parsed.kind == "select" else rowcount


def _sqlite_error(error: sqlite3.Error) -> Refused | Unreachable:
    # The driver's own complaints, such as a value it cannot bind, carry no code of the database.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
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
