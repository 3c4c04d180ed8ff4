"""Full-text search over marks, on both databases: every question names the shelves that may be read, and is answered
from no more rows than it is allowed to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, text

from autonomy.db import Tx
from autonomy.db.ports import Row

from . import store

MOST = 200  # newest items looked at for each word, and for all of them together

_TSVECTOR = "to_tsvector('simple'::regconfig, marks)"


def add(tx: Tx, seq: int, shelf: int, marks: str) -> None:
    """Let an item be found. PostgreSQL keeps its index by itself."""
    if tx.dialect == "sqlite":
        tx.execute(_ADD, {"seq": seq, "shelf": shelf_mark(shelf), "marks": marks})


def remove(tx: Tx, rows: Sequence[Any]) -> None:
    """Take items with `seq`, `shelf` and `marks` away, and out of the index."""
    if not rows:
        return
    if tx.dialect == "sqlite":
        tx.execute(_REMOVE, [{"seq": row.seq, "shelf": shelf_mark(row.shelf), "marks": row.marks} for row in rows])
    tx.execute(delete(store.item).where(store.item.c.seq.in_([row.seq for row in rows])))


def find(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    """Number of the question and `seq` of an item that answers it: one question for each mark, the last for all of them
    together. Each is answered by its newest items, at most `MOST`."""
    if connection.dialect.name == "sqlite":
        return _find_sqlite(connection, shelves, marks)
    return _find_postgresql(connection, shelves, marks)


def shelf_mark(shelf: int) -> str:
    """A shelf as a word of the index; no mark holds a digit."""
    return f"s{shelf}"


def _find_sqlite(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    where = "shelf : (" + " OR ".join(map(shelf_mark, shelves)) + ")"
    asked = [f"{where} AND marks : {one}" for one in marks]
    asked.append(f"{where} AND marks : ({' AND '.join(marks)})")
    part = (
        f"SELECT * FROM (SELECT ?, rowid FROM {store.SEARCH} WHERE {store.SEARCH} MATCH ? "
        f"ORDER BY rowid DESC LIMIT {MOST})"
    )
    values = tuple(value for number, question in enumerate(asked) for value in (number, question))
    found = connection.exec_driver_sql(" UNION ALL ".join([part] * len(asked)), values)
    return [tuple(row) for row in found]


def _find_postgresql(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    asked = [*marks, " & ".join(marks)]
    # A word that stands in half of all items must not cost reading half of all items. Adding nothing to the order
    # keeps the planner from walking the table backwards where it takes a word for a common one.
    connection.exec_driver_sql(f"SET LOCAL gin_fuzzy_search_limit = {10 * MOST}")
    part = (
        f"(SELECT %s::int, seq FROM memory_item WHERE {_TSVECTOR} @@ %s::tsquery AND shelf = ANY(%s) "
        f"ORDER BY seq + 0 DESC LIMIT {MOST})"
    )
    wanted = list(shelves)
    values = tuple(value for number, question in enumerate(asked) for value in (number, question, wanted))
    found = connection.exec_driver_sql(" UNION ALL ".join([part] * len(asked)), values)
    return [tuple(row) for row in found]


_ADD = text(f"INSERT INTO {store.SEARCH} (rowid, shelf, marks) VALUES (:seq, :shelf, :marks)")
_REMOVE = text(
    f"INSERT INTO {store.SEARCH} ({store.SEARCH}, rowid, shelf, marks) VALUES ('delete', :seq, :shelf, :marks)"
)
