"""What nobody needs any more goes: payloads beyond their retention, windows that have passed, processes long dead,
sessions, invitations and notices that are long over."""

from __future__ import annotations

import logging

from sqlalchemy import Column, ColumnElement, delete, select

from autonomy.approvals.store import IS_ALIVE, forget_written, hold
from autonomy.audit.store import payload
from autonomy.db import CommitQueue, Tx
from autonomy.db.store_time import store_time
from autonomy.db.tidying import keep_tidy
from autonomy.identity.store import invitation, session
from autonomy.kernel.clock import DAY, HOUR, Clock
from autonomy.kernel.ids import earliest
from autonomy.notices.outbox import notice
from autonomy.tools.deliveries import delivery
from autonomy.tools.signatures import UNTIMED

from .forgetting import forget_old_records
from .lifeline import DEAD_MS
from .store import IS_OPEN, action, process, window_bucket

log = logging.getLogger("autonomy.gate")

SPARE_MS = DAY
OVER_MS = 30 * DAY  # how long sessions and invitations that have expired, and notices that were dealt with, are kept
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
        await keep_tidy(self._queue, self.tidy, BATCH, log, "could not tidy")

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
        gone += _drop(tx, delivery.c.id, delivery.c.at < at - self._retention, timed)
        gone += _drop(tx, session.c.hash, session.c.expires_at < at - OVER_MS)
        gone += _drop(tx, invitation.c.hash, invitation.c.expires_at < at - OVER_MS)
        # Sent, or given up: what is still to be sent has a time for it.
        gone += _drop(tx, notice.c.id, notice.c.id < earliest("ntc", max(0, at - OVER_MS)), notice.c.due.is_(None))
        return gone + self._forget_payloads(tx, at - self._retention)

    def _forget_payloads(self, tx: Tx, before: int) -> int:
        begun = select(action.c.id).where(IS_OPEN)
        # An action that people did not allow stays `held`; its hold says that it is over.
        asked = select(hold.c.action).where(IS_ALIVE)
        over = payload.c.action.not_in(begun.union_all(asked))
        old = select(payload.c.action).where(payload.c.at < before, over).limit(BATCH)
        names = list(tx.execute(old).scalars())
        # Once they are gone, no erasure would find what people wrote about the same subject, or what was changed.
        forget_written(tx, names)
        forget_old_records(tx, names)
        return tx.execute(delete(payload).where(payload.c.action.in_(names), payload.c.at < before)).rowcount


def _drop(tx: Tx, key: Column[str], *old: ColumnElement[bool]) -> int:
    """Delete a batch of rows that are old, by their key; returns how many."""
    names = list(tx.execute(select(key).where(*old).limit(BATCH)).scalars())
    return tx.execute(delete(key.table).where(key.in_(names))).rowcount if names else 0
