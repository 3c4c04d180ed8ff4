"""The accounts: SQL texts for the gate's planner, and what people read of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select

from autonomy.catalog.organisation import Organisation
from autonomy.db import metadata
from autonomy.kernel.clock import period_start

from .limits import read_limits
from .model import Balance, Limit
from .rules import account_key

account = Table(
    "account",
    metadata,
    Column("key", Text, primary_key=True),
    Column("budget", Text, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
)

UPSERT_ACCOUNT = (
    "INSERT INTO account (key, budget, settled, reserved) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET settled = excluded.settled, reserved = excluded.reserved"
)
"""Writes absolute values: key, budget, settled, reserved. Only the holder of the head lock may use it."""

KEYS_PER_READ = 500  # bound values a statement; SQLite builds admit from 999 upwards


def READ_ACCOUNTS(count: int) -> str:
    """The SQL that reads `count` accounts by key: key, settled, reserved. One nobody charged yet has no row."""
    return f"SELECT key, settled, reserved FROM account WHERE key IN ({', '.join('?' * count)})"


@dataclass(frozen=True, slots=True)
class Spend:
    """One limit and how much of it is used in the period that starts at `since` (milliseconds)."""

    limit: Limit
    since: int
    balance: Balance

    @property
    def left(self) -> int:
        """What can still be asked; never negative, also after a limit was lowered."""
        return max(0, self.limit.amount - self.balance.used)


def spend(connection: Connection, organisation: Organisation, at: int) -> list[Spend]:
    """Every declared limit with its account as it stands at `at`, in the order of their names."""
    limits = read_limits(organisation)
    balances = read_balances(connection, [account_key(limit, at) for limit in limits])
    return [
        Spend(limit, period_start(at, limit.period), balances.get(account_key(limit, at), Balance()))
        for limit in limits
    ]


def read_balances(connection: Connection, keys: Iterable[str]) -> dict[str, Balance]:
    """The accounts among `keys` that were ever charged."""
    wanted = list(keys)
    found: dict[str, Balance] = {}
    for start in range(0, len(wanted), KEYS_PER_READ):
        part = wanted[start : start + KEYS_PER_READ]
        query = select(account.c.key, account.c.settled, account.c.reserved).where(account.c.key.in_(part))
        found.update({key: Balance(settled, reserved) for key, settled, reserved in connection.execute(query)})
    return found
