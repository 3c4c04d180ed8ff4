"""Full-text search over marks, on both databases: every question names the shelves that may be read, and is answered
from no more rows than it is allowed to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, text

from autonomy.db import Tx
from autonomy.db.ports import Row

from . import store

MOST = 200  # newest items looked at for each mark, and for all of them together
LEAST = 10  # of each shelf at least, where many may be read
BLOCKS = 2_048  # newest blocks that are looked through on PostgreSQL: four million items
FIRST, TOGETHER = 2, 32  # of them at once, to begin with and at most
RARE = 1_000  # items that are read of what is asked for as a whole; what more have is common
PART = 4  # of them in one part of a statement
PARTS = 400  # of one statement of SQLite, which takes five hundred
RESTORED = 5_000  # items read at once while the index is made again
PAGES = 500  # of the index of SQLite that are merged at once: some ten milliseconds
SHELF_BITS = 40  # below them stands an item's number, above them its shelf's
Asked = Mapping[int, Sequence[str]]
"""Questions by number, each the marks that an item is to have, all of them."""

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
        found += _raw(connection).execute(" UNION ALL ".join([part] * len(some)), values)
    return found


def _having(connection: Connection, seqs: Sequence[int], marks: frozenset[str]) -> Iterator[int]:
    """Those of the items that have all of the marks."""
    for start in range(0, len(seqs), PARTS):
        some = seqs[start : start + PARTS]
        rows = connection.execute(select(store.item.c.seq, store.item.c.marks).where(store.item.c.seq.in_(some)))
        yield from (seq for seq, told in rows if marks.issubset(told.split()))


def _raw(connection: Connection) -> Any:
    """The driver's own connection: eight hundred rows as SQLAlchemy has them would take a tenth of a search."""
    return connection.connection.driver_connection


def _find_postgresql(connection: Connection, shelves: Sequence[int], marks: Sequence[str]) -> list[Row]:
    """Of a mark whose answer is not full all items are there, and those that have all marks are among them."""
    newest, oldest = connection.exec_driver_sql(_BOUNDS).one()
    if newest is None:
        return []
    blocks = range(newest >> store.BLOCK_BITS, max(-1, (oldest >> store.BLOCK_BITS) - 1), -1)[:BLOCKS]
    look = _Blocks(connection, shelves, blocks)
    answers = look.newest({number: (mark,) for number, mark in enumerate(marks)})
    rarest = min(answers.values(), key=len)
    if len(rarest) == MOST:
        together = look.newest({len(marks): marks})
    else:
        together = {len(marks): list(_having(connection, rarest, frozenset(marks)))}
    connection.exec_driver_sql(_AS_EVER)
    return [(number, seq) for number, seqs in (answers | together).items() for seq in seqs]


class _Blocks:
    """The index of PostgreSQL, read block by block from the newest on: a mark that stands in half of all items must not
    cost reading half of all items."""

    def __init__(self, connection: Connection, shelves: Sequence[int], blocks: Sequence[int]) -> None:
        self._connection = connection
        self._shelves = list(shelves)
        self._among = " | ".join(f"s{shelf}" for shelf in shelves)
        self._blocks = blocks

    def newest(self, asked: Asked) -> dict[int, list[int]]:
        """The newest `MOST` items that have all of the marks, for each question by its number. What is rare among the
        newest items is asked for as a whole; what is not rare then either is looked for on, in more blocks each time.
        """
        # Adding nothing keeps the planner from walking the table backwards where it takes a mark for a common one.
        newest, found = f"ORDER BY seq + 0 DESC LIMIT {MOST}", {number: list[int]() for number in asked}
        start, size, left = 0, FIRST, dict(asked)
        while left and start < len(self._blocks):
            for number, seq in self._ask(self._parts(left, self._blocks[start : start + size]), newest):
                found[number].append(seq)
            start, size = start + size, min(4 * size, TOGETHER)
            left = {number: marks for number, marks in left.items() if len(found[number]) < MOST}
            if start == FIRST:
                whole = self._whole({number: left[number] for number in left if self._seems_rare(found[number])})
                found, left = found | whole, {number: marks for number, marks in left.items() if number not in whole}
        return {number: sorted(seqs, reverse=True)[:MOST] for number, seqs in found.items()}

    def _seems_rare(self, seqs: Sequence[int]) -> bool:
        return len(seqs) * len(self._blocks) < RARE * FIRST

    def _whole(self, asked: Asked) -> dict[int, list[int]]:
        """All items that have the marks, where they are fewer than `RARE`."""
        found = {number: list[int]() for number in asked}
        parts = [(number, f"{' & '.join(marks)} & ({self._among})") for number, marks in asked.items()]
        for number, seq in self._ask(parts, f"LIMIT {RARE}"):
            found[number].append(seq)
        return {number: seqs for number, seqs in found.items() if len(seqs) < RARE}

    def _parts(self, asked: Asked, blocks: Sequence[int]) -> list[tuple[int, str]]:
        return [
            (number, f"({_any_of(marks, blocks[start : start + PART])}) & ({self._among})")
            for number, marks in asked.items()
            for start in range(0, len(blocks), PART)
        ]

    def _ask(self, parts: Sequence[tuple[int, str]], which: str) -> Iterable[Row]:
        """Number of the question and `seq` of each item found."""
        if not parts:
            return []
        has = f"{store.TSVECTOR} @@ %s::tsquery AND shelf = ANY(%s)"
        part = f"(SELECT %s::int, seq FROM {store.item.name} WHERE {has} {which})"
        values = tuple(value for number, query in parts for value in (number, query, self._shelves))
        return [tuple(row) for row in self._connection.exec_driver_sql(" UNION ALL ".join([part] * len(parts)), values)]


def _any_of(marks: Sequence[str], blocks: Sequence[int]) -> str:
    return " | ".join(f"({' & '.join(f'{mark}{block}' for mark in marks)})" for block in blocks)


_BOUNDS = (
    "SELECT (SELECT max(seq) FROM memory_item), (SELECT min(seq) FROM memory_item) "
    "FROM (SELECT set_config('enable_seqscan', 'off', true)) AS only_by_the_index"
)
_AS_EVER = "SELECT set_config('enable_seqscan', 'on', true)"
_TEND = text(f"INSERT INTO {store.SEARCH} ({store.SEARCH}, rank) VALUES (:option, :value)")
ADD = text(f"INSERT INTO {store.SEARCH} (rowid, marks) VALUES (:place, :marks)")
_REMOVE = text(f"INSERT INTO {store.SEARCH} ({store.SEARCH}, rowid, marks) VALUES ('delete', :place, :marks)")
