"""Which processes live. A process beats; who has missed three beats is dead, and what it had begun is taken over.

Times are the store's own, so that clocks of machines may differ. A process that could not beat does not begin
anything, so that nobody takes over what is still being done.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from autonomy.approvals.store import claimants, release_claims
from autonomy.db import CommitQueue, Tx, upsert
from autonomy.db.store_time import store_time
from autonomy.kernel.clock import Clock
from autonomy.kernel.ids import new_id

from .store import IS_OPEN, action, process

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
        self._unbroken_since = float("inf")
        self._beating: asyncio.Task[None] | None = None

    @property
    def silent_seconds(self) -> float:
        """How long ago the last beat was taken down by the store; infinite before the first."""
        return time.monotonic() - self._beaten

    async def beat(self) -> None:
        """Say that this process lives."""
        started = time.monotonic()
        await self._queue.perform(self._beat)
        if started - self._beaten > FRESH_SECONDS:
            # Nobody may have been able to beat meanwhile: silence says nothing about others for a while.
            self._unbroken_since = time.monotonic()
        self._beaten = started

    async def fresh(self) -> None:
        """Beat where the last beat is too old to begin anything on it: this process may have been frozen."""
        if time.monotonic() - self._beaten > FRESH_SECONDS:
            await self._beat_together()

    async def holds(self, action_id: str) -> bool:
        """Whether an open action is still ours. Asked right before its effect: costs nothing while the last beat is
        young, and a look into the store where this process may have been frozen and taken for dead."""
        if time.monotonic() - self._beaten <= FRESH_SECONDS:
            return True
        await self._beat_together()
        query = select(action.c.id).where(
            action.c.id == action_id, action.c.owner == self.owner, action.c.state == "intent"
        )
        return await self._queue.perform(lambda tx: tx.execute(query).first() is not None)

    async def begins_again(self, action_id: str, clock: Clock) -> bool:
        """Whether an open action of a dead process, taken over by this one, is still ours to begin again. Where it is,
        the store knows from then on when it was, by `clock`."""
        ours = action.c.id == action_id, action.c.owner == self.owner, action.c.state == "intent"
        begin = update(action).where(*ours)
        return await self._queue.perform(lambda tx: tx.execute(begin.values(again_at=clock())).rowcount == 1)

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
        dead = self._dead(tx)
        release_claims(tx, dead)
        orphaned = IS_OPEN, action.c.state == "intent", action.c.owner.in_(dead)
        ids = list(tx.execute(select(action.c.id).where(*orphaned).limit(count)).scalars())
        tx.execute(update(action).where(action.c.id.in_(ids)).values(owner=self.owner))
        return ids

    def adopt(self, tx: Tx, action_id: str) -> None:
        """Make an action of unknown ending ours, whoever it was left by."""
        tx.execute(update(action).where(action.c.id == action_id, action.c.state == "unknown").values(owner=self.owner))

    async def _beat_together(self) -> None:
        """One beat for everybody who waits for one: hundreds at once would keep the store from anything else."""
        if self._beating is None:
            self._beating = asyncio.create_task(self.beat())
            self._beating.add_done_callback(self._beaten_together)
        await asyncio.shield(self._beating)

    def _beaten_together(self, beating: asyncio.Task[None]) -> None:
        self._beating = None
        if not beating.cancelled():
            beating.exception()  # whoever waits for it raises it; where nobody does any more, it is no news

    def _beat(self, tx: Tx) -> None:
        row = {"id": self.owner, "host": self._place, "pid": os.getpid(), "beat": store_time(tx)}
        tx.execute(upsert(process, row, ["id"], tx.dialect))

    def _dead(self, tx: Tx) -> list[str]:
        """Who left open actions or claims and is dead."""
        under_way = IS_OPEN, action.c.state == "intent", action.c.owner.is_not(None)
        owners = select(action.c.owner).where(*under_way).distinct()
        return self.dead_among(tx, {*tx.execute(owners).scalars(), *claimants(tx)})

    def dead_among(self, tx: Tx, owners: Collection[str]) -> list[str]:
        """Which of the processes are dead: gone from this very machine, or silent for three beats while this process
        could beat all the time. After an outage of the store everybody was silent, and nobody is dead."""
        left = set(owners) - {self.owner}
        rows = {row.id: row for row in tx.execute(select(process).where(process.c.id.in_(left)))}
        silent = store_time(tx) - DEAD_MS if self._could_beat() else 0
        return sorted(one for one in left if one not in rows or rows[one].beat < silent or self._gone(rows[one]))

    def _could_beat(self) -> bool:
        return time.monotonic() - self._unbroken_since > DEAD_MS / 1000

    def _gone(self, row: Any) -> bool:
        """Whether a process of this very machine is no more, although its last beat may be young."""
        if row.host != self._place:
            return False
        try:
            os.kill(row.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def _place() -> str:
    """Where process numbers mean the same: this boot of this machine and, in containers, this namespace of them."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    booted = boot.read_text().strip() if boot.exists() else new_id("boot")
    return f"{socket.gethostname()}/{booted}/{os.readlink(namespace) if namespace.exists() else ''}"
