"""Follows the log and carries every leaf to a target, at least once and in order, by a cursor that lies in the store.

One process at a time does it for each target: it holds the cursor for half a minute and goes on holding it while it
works. When it dies, another one goes on from the last batch that was delivered; what had been on its way comes twice,
with the same number.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from importlib.metadata import version

from sqlalchemy import ColumnElement, Connection, Update, or_, select, update

from autonomy.audit.leaf import read_leaf
from autonomy.audit.merkle import leaf_hash
from autonomy.audit.store import forward, leaves, read_head
from autonomy.db import CommitQueue, Database, Tx, upsert
from autonomy.kernel.clock import SECOND, Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.telemetry import Tally

from . import rules
from .target import Target

log = logging.getLogger("autonomy.audit")

HOLD_MS = 30 * SECOND
BATCH = 500  # leaves of one delivery
LOOK_SECONDS = 0.5
DEFECT = "forward.defect"
MAX_WAIT_SECONDS = 30.0  # between two tries where a target takes nothing


class Follower:
    """Carries the log called `origin` to one target, in the name of the process `owner`."""

    def __init__(
        self, database: Database, queue: CommitQueue, target: Target, origin: str, owner: str, clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._target = target
        self._origin = origin
        self._owner = owner
        self._clock = clock
        self._next: int | None = None
        self._held_until = 0
        self._host, self._version = socket.gethostname(), version("autonomy-os")
        self.name = target.name
        self.failures = Tally(("forward.unavailable",), (DEFECT,))
        self.lag: int | None = None
        """How many leaves the target had not got when last looked; None in a process that does not carry them."""

    async def run(self) -> None:
        """Carry until cancelled. What fails is logged and tried again, after longer and longer waits; a defect is
        counted like any failure, and raised."""
        failed = 0
        while True:
            try:
                carried = await self.carry()
                failed = 0
            except AutonomyError as error:
                failed, carried = failed + 1, 0
                self.failures.add(error.code)
                log.warning("the log is not carried on: %s", error.message)
            except Exception:
                self.failures.add(DEFECT)
                raise
            if carried < BATCH:
                await asyncio.sleep(min(MAX_WAIT_SECONDS, LOOK_SECONDS * 2 ** min(failed, 10)))

    async def carry(self) -> int:
        """Carry one batch; returns how many leaves it had. Raises Unavailable where the target or the store does not
        answer: then the same ones are carried again."""
        start = await self._hold()
        if start is None:
            self.lag = None
            return 0
        size = (await self._database.read(read_head))[0]
        self.lag = max(0, size - start)
        if not self.lag:
            return 0
        stop = min(size, start + BATCH)
        found = await self._database.read(lambda connection: list(leaves(connection, start, stop)))
        await asyncio.to_thread(self._target.deliver, self._records(found))
        if not await self._queue.perform(lambda tx: self._move(tx, start, start + len(found))):
            self._next = None  # somebody else holds the cursor by now
            return 0
        self._next, self.lag = start + len(found), size - start - len(found)
        return len(found)

    async def let_go(self) -> None:
        """Let another process carry on at once."""
        if self._next is not None:
            await self._queue.perform(lambda tx: tx.execute(self._mine().values(until=0)))
            self._next = None

    def _records(self, found: Sequence[tuple[int, bytes]]) -> list[bytes]:
        if self._target.kind == "file":
            return [rules.line(index, read_leaf(body), self._origin, self._version).encode() for index, body in found]
        return [self._message(index, body) for index, body in found]

    def _message(self, index: int, body: bytes) -> bytes:
        told = (self._origin, self._version, self._host)
        if self._target.longest is None:
            return rules.message(index, read_leaf(body), *told)
        return rules.datagram(index, read_leaf(body), leaf_hash(body), *told, self._target.longest)

    async def _hold(self) -> int | None:
        """Where to go on, if the cursor is ours; None where another process holds it."""
        if self._next is None and not await self._database.read(self._is_free):
            return None
        if self._next is None or self._clock() > self._held_until - HOLD_MS // 2:
            self._next = await self._queue.perform(self._take)
        return self._next

    def _is_free(self, connection: Connection) -> bool:
        """Whether it is worth asking for the cursor: those who wait for it must not write again and again."""
        known = connection.execute(select(forward.c.target).where(forward.c.target == self.name)).first()
        taken = select(forward.c.target).where(forward.c.target == self.name, self._free(self._clock()))
        return known is None or connection.execute(taken).first() is not None

    def _free(self, now: int) -> ColumnElement[bool]:
        # A clock that was set back must not make a hold last for ever.
        return or_(forward.c.holder == self._owner, forward.c.until <= now, forward.c.until > now + 2 * HOLD_MS)

    def _take(self, tx: Tx) -> int | None:
        now, row = self._clock(), forward.c
        first = {"target": self.name, "next": 0, "holder": self._owner, "until": 0}
        if tx.execute(select(row.next).where(row.target == self.name)).first() is None:
            tx.execute(upsert(forward, first, ["target"], tx.dialect))
        mine = {"holder": self._owner, "until": now + HOLD_MS}
        taken = update(forward).where(row.target == self.name, self._free(now)).values(mine)
        if tx.execute(taken).rowcount != 1:
            return None
        self._held_until = now + HOLD_MS
        return int(tx.execute(select(row.next).where(row.target == self.name)).scalar_one())

    def _move(self, tx: Tx, start: int, stop: int) -> bool:
        now = self._clock()
        moved = self._mine().where(forward.c.next == start).values(next=stop, until=now + HOLD_MS)
        self._held_until = now + HOLD_MS
        return tx.execute(moved).rowcount == 1

    def _mine(self) -> Update:
        return update(forward).where(forward.c.target == self.name, forward.c.holder == self._owner)
