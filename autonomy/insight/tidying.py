"""Cases that are not remembered any more go, so that there are not ever more of them."""

from __future__ import annotations

import logging

from sqlalchemy import delete, select

from autonomy.db import CommitQueue, Tx
from autonomy.db.tidying import keep_tidy
from autonomy.kernel.clock import Clock

from .cells import figure_case
from .reckoning import behind_of, forgotten_before

log = logging.getLogger("autonomy.insight")

BATCH = 2_000  # cases that are looked at in one transaction: others wait for it


class Tidying:
    """Walks round all cases, a little every minute: an index by their time would cost more, with every ending."""

    def __init__(self, queue: CommitQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._after = ""

    async def run(self) -> None:
        """Tidy until cancelled."""
        await keep_tidy(self._queue, self.tidy, BATCH, log, "could not tidy the figures")

    def tidy(self, tx: Tx) -> int:
        """Look at the next cases, and delete those that are not remembered any more; returns how many these were."""
        columns = figure_case.c
        query = select(columns.id, columns.last).where(columns.id > self._after).order_by(columns.id).limit(BATCH)
        rows = tx.execute(query).all()
        self._after = rows[-1].id if len(rows) == BATCH else ""
        before = forgotten_before(behind_of(tx), self._clock())
        old = [row.id for row in rows if row.last < before]
        return tx.execute(delete(figure_case).where(columns.id.in_(old))).rowcount if old else 0
