"""The store's own clock, so that clocks of machines may differ."""

from __future__ import annotations

from sqlalchemy import BigInteger, Connection, cast, func, select, text

from .tx import Tx

_SQLITE = text("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")
_POSTGRESQL = select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger))


def store_time(store: Tx | Connection) -> int:
    """The time by the store, in milliseconds since the epoch."""
    dialect = store.dialect if isinstance(store, Tx) else store.dialect.name
    return int(store.execute(_SQLITE if dialect == "sqlite" else _POSTGRESQL).scalar_one())
