"""The accounts: SQL texts for the gate's planner, and what people read of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select

from autonomy.catalog.organisation import Organisation
from autonomy.db import metadata
from autonomy.db.indexes import partial_index
from autonomy.kernel.clock import period_start

from .forecast import Forecast, forecast
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
    Column("warned", BigInteger, nullable=False, server_default="0"),
)

budget_warning = Table(
    "budget_warning",
    metadata,
    Column("account", Text, primary_key=True),
    Column("warn", BigInteger, primary_key=True),
    Column("budget", Text, nullable=False, index=True),
    Column("measure", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("announced_at", BigInteger),
)
partial_index(
    "budget_warning_new",
    budget_warning.c.at,
    where=budget_warning.c.announced_at.is_(None),
)

UPSERT_ACCOUNT = (
    "INSERT INTO account (key, budget, settled, reserved) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET settled = excluded.settled, reserved = excluded.reserved"
)
"""Writes absolute values: key, budget, settled, reserved. Only the holder of the head lock may use it."""

MARK_WARNED = "UPDATE account SET warned = ? WHERE key = ?"
"""An account is warned about once at each mark: the mark, the key."""

PUT_WARNING = (
    "INSERT INTO budget_warning (account, warn, budget, measure, amount, used, action, at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, warn) DO UPDATE SET "
    "amount = excluded.amount, used = excluded.used, action = excluded.action, at = excluded.at, announced_at = NULL"
)
"""A warning that people have not been told of yet."""

KEYS_PER_READ = 500  # bound values a statement; SQLite builds admit from 999 upwards


def READ_ACCOUNTS(count: int) -> str:
    """The SQL that reads `count` accounts by key: key, settled, reserved, and the mark that was last warned about (0
    for none). An account nobody charged yet has no row."""
    return f"SELECT key, settled, reserved, warned FROM account WHERE key IN ({', '.join('?' * count)})"


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

    @property
    def percent(self) -> int:
        """How much of the limit is used, rounded down; above 100 after a limit was lowered, 100 for a limit of 0."""
        return self.balance.used * 100 // self.limit.amount if self.limit.amount else 100

    def forecast(self, at: int) -> Forecast:
        """What becomes of it if its users go on as they did in this period."""
        return forecast(self.balance.used, self.limit.amount, self.limit.period, at)


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
