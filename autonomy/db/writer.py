"""The one writing connection of a process: the head lock first, reads in one round trip, writes in another."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, ClassVar, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .backfill import Backfill
from .engine import Database, unavailable
from .ports import Read, Row, Write
from .turns import Turns

Errors = tuple[type[BaseException], ...]


class Writer(Protocol):
    """A transaction at a time. `core` is SQLAlchemy on the same connection and in the same transaction."""

    core: Connection
    store_errors: ClassVar[Errors]
    """What the driver raises when the store itself fails, as against a unit that asks for something impossible."""
    unit_errors: ClassVar[Errors]

    def __init__(self, database: Database) -> None: ...

    def turn(self) -> AbstractContextManager[None]:
        """The right to write, among processes. Raises Unavailable where it cannot be had in time."""

    def begin(self, reads: Sequence[Read]) -> list[list[Row]]: ...

    def write(self, writes: Sequence[Write]) -> None: ...

    def commit(self, writes: Sequence[Write]) -> None: ...

    def rollback(self) -> None: ...

    def run(self, sql: str) -> None: ...

    def close(self) -> None: ...


def writer_of(database: Database) -> type[Writer]:
    """The kind of writer a database needs."""
    if database.dialect == "sqlite":
        return SqliteWriter
    # psycopg is only loaded where it is used: a start on SQLite costs seven megabytes less.
    found: type[Writer] = import_module("autonomy.db.writer_postgresql").PostgresqlWriter
    return found


def open_writer(database: Database) -> Writer:
    """A new writing connection; raises Unavailable where there is none to be had."""
    kind = writer_of(database)
    try:
        return kind(database)
    except kind.store_errors as error:
        raise unavailable(error) from None


class SqliteWriter:
    """Python's own driver; processes that share one file take turns."""

    store_errors: ClassVar[Errors] = (sqlite3.DatabaseError, DBAPIError, OSError)
    unit_errors: ClassVar[Errors] = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)

    def __init__(self, database: Database) -> None:
        self._engine = database.writer_engine()
        self.core = self._engine.connect()
        raw: Any = self.core.connection.driver_connection
        self._cursor: sqlite3.Cursor = raw.cursor()
        assert database.path is not None  # a SQLite database is a file
        self._turns = Turns(database.path)
        self._backfill = Backfill(database.path)

    def turn(self) -> AbstractContextManager[None]:
        return self._turns.take()

    def begin(self, reads: Sequence[Read]) -> list[list[Row]]:
        self._cursor.execute("BEGIN IMMEDIATE")
        return [self._cursor.execute(sql, values).fetchall() for sql, values in reads]

    def write(self, writes: Sequence[Write]) -> None:
        for sql, rows in writes:
            self._cursor.executemany(sql, rows)

    def commit(self, writes: Sequence[Write]) -> None:
        self.write(writes)
        self._cursor.execute("COMMIT")
        self._backfill.note()

    def rollback(self) -> None:
        raw: Any = self.core.connection.driver_connection
        if raw.in_transaction:
            self._cursor.execute("ROLLBACK")

    def run(self, sql: str) -> None:
        self._cursor.execute(sql)

    def close(self) -> None:
        self._backfill.close()
        self._turns.close()
        self.core.close()
        self._engine.dispose()
