"""Tells people that a budget has come to the share of its limit from which it warns.

The crossing itself is written with the intent that caused it; telling is for whoever looks next, in any process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, update

from autonomy.catalog.budget import Measure
from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock, rfc3339
from autonomy.notices import News

from .limits import read_limits
from .model import Limit
from .rules import amount_in_words
from .store import budget_warning

BATCH = 50  # warnings told in one transaction: others wait for it
SHOWN = 20  # of the last crossings of one budget

Announce = Callable[[Tx, News, int], None]
"""Takes news in the transaction in which they are taken note of."""

Holders = Callable[[str], Collection[str]]
"""The names of the active people who hold a role."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """`action` took a budget to `used` at `at` (milliseconds), which was `warn` or more of its `limit`."""

    budget: str
    account: str
    measure: Measure
    limit: int
    warn: int
    used: int
    action: str
    at: int


class Warnings:
    """Takes crossings that nobody has been told of to the notifier, each once."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        organisation: Callable[[], Organisation],
        holders: Holders,
        announce: Announce,
        clock: Clock = clock.now,
    ) -> None:
        self._database = database
        self._queue = queue
        self._organisation = organisation
        self._holders = holders
        self._announce = announce
        self._clock = clock

    def tell(self) -> int:
        """Announce what is new; returns how many warnings. Any process may call it, at any time."""
        with self._database.reading() as connection:
            if not _new(connection, 1):
                return 0
        return self._queue.run(self._tell)

    def _tell(self, tx: Tx) -> int:
        found, at = _new(tx, BATCH), self._clock()
        organisation = self._organisation()
        limits = {limit.name: limit for limit in read_limits(organisation)}
        for crossing in found:
            limit = limits.get(crossing.budget)
            if limit is not None:  # a budget that is no longer declared warns nobody
                self._announce(tx, self._news(crossing, limit, organisation.currency.base), at)
            which = budget_warning.c.account == crossing.account, budget_warning.c.warn == crossing.warn
            tx.execute(update(budget_warning).where(*which).values(announced_at=at))
        return len(found)

    def _news(self, crossing: Crossing, limit: Limit, currency: str) -> News:
        used = amount_in_words(crossing.used, crossing.measure, currency)
        most = amount_in_words(crossing.limit, crossing.measure, currency)
        facts = {
            "budget": limit.name,
            "scope": limit.scope_kind,
            "target": limit.scope,
            "measure": limit.measure,
            "period": limit.period,
            "limit": crossing.limit,
            "used": crossing.used,
            "at": rfc3339(crossing.at),
        }
        text = (
            f"The budget {limit.name} of the {limit.scope_kind} {limit.scope} has come to {used} of {most} a"
            f" {limit.period}.\nWhen it is used up, actions are refused: autonomy budget show {limit.name}"
        )

        def people() -> set[str]:
            return {person for role in limit.tell for person in self._holders(role)}

        return News("budget.warned", facts, f"the budget {limit.name} nears its end", text, people)


def crossings(connection: Connection, budget: str) -> list[Crossing]:
    """When and by which actions a budget came to its warning, the last ones, newest first."""
    table = budget_warning
    query = select(table).where(table.c.budget == budget).order_by(table.c.at.desc()).limit(SHOWN)
    return [_crossing(row) for row in connection.execute(query)]


def _new(reader: Connection | Tx, count: int) -> list[Crossing]:
    table = budget_warning
    query = select(table).where(table.c.announced_at.is_(None)).order_by(table.c.at, table.c.account).limit(count)
    return [_crossing(row) for row in reader.execute(query)]


def _crossing(row: Row[tuple[object, ...]]) -> Crossing:
    return Crossing(row.budget, row.account, row.measure, row.amount, row.warn, row.used, row.action, row.at)
