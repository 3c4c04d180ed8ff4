"""The one writing connection of a process: the head lock first, reads in one round trip, writes in another."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .engine import Database, unavailable, uncertain
from .ports import Read, Row, Write


class Writer(Protocol):
    """A transaction at a time. `core` is SQLAlchemy on the same connection and in the same transaction."""

    core: Connection

    def turn(self) -> Any: ...

    def begin(self, reads: Sequence[Read]) -> list[list[Row]]: ...

    def write(self, writes: Sequence[Write]) -> None: ...

    def commit(self, writes: Sequence[Write]) -> None: ...

    def rollback(self) -> None: ...

    def run(self, sql: str) -> None: ...

    def close(self) -> None: ...


STORE_ERRORS = (
    sqlite3.OperationalError,
    sqlite3.DatabaseError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    DBAPIError,
    OSError,
)
"""What the drivers raise when the store itself fails, as against a unit that asks for something impossible."""

UNIT_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.DataError,
)


def open_writer(database: Database) -> Writer:
    """A new writing connection; raises Unavailable where there is none to be had."""
    try:
        return SqliteWriter(database) if database.dialect == "sqlite" else PostgresqlWriter(database)
    except STORE_ERRORS as error:
        raise unavailable(error) from None


class SqliteWriter:
    """Processes that share one file take turns by `flock` on a side file: SQLite's busy handler starves them."""

    def __init__(self, database: Database) -> None:
        self._engine = database.writer_engine()
        self.core = self._engine.connect()
        raw: Any = self.core.connection.driver_connection
        self._cursor: sqlite3.Cursor = raw.cursor()
        self._turns = os.open(f"{database.path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def turn(self) -> Iterator[None]:
        fcntl.flock(self._turns, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turns, fcntl.LOCK_UN)

    def begin(self, reads: Sequence[Read]) -> list[list[Row]]:
        self._cursor.execute("BEGIN IMMEDIATE")
        return [self._cursor.execute(sql, values).fetchall() for sql, values in reads]

    def write(self, writes: Sequence[Write]) -> None:
        for sql, rows in writes:
            self._cursor.executemany(sql, rows)

    def commit(self, writes: Sequence[Write]) -> None:
        self.write(writes)
        self._cursor.execute("COMMIT")

    def rollback(self) -> None:
        raw: Any = self.core.connection.driver_connection
        if raw.in_transaction:
            self._cursor.execute("ROLLBACK")

    def run(self, sql: str) -> None:
        self._cursor.execute(sql)

    def close(self) -> None:
        os.close(self._turns)
        self.core.close()
        self._engine.dispose()


class PostgresqlWriter:
    """psycopg in pipeline mode: a group costs two round trips however many units it holds."""

    def __init__(self, database: Database) -> None:
        self._engine = database.writer_engine()
        self.core = self._engine.connect()
        raw: Any = self.core.connection.driver_connection
        self._raw: psycopg.Connection[Any] = raw

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield

    def begin(self, reads: Sequence[Read]) -> list[list[Row]]:
        # The first read is the head; its lock makes every later statement of the group see what the last group wrote.
        with self._raw.pipeline():
            self._raw.execute("BEGIN")
            (head, values), *others = reads
            cursors = [self._execute(f"{head} FOR UPDATE", values)]
            cursors += [self._execute(sql, row) for sql, row in others]
            return [cursor.fetchall() for cursor in cursors]

    def write(self, writes: Sequence[Write]) -> None:
        if writes:
            with self._raw.pipeline():
                self._send(writes)

    def commit(self, writes: Sequence[Write]) -> None:
        try:
            with self._raw.pipeline():
                self._send(writes)
                self._raw.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self._raw.closed:
                raise uncertain() from error
            raise

    def rollback(self) -> None:
        if self._raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self._raw.execute("ROLLBACK")

    def run(self, sql: str) -> None:
        self._raw.execute(sql.encode())

    def close(self) -> None:
        self.core.close()
        self._engine.dispose()

    def _send(self, writes: Sequence[Write]) -> None:
        with self._raw.cursor() as cursor:
            for sql, rows in writes:
                cursor.executemany(_psycopg(sql), rows)

    def _execute(self, sql: str, values: Row) -> psycopg.Cursor[Any]:
        return self._raw.execute(_psycopg(sql), values, prepare=True)


_TRANSLATED: dict[str, bytes] = {}


def _psycopg(sql: str) -> bytes:
    """`?` as psycopg's `%s`; our own texts hold no other percent or question mark."""
    found = _TRANSLATED.get(sql)
    if found is None:
        found = _TRANSLATED[sql] = sql.replace("?", "%s").encode()
    return found
