"""The writing connection to PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import psycopg
from sqlalchemy.exc import DBAPIError

from .engine import Database, uncertain
from .ports import Read, Row, Write
from .writer import Errors


class PostgresqlWriter:
    """psycopg in pipeline mode: a group costs two round trips however many units it holds."""

    store_errors: ClassVar[Errors] = (psycopg.OperationalError, psycopg.InterfaceError, DBAPIError, OSError)
    unit_errors: ClassVar[Errors] = (psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.DataError)

    def __init__(self, database: Database) -> None:
        self._engine = database.writer_engine()
        self.core = self._engine.connect()
        raw: Any = self.core.connection.driver_connection
        self._raw: psycopg.Connection[Any] = raw

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()  # the row lock of the head orders everybody

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
