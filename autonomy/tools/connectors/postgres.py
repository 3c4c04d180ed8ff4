"""PostgreSQL: the server's own limits hold, statement_timeout, READ ONLY transactions and the role's grants."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any, cast

import psycopg

from autonomy.kernel.canonical import Json

from ..attempt import Attempt
from ..errors import Refused, Unreachable, Unsure, excerpt
from ..statements import Parsed
from .sessions import Rows, columns_of, late, too_many


class PostgresSession:
    """A connection to one PostgreSQL database."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def begin(self, seconds: float, attempt: Attempt) -> None:
        limit = max(1, int(seconds * 1_000))
        try:
            self._connection.read_only = not attempt.write
            self._connection.execute(
                f"SET LOCAL statement_timeout = {limit};SET LOCAL idle_in_transaction_session_timeout = {limit + 1_000}"
            )
        except psycopg.Error as error:
            raise _postgres_error(error) from None

    def execute(self, parsed: Parsed, parameters: Mapping[str, Json], max_rows: int) -> Rows:
        named = {name: parameters[name] for name in parsed.parameters}
        try:
            with self._connection.cursor() as cursor:
                if parsed.kind == "select":
                    return self._stream(cursor, parsed, named, max_rows)
                cursor.execute(parsed.text("postgres").encode(), named)
                rows = cursor.fetchmany(max_rows + 1) if cursor.description else []
                if len(rows) > max_rows:
                    raise too_many(max_rows)
                return Rows(columns_of(cursor.description), rows, cursor.rowcount)
        except psycopg.Error as error:
            raise _postgres_error(error) from None

    def commit(self) -> None:
        try:
            self._connection.commit()
        except psycopg.Error as error:
            found = _postgres_error(error)
            if error.sqlstate is None or (isinstance(found, Unreachable) and found.code == "upstream.unreachable"):
                raise Unsure("the connection broke while the database committed") from None
            raise found from None

    def rollback(self) -> None:
        try:
            self._connection.rollback()
        except psycopg.Error as error:
            raise _postgres_error(error) from None

    def close(self) -> None:
        self._connection.close()

    def _stream(self, cursor: psycopg.Cursor[Any], parsed: Parsed, named: Mapping[str, Json], max_rows: int) -> Rows:
        """Row by row, so that a table too large to hold is noticed at its first row too many."""
        rows: list[Sequence[Any]] = []
        found = cast("Generator[Any]", cursor.stream(parsed.text("postgres").encode(), named))
        with closing(found) as stream:
            for row in stream:
                rows.append(row)
                if len(rows) > max_rows:
                    raise too_many(max_rows)
        return Rows(columns_of(cursor.description), rows, len(rows))


def _postgres_error(error: psycopg.Error) -> Refused | Unreachable:
    state = error.sqlstate
    if state == "57014":
        return late()
    if state is None or state[:2] in ("08", "53", "57", "58", "XX"):
        return Unreachable("the business database cannot be used; nothing was changed")
    if state[:2] == "40" or state == "55P03":
        return Unreachable("another transaction stood in the way; nothing was changed", code="upstream.busy")
    return Refused(f"the database refused: {excerpt(error.diag.message_primary or state)}")
