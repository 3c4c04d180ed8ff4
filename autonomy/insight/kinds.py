"""Finds the leaves of a kind, however rare: to the rare ones leads an index, to the common ones, where there are none
for long, the census of each thousand leaves."""

from __future__ import annotations

from sqlalchemy import Connection, select

from autonomy.audit.store import COMMON, is_kind, leaf

from . import found
from .found import BLOCK


def of_kind(connection: Connection, kind: str, start: int, limit: int) -> list[int]:
    """The indices of the first `limit` leaves of a kind from `start` on, rising."""
    if kind not in COMMON:
        return _between(connection, kind, start, None, limit)
    taken, columns, indices = _taken(connection), found.census.c, list[int]()
    held = select(columns.block).where(columns.kind == kind, columns.block >= start // BLOCK)
    # Of the first block the leaves may lie before `start`; each of the others holds one at least.
    for block in connection.execute(held.order_by(columns.block).limit(limit + 1)).scalars():
        low, high = max(start, block * BLOCK), min(taken, (block + 1) * BLOCK)
        indices += _between(connection, kind, low, high, limit - len(indices))
        if len(indices) == limit:
            return indices
    return indices + _between(connection, kind, max(start, taken), None, limit - len(indices))


def last_of_kind(connection: Connection, kind: str, stop: int | None, limit: int) -> list[int]:
    """The indices of the last `limit` leaves of a kind below `stop` (none: of all), falling."""
    if kind not in COMMON:
        return _between(connection, kind, 0, stop, limit, falling=True)
    taken, columns = _taken(connection), found.census.c
    indices = _between(connection, kind, taken, stop, limit, falling=True)
    held = select(columns.block).where(columns.kind == kind)
    if stop is not None:
        held = held.where(columns.block * BLOCK < stop)
    # Of the last block the leaves may lie behind `stop`; each of the others holds one at least.
    for block in connection.execute(held.order_by(columns.block.desc()).limit(limit + 1)).scalars():
        if len(indices) == limit:
            break
        high = min(taken, (block + 1) * BLOCK) if stop is None else min(taken, (block + 1) * BLOCK, stop)
        indices += _between(connection, kind, block * BLOCK, high, limit - len(indices), falling=True)
    return indices


def _taken(connection: Connection) -> int:
    """How much of the log the census counts."""
    return connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0


def _between(
    connection: Connection, kind: str, low: int, high: int | None, limit: int, falling: bool = False
) -> list[int]:
    """Leaves of a kind from `low` up to, not including, `high`; none: to the end."""
    query = select(leaf.c.idx).where(is_kind(kind), leaf.c.idx >= low)
    query = query.order_by(leaf.c.idx.desc() if falling else leaf.c.idx).limit(limit)
    return list(connection.execute(query if high is None else query.where(leaf.c.idx < high)).scalars())
