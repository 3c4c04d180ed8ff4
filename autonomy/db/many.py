"""Statements that write many rows at once, past what SQLAlchemy does for each of them: a third of the work.

SQLite takes the rows one by one in one call; PostgreSQL takes each column as an array, in one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Table

from .ports import Row

NAMED = {"BLOB": "BYTEA"}  # types that PostgreSQL has another name for


class Many(NamedTuple):
    """What `Tx.write` runs: SQL for each row on SQLite, SQL for all of them on PostgreSQL."""

    sqlite: str
    postgresql: str


def inserting(table: Table, names: Sequence[str], conflict: str = "") -> Many:
    """INSERT of rows with the columns `names`, and what to do where they are there already (`ON CONFLICT …`). The keys
    of the rows of one call must differ."""
    into = f"INSERT INTO {table.name} ({_quoted(names)})"
    return Many(
        f"{into} VALUES ({', '.join('?' * len(names))}) {conflict}",
        f"{into} SELECT * FROM {_unnested(table, names)} {conflict}",
    )


def updating(table: Table, key: str, changes: dict[str, str]) -> Many:
    """UPDATE of the rows of which the column `key` is the last value; `changes` says what becomes of each column, `{}`
    standing for the new value. The keys of the rows of one call must differ."""
    changed = (f'"{name}" = ' + how.format("?") for name, how in changes.items())
    assigned = (f'"{name}" = ' + how.format(f'fresh."{name}"') for name, how in changes.items())
    names = [*changes, key]
    return Many(
        f"UPDATE {table.name} SET {', '.join(changed)} WHERE {key} = ?",
        f"UPDATE {table.name} SET {', '.join(assigned)} FROM {_unnested(table, names)} AS fresh({_quoted(names)}) "
        f"WHERE {table.name}.{key} = fresh.{key}",
    )


def write_many(
    connection: Connection, dialect: Literal["sqlite", "postgresql"], many: Many, rows: Sequence[Row]
) -> None:
    """Write the rows; nothing where there are none."""
    if not rows:
        return
    if dialect == "sqlite":
        connection.exec_driver_sql(many.sqlite, list(rows))
    else:
        connection.exec_driver_sql(many.postgresql, tuple([list(column) for column in zip(*rows, strict=True)]))


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _unnested(table: Table, names: Sequence[str]) -> str:
    types = (str(table.c[name].type) for name in names)
    return f"unnest({', '.join(f'%s::{NAMED.get(type, type)}[]' for type in types)})"
