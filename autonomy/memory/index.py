"""Full-text search over marks, on both databases: every question names the shelves that may be read, and is answered
from no more rows than it is allowed to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, text

from autonomy.db import Tx
from autonomy.db.ports import Row

from . import store

MOST = 200  # newest items looked at for each mark, and for all of them together
LEAST = 10  # of each shelf at least, where many may be read
PARTS = 400  # of one statement of SQLite, which takes five hundred
RESTORED = 5_000  # items read at once while the index is made again
PAGES = 500  # of the index of SQLite that are merged at once: some ten milliseconds
SHELF_BITS = 40  # below them stands an item's number, above them its shelf's
_SEQ = (1 << SHELF_BITS) - 1


def add(tx: Tx, seq: int, shelf: int, marks: str) -> None:
    """Let an item be found. PostgreSQL keeps its index by itself."""
    if tx.dialect == "sqlite":
        tx.execute(ADD, {"place": place(shelf, seq), "marks": marks})


def remove(tx: Tx, rows: Sequence[Any]) -> None:
    """Take items with `seq`, `shelf` and `marks` away, and out of the index."""
    if not rows:
        return
    if tx.dialect == "sqlite":
        tx.execute(_REMOVE, [{"place": place(row.shelf, row.seq), "marks": row.marks} for row in rows])
    tx.execute(delete(store.item).where(store.item.c.seq.in_([row.seq for row in rows])))


def restore(connection: Connection) -> None:
    """Let everything be found that is in the table: a backup holds no index."""
    if connection.dialect.name != "sqlite":
        return
    columns = store.item.c
    rows = connection.execute(select(columns.seq, columns.shelf, columns.marks))
    while batch := rows.fetchmany(RESTORED):
        connection.execute(ADD, [{"place": place(row.shelf, row.seq), "marks": row.marks} for row in batch])


def tend(tx: Tx) -> None:
    """Merge a few pieces of the index of SQLite, which grows by pieces that every search has to look into. Bounded:
    others wait for it."""
    if tx.dialect == "sqlite":
        tx.execute(_TEND, [{"option": "usermerge", "value": 2}, {"option": "merge", "value": PAGES}])


def place(shelf: int, seq: int) -> int:
    """Where an item stands in the index of SQLite: all items of a shelf side by side, so that a question is asked of
    shelves and never sees what stands on others."""
    return shelf << SHELF_BITS | seq


def find(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    """Number of the question and `seq` of an item that answers it: one question for each mark, the last for all of them
    together. Each is answered by its newest items, at most `MOST` or `LEAST` of each shelf."""
    if connection.dialect.name == "sqlite":
        return _find_sqlite(connection, shelves, marks)
    return _find_postgresql(connection, shelves, marks)


def _find_sqlite(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    """A mark whose answer on a shelf is not full has all of its items there, and those that have all marks are among
    them: to read on along common marks until they meet would take most of the time of a search."""
    most = max(LEAST, MOST // len(shelves))
    alone = _matching(connection, list(enumerate(marks)), shelves, most)
    answers: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for number, at in alone:
        answers[at >> SHELF_BITS, number].append(at & _SEQ)
    few = {shelf: min((answers[shelf, number] for number in range(len(marks))), key=len) for shelf in shelves}
    crowded = [shelf for shelf in shelves if len(few[shelf]) == most]
    together = _matching(connection, [(len(marks), " AND ".join(marks))], crowded, most)
    rare = [seq for shelf in shelves if shelf not in crowded for seq in few[shelf]]
    having = [(len(marks), seq) for seq in _having(connection, rare, frozenset(marks))]
    return [*((number, at & _SEQ) for number, at in (*alone, *together)), *having]


def _matching(
    connection: Connection, questions: Sequence[tuple[int, str]], shelves: Sequence[int], most: int
) -> list[Row]:
    """Number of the question and place of the `most` newest items of each shelf that answer it."""
    part = (
        f"SELECT * FROM (SELECT ?, rowid FROM {store.SEARCH} WHERE {store.SEARCH} MATCH ? "
        f"AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT {most})"
    )
    parts = [
        (number, question, place(shelf, 0), place(shelf + 1, 0) - 1)
        for number, question in questions
        for shelf in shelves
    ]
    found: list[Row] = []
    for start in range(0, len(parts), PARTS):
        some = parts[start : start + PARTS]
        values = tuple(value for each in some for value in each)
        found += map(tuple, connection.exec_driver_sql(" UNION ALL ".join([part] * len(some)), values))
    return found


def _having(connection: Connection, seqs: Sequence[int], marks: frozenset[str]) -> Iterator[int]:
    """Those of the items that have all of the marks."""
    columns = store.item.c
    for start in range(0, len(seqs), PARTS):
        query = select(columns.seq, columns.marks).where(columns.seq.in_(seqs[start : start + PARTS]))
        yield from (row.seq for row in connection.execute(query) if marks.issubset(row.marks.split()))


def _find_postgresql(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    among = f"({' | '.join(f's{shelf}' for shelf in shelves)})"
    asked = [f"{each} & {among}" for each in (*marks, " & ".join(marks))]
    # A mark that stands in half of all items must not cost reading half of all items. Adding nothing to the order
    # keeps the planner from walking the table backwards where it takes a mark for a common one.
    connection.exec_driver_sql(f"SET LOCAL gin_fuzzy_search_limit = {10 * MOST}")
    part = (
        f"(SELECT %s::int, seq FROM memory_item WHERE {store.TSVECTOR} @@ %s::tsquery AND shelf = ANY(%s) "
        f"ORDER BY seq + 0 DESC LIMIT {MOST})"
    )
    wanted = list(shelves)
    values = tuple(value for number, question in enumerate(asked) for value in (number, question, wanted))
    found = connection.exec_driver_sql(" UNION ALL ".join([part] * len(asked)), values)
    return [tuple(row) for row in found]


_TEND = text(f"INSERT INTO {store.SEARCH} ({store.SEARCH}, rank) VALUES (:option, :value)")
ADD = text(f"INSERT INTO {store.SEARCH} (rowid, marks) VALUES (:place, :marks)")
_REMOVE = text(f"INSERT INTO {store.SEARCH} ({store.SEARCH}, rowid, marks) VALUES ('delete', :place, :marks)")
