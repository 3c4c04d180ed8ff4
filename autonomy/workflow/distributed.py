"""The engine for many machines on PostgreSQL: what is free is delivered by DBOS, and nobody looks for it.

A command is enqueued in the transaction that frees it. Whoever it is delivered to claims its row, if it is still free
and due at the time that the offer says; owner, lease, attempts and their cap are those of the rows, as with the
embedded engine. An offer that came to nothing, for its worker died with it, is seen by its row, which stays free: it
is freed anew, and enqueued again. So nothing depends on what DBOS knows of its workers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Lifeline
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError

from .codec import Codec
from .desk import Desk
from .embedded import LOOK_SECONDS, Carry, Embedded
from .ports import Offer, Post, Work
from .store import command as table

log = logging.getLogger("autonomy.workflow")

LOST_MS = 5_000  # a command that is due for so long, and whose offer waits nowhere, is delivered again
LOST = 500  # of them looked at in one sweep
AHEAD_MS = 10_000  # what is due later waits in its row alone: most timers end with their run and are never delivered
TIDY_SECONDS = 60.0


class Distributed(Embedded):
    """One process of many. `post` is handed what is free, and hands out what is to be carried out here."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        codec: Codec,
        desk: Desk,
        lifeline: Lifeline,
        carry: Carry,
        give_up: Carry,
        clock: Clock,
        carries: bool = True,
        *,
        post: Post,
    ) -> None:
        super().__init__(database, queue, codec, desk, lifeline, carry, give_up, clock, carries)
        self._post = post
        self._tidied = time.monotonic()
        self._ahead = clock()
        queue.post_with(self._put)

    async def run(self) -> None:
        """Take what is delivered, and hear what has become of actions, until cancelled."""
        if self._carries:
            await asyncio.to_thread(self._post.open, self._delivered, asyncio.get_running_loop())
        await super().run()

    async def sweep(self) -> None:
        await super().sweep()
        await self._deliver_soon()
        await self._deliver_lost()
        if time.monotonic() - self._tidied > TIDY_SECONDS:
            self._tidied = time.monotonic()
            await asyncio.to_thread(self._post.tidy)

    async def close(self) -> None:
        self._closing = True
        await asyncio.to_thread(self._post.close)
        await super().close()

    async def _take(self, due: bool) -> None:
        """Nothing is claimed unasked: it is delivered."""

    async def _delivered(self, command: str, due: int) -> None:
        """Carry out what is delivered, once there is room; whoever is faster has it."""
        try:
            while self.room() is None and not self._closing:
                await asyncio.sleep(LOOK_SECONDS)
            if self._closing:
                return  # it stays free, and is delivered to somebody else
            await self._lifeline.fresh()
            self.start(await self._queue.perform(lambda tx: self._claim_one(tx, command, due)))
        except AutonomyError as error:
            log.warning("%s was delivered and could not be taken: %s", command, error.code)

    def _claim_one(self, tx: Tx, command: str, due: int) -> list[Work]:
        mine = {"owner": self.owner, "due": None, "attempts": table.c.attempts + 1}
        free = update(table).where(table.c.id == command, table.c.owner.is_(None), table.c.due == due)
        rows = tx.execute(free.values(mine).returning(table)).all()
        return [self._work(row, row.attempts) for row in rows]

    def _put(self, connection: Connection, offers: Sequence[Offer]) -> None:
        until = self._clock() + AHEAD_MS
        self._post.put(connection, [one for one in offers if one.due <= until])

    async def _deliver_soon(self) -> None:
        """Enqueue what will be due soon and was not when it was written. Several do so at once, and it is one."""
        until = self._clock() + AHEAD_MS
        columns = (table.c.id, table.c.due, table.c.priority)
        query = select(*columns).where(table.c.due > self._ahead, table.c.due <= until, table.c.owner.is_(None))
        soon = await self._database.read(lambda connection: [_offer(row) for row in connection.execute(query)])
        if soon:
            await self._queue.perform(lambda tx: tx.hand_over(soon))
        self._ahead = until

    async def _deliver_lost(self) -> None:
        """Free anew what is due and waits in no queue."""
        overdue = await self._database.read(self._overdue)
        waiting = await asyncio.to_thread(self._post.waiting, overdue) if overdue else set()
        lost = [one for one in overdue if one not in waiting]
        if lost:
            log.info("%d commands are delivered again", len(lost))
            await self._queue.perform(lambda tx: self._free_anew(tx, lost))

    def _overdue(self, connection: Connection) -> list[Offer]:
        late = select(table.c.id, table.c.due, table.c.priority).where(
            table.c.due <= self._clock() - LOST_MS, table.c.owner.is_(None)
        )
        return [_offer(row) for row in connection.execute(late.order_by(table.c.due).limit(LOST))]

    def _free_anew(self, tx: Tx, lost: Sequence[Offer]) -> None:
        at = self._clock()
        for one in lost:
            free = update(table).where(table.c.id == one.command, table.c.owner.is_(None), table.c.due == one.due)
            if tx.execute(free.values(due=at)).rowcount:
                tx.hand_over([Offer(one.command, at, one.priority)])


def _offer(row: Any) -> Offer:
    return Offer(row.id, row.due, row.priority)
