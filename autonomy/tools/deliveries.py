"""What came in at hooks: one row for each delivery; what it said lies sealed with the payloads."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Executable,
    Index,
    Table,
    Text,
    UniqueConstraint,
    and_,
    insert,
    or_,
    select,
)
from sqlalchemy.engine import CursorResult

from autonomy.audit.store import payload
from autonomy.audit.vault import PayloadRow
from autonomy.db import Tx, metadata
from autonomy.db.indexes import partial_index

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hook", Text, nullable=False),
    Column("sender_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("action", Text),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("hook", "sender_id", name="delivery_once"),
)
partial_index(
    "delivery_answer",
    delivery.c.action,
    where=delivery.c.action.is_not(None),
)
Index("delivery_at", delivery.c.at, delivery.c.id)
Index("delivery_of_hook", delivery.c.hook, delivery.c.at, delivery.c.id)


class Delivery(NamedTuple):
    """One post that was taken. `sender_id` is the sender's own id of it; `action` the action it answers."""

    id: str
    hook: str
    sender_id: str
    type: str
    action: str | None
    at: int


class Reader(Protocol):
    """What runs a statement: a reading connection, or the transaction of a use case."""

    def execute(self, statement: Executable, /) -> CursorResult[Any]: ...


def find_by_sender(reader: Reader, hook: str, sender_id: str) -> Delivery | None:
    """The delivery that the sender names so."""
    return _first(reader, delivery.c.hook == hook, delivery.c.sender_id == sender_id)


def find_answer(reader: Reader, hook: str, action: str) -> Delivery | None:
    """The first delivery at `hook` that answers the action."""
    return _first(reader, delivery.c.action == action, delivery.c.hook == hook)


def find(reader: Reader, id: str) -> Delivery | None:
    """The delivery of this id."""
    return _first(reader, delivery.c.id == id)


def newest(reader: Reader, hook: str | None, count: int, before: Delivery | None) -> list[Delivery]:
    """Deliveries, newest first, from after `before` in that order."""
    query = select(delivery).order_by(delivery.c.at.desc(), delivery.c.id.desc()).limit(count)
    if hook is not None:
        query = query.where(delivery.c.hook == hook)
    if before is not None:
        same_time = and_(delivery.c.at == before.at, delivery.c.id < before.id)
        query = query.where(or_(delivery.c.at < before.at, same_time))
    return _deliveries(reader, query)


def add(tx: Tx, new: Delivery, body: PayloadRow) -> None:
    """Write a delivery and what it said."""
    tx.execute(insert(delivery).values(new._asdict()))
    tx.execute(insert(payload).values(dict(zip(payload.columns.keys(), body, strict=True))))


def _first(reader: Reader, *where: ColumnElement[bool]) -> Delivery | None:
    query = select(delivery).where(*where).order_by(delivery.c.at, delivery.c.id).limit(1)
    return next(iter(_deliveries(reader, query)), None)


def _deliveries(reader: Reader, query: Executable) -> list[Delivery]:
    return [Delivery(**row) for row in reader.execute(query).mappings()]
