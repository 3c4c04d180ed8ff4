"""Many rows at once: inserted, joined to what is there, changed; the same on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, select

from autonomy.db import CommitQueue, Database
from autonomy.db.many import inserting, updating
from autonomy.kernel.errors import Unavailable
from tests.tables import own

many = Table(
    "test_many",
    own,
    Column("id", Text, primary_key=True),
    Column("right", BigInteger, nullable=False),  # a word that PostgreSQL keeps for itself
    Column("box", LargeBinary),
)
NAMES = ("id", "right", "box")
ADD = inserting(many, NAMES, 'ON CONFLICT (id) DO UPDATE SET "right" = test_many."right" + excluded."right"')
CHANGE = updating(many, "id", {"right": 'coalesce({}, test_many."right")', "box": "{}"})


def rows(database: Database) -> list[tuple[str, int, bytes | None]]:
    with database.reading() as connection:
        return [(id, right, box and bytes(box)) for id, right, box in connection.execute(select(many).order_by("id"))]


def test_rows_are_inserted_joined_and_changed_together(database: Database, queue: CommitQueue) -> None:
    queue.run(lambda tx: tx.write(ADD, [("a", 1, b"\x00x"), ("b", 2**62, None)]))
    queue.run(lambda tx: tx.write(ADD, [("a", 4, None), ("c", 3, b"")]))
    assert rows(database) == [("a", 5, b"\x00x"), ("b", 2**62, None), ("c", 3, b"")]
    queue.run(lambda tx: tx.write(CHANGE, [(None, b"y", "a"), (7, None, "c"), (8, None, "nobody")]))
    queue.run(lambda tx: tx.write(CHANGE, []))
    assert rows(database) == [("a", 5, b"y"), ("b", 2**62, None), ("c", 7, None)]


def test_what_cannot_be_written_writes_nothing(database: Database, queue: CommitQueue) -> None:
    insert = inserting(many, NAMES)
    queue.run(lambda tx: tx.write(insert, [("a", 1, None)]))
    for refused in ([("b", 1, None), ("a", 2, None)], [("b", None, None)]):
        with pytest.raises(Unavailable):
            queue.run(lambda tx, refused=refused: tx.write(insert, refused))
    assert rows(database) == [("a", 1, None)]
