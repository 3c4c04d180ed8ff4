"""Notices on their way: written with what they tell of, sent after it is durable."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, and_, insert, select, update

from autonomy.db import Tx, metadata
from autonomy.db.indexes import partial_index

from .model import Notice

notice = Table(
    "notice",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger),
    Column("sent_at", BigInteger),
    Column("channel", Text, nullable=False, server_default="webhook"),
    Column("recipient", Text, nullable=False, server_default=""),
)
partial_index("notice_due", notice.c.due, where=notice.c.due.is_not(None))


def add(tx: Tx, new: Notice, due: int) -> None:
    values = {"channel": new.channel, "recipient": new.recipient, "attempts": new.attempts}
    tx.execute(insert(notice).values(id=new.id, kind=new.kind, body=new.body, due=due, **values))


def any_due(connection: Connection, channels: Collection[str], at: int) -> bool:
    """Whether something is to be sent by one of `channels`."""
    query = select(notice.c.id).where(notice.c.due <= at, notice.c.channel.in_(channels)).limit(1)
    return connection.execute(query).first() is not None


def take(tx: Tx, channels: Collection[str], at: int, until: int, count: int) -> list[Notice]:
    """The notices due, oldest first, each with one attempt more; nobody else gets them before `until`."""
    columns = (notice.c.id, notice.c.channel, notice.c.recipient, notice.c.kind, notice.c.body, notice.c.attempts)
    query = select(*columns).where(notice.c.due <= at, notice.c.channel.in_(channels))
    rows = tx.execute(query.order_by(notice.c.due, notice.c.id).limit(count)).all()
    taken = [Notice(row.id, row.channel, row.recipient, row.kind, row.body, row.attempts + 1) for row in rows]
    if taken:
        ours = notice.c.id.in_([each.id for each in taken])
        tx.execute(update(notice).where(ours).values(attempts=notice.c.attempts + 1, due=until))
    return taken


def mark_sent(tx: Tx, taken: Notice, at: int) -> None:
    tx.execute(update(notice).where(notice.c.id == taken.id).values(due=None, sent_at=at))


def put_off(tx: Tx, taken: Notice, due: int | None) -> None:
    """Try again at `due`, or never again; unless another has taken the notice in the meantime or it was sent."""
    still_ours = and_(notice.c.id == taken.id, notice.c.attempts == taken.attempts, notice.c.sent_at.is_(None))
    tx.execute(update(notice).where(still_ours).values(due=due))
