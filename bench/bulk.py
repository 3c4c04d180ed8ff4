"""Writing millions of rows: what the database offers for it, without the care that a service takes of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from autonomy.db import Database
from autonomy.db.ports import Write

PLACES = (
    "UPDATE search_place SET next = {0}",
    "UPDATE figure_place SET next = {0}, until = 0",
    "UPDATE workflow_source SET place = {0} WHERE name = 'log'",
)
"""Whoever follows the log has come to its end."""

SORTED = "INSERT INTO search_mark (mark, seq) SELECT mark, seq FROM {0} WHERE true ORDER BY mark, seq"

Rows = Sequence[Sequence[Any]]


class Bulk(Protocol):
    """A connection that writes in bulk."""

    def read(self, sql: str) -> list[Any]:
        """Rows of one statement, as the only ones of a list."""

    def write(self, writes: Sequence[Write]) -> None:
        """What the log appends."""

    def put(self, table: str, rows: Rows) -> None: ...

    def put_marks(self, rows: Iterable[tuple[int, int]]) -> None: ...

    def put_census(self, rows: Rows) -> None: ...

    def put_figures(self, rows: Rows) -> None: ...

    def finish(self, size: int) -> None:
        """Marks are sorted into their index, and the places of all who follow the log are at `size`."""

    def close(self) -> None: ...


def bulk_of(database: Database, folder: Path) -> Bulk:
    """What writes to this database."""
    if database.path is not None:
        return SqliteBulk(database.path, folder / "marks.part")
    url = database.url.set(drivername="postgresql")
    return PostgresBulk(url.render_as_string(hide_password=False))


class SqliteBulk:
    """One transaction for each group, synchronised by nobody until the end."""

    def __init__(self, path: Path, side: Path) -> None:
        self._side = side
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("PRAGMA cache_size=-524288")
        self._connection.execute("ATTACH ? AS side", (str(side),))
        self._connection.execute("PRAGMA side.journal_mode=OFF")
        self._connection.execute("CREATE TABLE side.bulk_mark (mark INTEGER, seq INTEGER)")

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

    def put_marks(self, rows: Iterable[tuple[int, int]]) -> None:
        self.write([("INSERT INTO side.bulk_mark VALUES (?, ?)", list(rows))])

    def put_census(self, rows: Rows) -> None:
        known = "ON CONFLICT (block, kind) DO UPDATE SET leaves = leaves + excluded.leaves"
        self.write([(f"INSERT INTO search_census VALUES (?, ?, ?) {known}", rows)])  # type: ignore[list-item]

    def put_figures(self, rows: Rows) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self.write([(f"INSERT OR IGNORE INTO figure VALUES ({marks})", rows)])  # type: ignore[list-item]

    def finish(self, size: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(SORTED.format("side.bulk_mark") + " ON CONFLICT DO NOTHING")
        for statement in PLACES:
            self._connection.execute(statement.format(size))
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()
        self._side.unlink(missing_ok=True)


class PostgresBulk:
    """COPY."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE UNLOGGED TABLE bulk_mark (mark bigint, seq bigint)")
        self._connection.execute("SET synchronous_commit = off")

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

    def put_marks(self, rows: Iterable[tuple[int, int]]) -> None:
        self._copy("bulk_mark", rows)

    def put_census(self, rows: Rows) -> None:
        known = "ON CONFLICT (block, kind) DO UPDATE SET leaves = search_census.leaves + excluded.leaves"
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO search_census VALUES (%s, %s, %s) {known}".encode(), rows)

    def put_figures(self, rows: Rows) -> None:
        self._connection.execute("CREATE TEMP TABLE IF NOT EXISTS bulk_figure (LIKE figure)")
        self._copy("bulk_figure", rows)
        self._connection.execute("INSERT INTO figure SELECT * FROM bulk_figure ON CONFLICT DO NOTHING")
        self._connection.execute("TRUNCATE bulk_figure")

    def finish(self, size: int) -> None:
        self._connection.execute((SORTED.format("bulk_mark") + " ON CONFLICT DO NOTHING").encode())
        self._connection.execute("DROP TABLE bulk_mark")
        for statement in PLACES:
            self._connection.execute(statement.format(size).encode())
        self._connection.execute("VACUUM ANALYZE")

    def close(self) -> None:
        self._connection.close()

    def _copy(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)
