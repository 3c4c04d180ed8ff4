"""Figures counted anew beside those that are shown. Both lie in a file that SQLite keeps for one connection and nobody
else sees, so that memory holds neither, however many cases there ever were; the file goes with the connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, MetaData, NullPool, Table, create_engine, delete, func, insert, or_, select
from sqlalchemy.sql.schema import RETAIN_SCHEMA, SchemaConst

from autonomy.db.many import Many, write_many

from .cells import TABLES, Row, figure, figure_case
from .counting import COUNTERS

BATCH = 2_000  # rows copied at once
CACHE_KIB = 32_768

_SETUP = (
    "PRAGMA journal_mode = OFF",  # nobody goes on with what is left after a crash
    "PRAGMA synchronous = OFF",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    "PRAGMA temp_store = FILE",
    "ATTACH DATABASE '' AS shown",
    "BEGIN",  # which never ends: nobody else reads it
)


class Difference(NamedTuple):
    """Where what is shown is not what the log says; `shown` and `counted` are None where there is no such row."""

    table: str
    key: str
    column: str
    shown: str | None
    counted: str | None


class Scratch:
    """Two sets of the tables of figures: `counted`, written like those of the store, and `shown`, copied from it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._shown = {table.name: _bare(table, "shown") for table in TABLES}
        for table in (*(_bare(table, RETAIN_SCHEMA) for table in TABLES), *self._shown.values()):
            table.create(connection)

    def execute(self, statement: Any, values: Any = None) -> Any:
        """Run a statement on what is counted."""
        return self.connection.execute(statement, values)

    def write(self, many: Many, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write many rows of what is counted at once."""
        write_many(self.connection, "sqlite", many, rows)

    def keep_shown(self, store: Connection) -> None:
        """Copy what is shown."""
        for table in TABLES:
            rows = store.execute(select(table).execution_options(yield_per=BATCH)).mappings()
            for part in rows.partitions():
                self.connection.execute(insert(self._shown[table.name]), [dict(row) for row in part])

    def leave_out(self, before: int) -> None:
        """Compare neither cases in which nothing ended since `before` (milliseconds), nor sums of noughts, which labels
        that were changed may leave: either may be there or not."""
        for table, case in ((figure, figure_case), (self._shown[figure.name], self._shown[figure_case.name])):
            self.connection.execute(delete(table).where(~or_(*(table.c[name] != 0 for name in COUNTERS))))
            self.connection.execute(delete(case).where(case.c.last < before))

    def rows(self) -> int:
        """How many rows were counted."""
        sizes = (select(func.count()).select_from(table) for table in TABLES)
        return sum(int(self.connection.execute(size).scalar_one()) for size in sizes)

    def differences(self) -> Iterator[Difference]:
        """Where the two are not the same, table by table, in the order of their keys."""
        for table in TABLES:
            for key in self.connection.exec_driver_sql(_differing(table)).yield_per(BATCH):
                one, other = (self._row(each, key) for each in (self._shown[table.name], table))
                yield from _different(table.name, tuple(key), one, other)

    def _row(self, table: Table, key: Sequence[Any]) -> Row | None:
        same = (column == value for column, value in zip(table.primary_key, key, strict=True))
        row = self.connection.execute(select(table).where(*same)).mappings().one_or_none()
        return None if row is None else dict(row)


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Room to count anew in, empty."""
    # A database without a name: a file of its own, which SQLite removes as soon as it is open.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect("", isolation_level=None), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            for statement in _SETUP:
                connection.exec_driver_sql(statement)
            yield Scratch(connection)
    finally:
        engine.dispose()


def _bare(table: Table, schema: str | Literal[SchemaConst.RETAIN_SCHEMA]) -> Table:
    """The table without indexes that only questions of people need."""
    found = table.to_metadata(MetaData(), schema=schema)
    found.indexes.clear()
    return found


def _differing(table: Table) -> str:
    """The keys of rows that are in one of the two and not, or not the same, in the other."""
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    one, other = f"SELECT * FROM main.{table.name}", f"SELECT * FROM shown.{table.name}"
    return f"SELECT {keys} FROM ({one} EXCEPT {other}) UNION SELECT {keys} FROM ({other} EXCEPT {one}) ORDER BY {keys}"


def _different(
    table: str, key: tuple[Any, ...], shown: Mapping[str, Any] | None, counted: Row | None
) -> Iterator[Difference]:
    named = " ".join(map(str, key))
    if shown is None or counted is None:
        yield Difference(table, named, "", None if shown is None else "a row", None if counted is None else "a row")
        return
    for column, value in shown.items():
        if value != counted[column]:
            yield Difference(table, named, column, str(value), str(counted[column]))
