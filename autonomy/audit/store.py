"""Tables of the log and of what lies beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    select,
)

from autonomy.db import Tx, metadata
from autonomy.db.indexes import partial_index
from autonomy.db.spelled import among
from autonomy.db.tx import Reader
from autonomy.kernel.errors import Corrupt

from .layout import Row
from .merkle import Node, NodeSource, node_source

head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("catalog", BigInteger, nullable=False),
    Column("identity", BigInteger, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("origin", Text),  # none only between the migration that brought the column and the next start
)

leaf = Table(
    "leaf",
    metadata,
    Column("idx", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("action", Text),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
partial_index("leaf_action", leaf.c.action, where=leaf.c.action.is_not(None))

COMMON = ("intent", "outcome")
"""Kinds of which every action that is let through writes a leaf: no index tells of these, so the door writes none."""
IS_RARE = ~among(leaf.c.kind, COMMON)
partial_index("leaf_rare", leaf.c.kind, leaf.c.idx, where=IS_RARE)

node = Table(
    "log_node",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("idx", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

forward = Table(
    "log_forward",
    metadata,
    Column("target", Text, primary_key=True),
    Column("next", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)

payload = Table(
    "payload",
    metadata,
    Column("action", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("box", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("payload_subject", payload.c.subject)
Index("payload_at", payload.c.at)

subject_key = Table(
    "subject_key",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("wrapped", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("erased_at", BigInteger),
)

READ_HEAD = "SELECT size, frontier, catalog, identity, signed FROM log_head WHERE id = 1"
INSERT_LEAF = "INSERT INTO leaf (idx, kind, action, at, body, hash) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_NODE = "INSERT INTO log_node (level, idx, hash) VALUES (?, ?, ?)"
UPDATE_HEAD = "UPDATE log_head SET size = ?, frontier = ?, catalog = ?, identity = ?, signed = ? WHERE id = 1"
INSERT_CHECKPOINT = "INSERT INTO checkpoint (size, at, note) VALUES (?, ?, ?)"
INSERT_PAYLOAD = "INSERT INTO payload (action, part, subject, generation, box, at) VALUES (?, ?, ?, ?, ?, ?)"

SCAN_ROWS = 5_000  # rows a scan holds in memory at once


def is_kind(kind: str) -> ColumnElement[bool]:
    """Whether a leaf is of this kind; of a rare one the index is used."""
    named = leaf.c.kind == kind
    return named if kind in COMMON else and_(named, IS_RARE)


def leaves(connection: Connection, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Index and exact bytes of the leaves from `start` up to, not including, `stop`, in order."""
    at = start
    while stop is None or at < stop:
        query = select(leaf.c.idx, leaf.c.body).where(leaf.c.idx >= at).order_by(leaf.c.idx).limit(SCAN_ROWS)
        rows = connection.execute(query if stop is None else query.where(leaf.c.idx < stop)).all()
        if not rows:
            return
        for index, body in rows:
            yield index, bytes(body)
        at = rows[-1][0] + 1


def rows(connection: Connection) -> Iterator[Row]:
    """Every leaf as the database holds it, in order."""
    columns, at = leaf.c, 0
    query = select(columns.idx, columns.body, columns.hash, columns.kind, columns.action, columns.at)
    while found := connection.execute(query.where(columns.idx >= at).order_by(columns.idx).limit(SCAN_ROWS)).all():
        for index, body, hash, kind, action, when in found:
            yield index, bytes(body), bytes(hash), kind, action, when
        at = found[-1].idx + 1


def leaves_of(connection: Connection | Tx, action: str) -> list[tuple[int, bytes]]:
    """Every leaf about one action, in order."""
    query = select(leaf.c.idx, leaf.c.body).where(leaf.c.action == action).order_by(leaf.c.idx)
    rows: Any = connection.execute(query)
    return [(index, bytes(body)) for index, body in rows]


def intents_of(connection: Connection, actions: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Each action that was begun, with the exact bytes of the leaf that says so."""
    query = select(leaf.c.action, leaf.c.body).where(leaf.c.action.in_(actions), leaf.c.kind == "intent")
    for action, body in connection.execute(query):
        yield action, bytes(body)


def newest(connection: Connection, count: int, kind: str | None = None) -> list[tuple[int, bytes]]:
    """The last `count` leaves, of one kind if given, oldest first."""
    query = select(leaf.c.idx, leaf.c.body).order_by(leaf.c.idx.desc()).limit(count)
    rows = connection.execute(query if kind is None else query.where(leaf.c.kind == kind)).all()
    return [(index, bytes(body)) for index, body in reversed(rows)]


def leaf_hashes(reader: Reader, start: int, stop: int) -> list[bytes]:
    """The stored hashes of the leaves from `start` up to, not including, `stop`, in order."""
    query = select(leaf.c.hash).where(leaf.c.idx >= start, leaf.c.idx < stop).order_by(leaf.c.idx)
    return [bytes(found) for (found,) in reader.execute(query)]


def stored_nodes(reader: Reader) -> Iterator[Node]:
    """Every node that is kept for proofs."""
    found: Any = reader.execute(select(node.c.level, node.c.idx, node.c.hash))
    for level, index, hash in found:
        yield level, index, bytes(hash)


def nodes(reader: Reader) -> NodeSource:
    """The complete nodes of the tree, for proofs."""

    def stored(level: int, start: int, stop: int) -> list[bytes]:
        columns = node.c
        query = select(columns.hash).where(columns.level == level, columns.idx >= start, columns.idx < stop)
        return [bytes(found) for (found,) in reader.execute(query.order_by(columns.idx))]

    return node_source(partial(leaf_hashes, reader), stored)


def read_head(connection: Connection) -> tuple[int, bytes, int, int]:
    """Size, encoded frontier, catalog epoch, identity epoch. Raises Corrupt where the head row is gone."""
    row: Any = connection.execute(select(head.c.size, head.c.frontier, head.c.catalog, head.c.identity)).one_or_none()
    if row is None:
        raise Corrupt("the head of the log is gone", code="audit.head_missing")
    return row.size, bytes(row.frontier), row.catalog, row.identity


def read_origin(connection: Connection) -> str:
    """What the log is called, for ever. Raises Corrupt where that is gone."""
    origin: str | None = connection.execute(select(head.c.origin)).scalar_one_or_none()
    if origin is None:
        raise Corrupt("the log does not know what it is called", code="audit.no_origin", hint="restore a backup")
    return origin
