"""Writing millions of rows: what the database offers for it, without the care that a service takes of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from autonomy.db import Database
from autonomy.db.ports import Write
from autonomy.insight.postings import Posting

PLACES = (
    "UPDATE search_place SET next = {0}",
    "UPDATE figure_place SET next = {0}, until = 0",
    "UPDATE workflow_source SET place = {0} WHERE name = 'log'",
)
"""Whoever follows the log has come to its end."""

Rows = Sequence[Sequence[Any]]


class Bulk(Protocol):
    """A connection that writes in bulk."""

    def read(self, sql: str) -> list[Any]:
        """Rows of one statement, as the only ones of a list."""

    def write(self, writes: Sequence[Write]) -> None:
        """What the log appends."""

    def put(self, table: str, rows: Rows) -> None: ...

    def put_postings(self, rows: Sequence[Posting]) -> None:
        """What marks lead to; where a block has some already, these are added."""

    def put_census(self, rows: Rows) -> None: ...

    def put_figures(self, rows: Rows) -> None: ...

    def finish(self, size: int) -> None:
        """The places of all who follow the log are at `size`."""

    def close(self) -> None: ...


def bulk_of(database: Database) -> Bulk:
    """What writes to this database."""
    if database.path is not None:
        return SqliteBulk(database.path)
    url = database.url.set(drivername="postgresql")
    return PostgresBulk(url.render_as_string(hide_password=False))


class SqliteBulk:
    """One transaction for each group, synchronised by nobody until the end."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("PRAGMA cache_size=-524288")

    def read(self, sql: str) -> list[Any]:
        return [self._connection.execute(sql).fetchall()]

    def write(self, writes: Sequence[Write]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for sql, rows in writes:
            self._connection.executemany(sql, rows)
        self._connection.execute("COMMIT")

    def put(self, table: str, rows: Rows) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self.write([(f"INSERT INTO {table} VALUES ({marks})", rows)])  # type: ignore[list-item]

    def put_postings(self, rows: Sequence[Posting]) -> None:
        more = "ON CONFLICT (mark, block) DO UPDATE SET places = CAST(places || excluded.places AS BLOB)"
        self.write([(f"INSERT INTO search_mark VALUES (?, ?, ?) {more}", rows)])

    def put_census(self, rows: Rows) -> None:
        known = "ON CONFLICT (block, kind) DO UPDATE SET leaves = leaves + excluded.leaves"
        self.write([(f"INSERT INTO search_census VALUES (?, ?, ?) {known}", rows)])  # type: ignore[list-item]

    def put_figures(self, rows: Rows) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self.write([(f"INSERT OR IGNORE INTO figure VALUES ({marks})", rows)])  # type: ignore[list-item]

    def finish(self, size: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for statement in PLACES:
            self._connection.execute(statement.format(size))
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()


class PostgresBulk:
    """COPY."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET synchronous_commit = off")
        for table in ("figure", "search_mark"):
            self._connection.execute(f"CREATE TEMP TABLE bulk_{table} (LIKE {table})".encode())

    def read(self, sql: str) -> list[Any]:
        return [self._connection.execute(sql.encode()).fetchall()]

    def write(self, writes: Sequence[Write]) -> None:
        for sql, rows in writes:
            words = sql.split()
            if words[0] == "INSERT":
                self._copy(sql[len("INSERT INTO ") : sql.index(" VALUES")], rows)
            else:
                with self._connection.cursor() as cursor:
                    cursor.executemany(sql.replace("?", "%s").encode(), rows)

    def put(self, table: str, rows: Rows) -> None:
        if rows:
            self._copy(table, rows)

    def put_postings(self, rows: Sequence[Posting]) -> None:
        more = "ON CONFLICT (mark, block) DO UPDATE SET places = search_mark.places || excluded.places"
        self._add("search_mark", rows, more)

    def put_census(self, rows: Rows) -> None:
        known = "ON CONFLICT (block, kind) DO UPDATE SET leaves = search_census.leaves + excluded.leaves"
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO search_census VALUES (%s, %s, %s) {known}".encode(), rows)

    def put_figures(self, rows: Rows) -> None:
        self._add("figure", rows, "ON CONFLICT DO NOTHING")

    def finish(self, size: int) -> None:
        for statement in PLACES:
            self._connection.execute(statement.format(size).encode())
        self._connection.execute("VACUUM ANALYZE")

    def close(self) -> None:
        self._connection.close()

    def _add(self, table: str, rows: Iterable[Sequence[Any]], conflict: str) -> None:
        self._copy(f"bulk_{table}", rows)
        self._connection.execute(f"INSERT INTO {table} SELECT * FROM bulk_{table} {conflict}".encode())
        self._connection.execute(f"TRUNCATE bulk_{table}".encode())

    def _copy(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)
