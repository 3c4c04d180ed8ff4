"""Agents that wait for work at other processes, and ours as those see them.

Where there is one process, nothing is written. What is written is a hint: who gets a task is decided when it is
claimed, and a task that is left to another process is left to it for a moment only (`waiting.py`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.store_time import store_time
from autonomy.gate.lifeline import DEAD_MS
from autonomy.gate.store import process

from .store import waiter

MOST = 500  # agents that wait elsewhere and are looked at together
PAGE = 500  # rows of one statement


class Elsewhere:
    """The waiters of all processes, by rows. `owner` is this process."""

    def __init__(self, database: Database, queue: CommitQueue, owner: str) -> None:
        self._database = database
        self._queue = queue
        self._owner = owner
        self._told: frozenset[str] = frozenset()

    def is_news(self, names: Collection[str]) -> bool:
        """Whether others have been told of other waiters than these."""
        return frozenset(names) != self._told

    async def tell(self, names: Collection[str]) -> None:
        """Let the other processes know who waits here; where there are none, nobody needs to."""
        now = frozenset(names)
        if now:
            alone = await self._database.read(self._is_alone)
            if alone:
                return
        before = self._told
        await self._queue.perform(lambda tx: self._write(tx, before - now, now - before))
        self._told = now

    def names(self, connection: Connection, organisation: Organisation, roles: Collection[str]) -> list[str]:
        """Agents with one of these roles that wait at a living process other than this one."""
        alive = process.c.beat >= store_time(connection) - DEAD_MS
        found = select(waiter.c.agent).join(process, process.c.id == waiter.c.process)
        found = found.where(waiter.c.process != self._owner, alive).distinct().order_by(waiter.c.agent)
        declared = organisation.all("Agent")
        waiting = [name for name in connection.execute(found).scalars() if name in declared]
        return [name for name in waiting if not set(roles).isdisjoint(spec(declared[name], AgentSpec).roles)][:MOST]

    def _is_alone(self, connection: Connection) -> bool:
        others = select(process.c.id).where(process.c.id != self._owner)
        return connection.execute(others.where(process.c.beat >= store_time(connection) - DEAD_MS)).first() is None

    def _write(self, tx: Tx, gone: Collection[str], come: Collection[str]) -> None:
        mine, left = waiter.c.process == self._owner, sorted(gone)
        for start in range(0, len(left), PAGE):
            tx.execute(delete(waiter).where(mine, waiter.c.agent.in_(left[start : start + PAGE])))
        if come:
            tx.execute(insert(waiter), [{"process": self._owner, "agent": name} for name in sorted(come)])
        # Whoever died with agents waiting tells nobody that they are gone.
        tx.execute(delete(waiter).where(waiter.c.process != self._owner, waiter.c.process.not_in(select(process.c.id))))
