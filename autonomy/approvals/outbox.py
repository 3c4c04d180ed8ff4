"""Notices on their way to a webhook: written with what they announce, sent after it is durable."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, and_, insert, select, update

from autonomy.db import Tx, metadata

notice = Table(
    "notice",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger),
    Column("sent_at", BigInteger),
)
Index("notice_due", notice.c.due, sqlite_where=notice.c.due.is_not(None), postgresql_where=notice.c.due.is_not(None))


@dataclass(frozen=True, slots=True)
class Notice:
    """One announcement. `attempts` counts the one under way; `due` is the next one's time, None when it is over."""

    id: str
    kind: str
    body: str
    attempts: int


def add(tx: Tx, new: Notice, due: int) -> None:
    tx.execute(insert(notice).values(id=new.id, kind=new.kind, body=new.body, attempts=new.attempts, due=due))


def any_due(connection: Connection, at: int) -> bool:
    return connection.execute(select(notice.c.id).where(notice.c.due <= at).limit(1)).first() is not None


def take(tx: Tx, at: int, until: int, count: int) -> list[Notice]:
    """The notices due, oldest first, each with one attempt more; nobody else gets them before `until`."""
    query = select(notice.c.id, notice.c.kind, notice.c.body, notice.c.attempts).where(notice.c.due <= at)
    rows = tx.execute(query.order_by(notice.c.due, notice.c.id).limit(count)).all()
    taken = [Notice(row.id, row.kind, row.body, row.attempts + 1) for row in rows]
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
