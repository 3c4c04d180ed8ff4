"""What nobody needs any more goes: payloads beyond their retention, windows that have passed, processes long dead."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import delete, select

from autonomy.approvals.store import IS_ALIVE, hold
from autonomy.audit.store import payload
from autonomy.db import CommitQueue, Tx
from autonomy.db.store_time import store_time
from autonomy.kernel.clock import DAY, HOUR, Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.tools.deliveries import delivery
from autonomy.tools.signatures import UNTIMED

from .lifeline import DEAD_MS
from .store import IS_OPEN, action, process, window_bucket

log = logging.getLogger("autonomy.gate")

LOOK_SECONDS = 60.0
SPARE_MS = DAY
BATCH = 1_000  # rows of one transaction: others wait for it


class Housekeeping:
    """Tidies a little every minute. What an open action carries stays until it has ended, or its hold has.

    Everything stays for `SPARE_MS` beyond its time: what a clock set ahead makes look old is not deleted, for it would
    not come back when the clock is right again. The newest leaf is no better witness of the time, its own is read from
    the same clock.
    """

    def __init__(self, queue: CommitQueue, retention_days: int, clock: Clock) -> None:
        self._queue = queue
        self._retention = retention_days * DAY
        self._clock = clock

    async def run(self) -> None:
        """Tidy until cancelled."""
        while True:
            try:
                while await self._queue.perform(self.tidy) >= BATCH:
                    pass
            except AutonomyError as error:
                log.warning("could not tidy: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    def tidy(self, tx: Tx) -> int:
        """Delete one batch; returns how many rows went. The log itself keeps every leaf for ever."""
        at = self._clock() - SPARE_MS
        dead = delete(process).where(process.c.beat < store_time(tx) - HOUR - DEAD_MS)
        passed = select(window_bucket.c.key, window_bucket.c.bucket).where(window_bucket.c.expires_at < at).limit(BATCH)
        gone = tx.execute(dead).rowcount
        for row in tx.execute(passed).all():
            where = window_bucket.c.key == row.key, window_bucket.c.bucket == row.bucket
            gone += tx.execute(delete(window_bucket).where(*where)).rowcount
        # What is signed without a time could come again at any time: that it was taken is remembered for good.
        timed = delivery.c.sender_id.not_like(f"{UNTIMED}%")
        old = select(delivery.c.id).where(delivery.c.at < at - self._retention, timed).limit(BATCH)
        gone += tx.execute(delete(delivery).where(delivery.c.id.in_(list(tx.execute(old).scalars())))).rowcount
        return gone + self._forget_payloads(tx, at - self._retention)

    def _forget_payloads(self, tx: Tx, before: int) -> int:
        begun = select(action.c.id).where(IS_OPEN)
        # An action that people did not allow stays `held`; its hold says that it is over.
        asked = select(hold.c.action).where(IS_ALIVE)
        over = payload.c.action.not_in(begun.union_all(asked))
        old = select(payload.c.action).where(payload.c.at < before, over).limit(BATCH)
        names = list(tx.execute(old).scalars())
        return tx.execute(delete(payload).where(payload.c.action.in_(names), payload.c.at < before)).rowcount
