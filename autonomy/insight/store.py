"""Queries over the log."""

from __future__ import annotations

from sqlalchemy import Connection, select

from autonomy.audit.store import checkpoint


def checkpoint_holding(connection: Connection, index: int) -> int | None:
    """The size of the first signed tree that holds the leaf `index`; None where there is none yet."""
    query = select(checkpoint.c.size).where(checkpoint.c.size > index).order_by(checkpoint.c.size).limit(1)
    found: int | None = connection.execute(query).scalar_one_or_none()
    return found
