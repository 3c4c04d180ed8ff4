"""What came in at hooks: one row for each delivery; what it said lies sealed with the payloads."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Executable,
    Index,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
)

from autonomy.audit.store import payload
from autonomy.audit.vault import PayloadRow
from autonomy.db import Reader, Tx, metadata
from autonomy.db.indexes import partial_index
from autonomy.db.newest import newest

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


def find_by_sender(reader: Reader, hook: str, sender_id: str) -> Delivery | None:
    """The delivery that the sender names so."""
    return _first(reader, delivery.c.hook == hook, delivery.c.sender_id == sender_id)


def find_answer(reader: Reader, hook: str, action: str) -> Delivery | None:
    """The first delivery at `hook` that answers the action."""
    return _first(reader, delivery.c.action == action, delivery.c.hook == hook)


def find(reader: Reader, id: str) -> Delivery | None:
    """The delivery of this id."""
    return _first(reader, delivery.c.id == id)


def page(reader: Reader, hook: str | None, count: int, before: Delivery | None) -> list[Delivery]:
    """Deliveries, newest first, from after `before` in that order."""
    query = select(delivery) if hook is None else select(delivery).where(delivery.c.hook == hook)
    last = None if before is None else (before.at, before.id)
    found = newest(reader, [query], (delivery.c.at, delivery.c.id), count, last)
    return [Delivery(**row._mapping) for row in found]


def add(tx: Tx, new: Delivery, body: PayloadRow) -> None:
    """Write a delivery and what it said."""
    tx.execute(insert(delivery).values(new._asdict()))
    tx.execute(insert(payload).values(dict(zip(payload.columns.keys(), body, strict=True))))


def _first(reader: Reader, *where: ColumnElement[bool]) -> Delivery | None:
    query = select(delivery).where(*where).order_by(delivery.c.at, delivery.c.id).limit(1)
    return next(iter(_deliveries(reader, query)), None)


def _deliveries(reader: Reader, query: Executable) -> list[Delivery]:
    return [Delivery(**row) for row in reader.execute(query).mappings()]
