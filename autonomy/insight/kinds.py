"""Finds the leaves of a kind, however rare: where they lie is told by the census of each thousand leaves."""

from __future__ import annotations

from sqlalchemy import Connection, select

from autonomy.audit.store import leaf

from . import found
from .found import BLOCK


def of_kind(connection: Connection, kind: str, start: int, limit: int) -> list[int]:
    """The indices of the first `limit` leaves of a kind from `start` on, rising."""
    taken = connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0
    columns, indices = found.census.c, list[int]()
    held = select(columns.block).where(columns.kind == kind, columns.block >= start // BLOCK)
    # Of the first block the leaves may lie before `start`; each of the others holds one at least.
    for block in connection.execute(held.order_by(columns.block).limit(limit + 1)).scalars():
        low, high = max(start, block * BLOCK), min(taken, (block + 1) * BLOCK)
        indices += _between(connection, kind, low, high, limit - len(indices))
        if len(indices) == limit:
            return indices
    return indices + _between(connection, kind, max(start, taken), None, limit - len(indices))


def _between(connection: Connection, kind: str, low: int, high: int | None, limit: int) -> list[int]:
    """Leaves of a kind from `low` up to, not including, `high`; none: to the end."""
    query = select(leaf.c.idx).where(leaf.c.kind == kind, leaf.c.idx >= low).order_by(leaf.c.idx).limit(limit)
    return list(connection.execute(query if high is None else query.where(leaf.c.idx < high)).scalars())
