"""Which processes live. A process beats; who has missed three beats is dead, and what it had begun is taken over.

Times are the store's own, so that clocks of machines may differ. A process that could not beat does not begin
anything, so that nobody takes over what is still being done.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

from sqlalchemy import BigInteger, cast, delete, func, or_, select, text, update

from autonomy.approvals.store import release_claims
from autonomy.db import CommitQueue, Tx, upsert
from autonomy.kernel.ids import new_id

from .store import action, process

BEAT_SECONDS = 1.0
DEAD_MS = 3_000  # three missed beats
FRESH_SECONDS = 1.5  # how old the last beat may be when something begins: well before anybody calls us dead


class Lifeline:
    """This process's life, as the others see it."""

    def __init__(self, queue: CommitQueue) -> None:
        self._queue = queue
        self.owner = new_id("proc")
        self._place = _place()
        self._beaten = float("-inf")

    async def beat(self) -> None:
        """Say that this process lives."""
        started = time.monotonic()
        await self._queue.perform(self._beat)
        self._beaten = started

    async def fresh(self) -> None:
        """Beat where the last beat is too old to begin anything on it: this process may have been frozen."""
        if time.monotonic() - self._beaten > FRESH_SECONDS:
            await self.beat()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def leave(self) -> None:
        """Say good-bye, so that nobody has to wait for what this process left."""
        await self._queue.perform(lambda tx: tx.execute(delete(process).where(process.c.id == self.owner)))

    def take_over(self, tx: Tx, count: int) -> list[str]:
        """Make open actions of dead processes ours, and free what they had claimed; returns the actions' ids."""
        alive = select(process.c.id).where(process.c.beat >= store_time(tx) - DEAD_MS)
        live = [found for found in tx.execute(alive).scalars() if found == self.owner or not self._died(tx, found)]
        release_claims(tx, live)
        orphaned = action.c.state == "intent", or_(action.c.owner.is_(None), action.c.owner.not_in(live))
        ids = list(tx.execute(select(action.c.id).where(*orphaned).limit(count)).scalars())
        tx.execute(update(action).where(action.c.id.in_(ids)).values(owner=self.owner))
        return ids

    def adopt(self, tx: Tx, action_id: str) -> None:
        """Make an action of unknown ending ours, whoever it was left by."""
        tx.execute(update(action).where(action.c.id == action_id, action.c.state == "unknown").values(owner=self.owner))

    def _beat(self, tx: Tx) -> None:
        row = {"id": self.owner, "host": self._place, "pid": os.getpid(), "beat": store_time(tx)}
        tx.execute(upsert(process, row, ["id"], tx.dialect))

    def _died(self, tx: Tx, owner: str) -> bool:
        """Whether a process of this very machine is gone although its last beat is young."""
        row = tx.execute(select(process.c.host, process.c.pid).where(process.c.id == owner)).one()
        return bool(row.host == self._place) and not Path(f"/proc/{row.pid}").exists() and Path("/proc/self").exists()


def store_time(tx: Tx) -> int:
    """The store's own clock, in milliseconds."""
    if tx.dialect == "sqlite":
        return int(tx.execute(text("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")).scalar_one())
    return int(tx.execute(select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger))).scalar_one())


def _place() -> str:
    """Where process numbers mean the same: the host and, in containers, the namespace of process numbers."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{os.readlink(namespace) if namespace.exists() else ''}"
