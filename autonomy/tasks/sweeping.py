"""What nobody does by themselves: silent and stopped holders lose their tasks, and what nobody takes finds a person."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Connection, delete, or_, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Watch
from autonomy.gate.store import case_holder
from autonomy.kernel.clock import DAY, Clock
from autonomy.kernel.errors import AutonomyError

from . import rules
from .model import Change, Task
from .records import Records
from .routing import could_ever
from .store import COLUMNS, task, to_task
from .waiting import Waiting
from .workforce import Workforce

log = logging.getLogger("autonomy.tasks")

SWEEP_SECONDS = 1.0
TIDY_SECONDS = 60.0
BATCH = 500  # tasks of one transaction: others wait for it
FORGOTTEN = 60_000  # milliseconds after which a run has not asked again for a result that came back


class Sweeping:
    """Sweeps every second."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        records: Records,
        workforce: Workforce,
        waiting: Waiting,
        watch: Watch,
        retention_days: int,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._records = records
        self._workforce = workforce
        self._waiting = waiting
        self._watch = watch
        self._retention = (retention_days + 1) * DAY
        self._clock = clock

    async def run(self) -> None:
        """Sweep until cancelled. What fails is logged and tried again."""
        while True:
            try:
                await self.sweep()
            except AutonomyError as error:
                log.warning("could not look after tasks: %s", error.code)
            await asyncio.sleep(SWEEP_SECONDS)

    async def run_tidying(self) -> None:
        """Delete what ended long ago, until cancelled. The log keeps every leaf of it."""
        while True:
            try:
                while await self._queue.perform(self.tidy) >= BATCH:
                    pass
            except AutonomyError as error:
                log.warning("could not tidy tasks: %s", error.code)
            await asyncio.sleep(TIDY_SECONDS)

    async def sweep(self) -> int:
        """Look once; returns how many tasks were moved."""
        await self._watch.house()
        stopped = set(await self._database.read(self._stopped))
        nobodys = set(await self._database.read(self._nobodys))
        wanted = nobodys.union(await self._database.read(lambda connection: self._wanted(connection, stopped)))
        if not wanted:
            return 0
        moved = await self._queue.perform(lambda tx: sum(self._sweep(tx, id, stopped, nobodys) for id in wanted))
        self._waiting.wake()
        return moved

    def tidy(self, tx: Tx) -> int:
        """Delete one batch; returns how many tasks went."""
        before = self._clock() - self._retention
        old = list(tx.execute(select(task.c.id).where(task.c.ended_at < before).limit(BATCH)).scalars())
        tx.execute(delete(case_holder).where(case_holder.c.task.in_(old)))
        tx.execute(delete(task).where(task.c.id.in_(old)))
        return len(old)

    def _stopped(self, connection: Connection) -> list[str]:
        holders = select(task.c.holder).where(task.c.ended_at.is_(None), task.c.state == "claimed").distinct()
        return self._workforce.stopped(connection, connection.execute(holders).scalars())

    def _wanted(self, connection: Connection, stopped: set[str]) -> list[str]:
        at = self._clock()
        lost = (task.c.state == "claimed") & (or_(task.c.lease_until <= at, task.c.holder.in_(stopped)))
        late = (task.c.until <= at) & (task.c.state != "claimed")
        forgotten = (task.c.state == "returned") & task.c.command.is_(None) & task.c.run.is_not(None)
        forgotten &= task.c.moved_at <= at - FORGOTTEN
        query = select(task.c.id).where(task.c.ended_at.is_(None), or_(lost, late, forgotten)).limit(BATCH)
        return list(connection.execute(query).scalars())

    def _nobodys(self, connection: Connection) -> list[str]:
        """Tasks for agents that no declared agent could ever do, or that all of them have refused."""
        query = select(*COLUMNS).where(task.c.by == "agent", task.c.ended_at.is_(None), task.c.holder.is_(None))
        free = [one for one in map(to_task, connection.execute(query.order_by(task.c.opened_at).limit(BATCH)))]
        agents = {role: self._workforce.holders_of(connection, role) for role in {one.role for one in free}}
        return [
            one.id
            for one in free
            if one.is_free and not any(could_ever(one, candidate) for candidate in agents[one.role])
        ]

    def _sweep(self, tx: Tx, id: str, stopped: set[str], nobodys: set[str]) -> bool:
        found = self._records.get(tx, id)
        change = self._change(found, stopped, nobodys)
        if change is None:
            return False
        self._records.move(tx, found, change, "system")
        return True

    def _change(self, found: Task, stopped: set[str], nobodys: set[str]) -> Change | None:
        at, above = self._clock(), self._workforce.above(found.role)
        if found.state == "claimed":
            if found.holder in stopped:
                return rules.lose(found, "stopped", at, above)
            return rules.lose(found, "silent", at, above) if rules.is_silent(found, at) else None
        if found.run is not None and found.command is None:
            return rules.withdraw(found) if found.moved_at <= at - FORGOTTEN and not found.is_over else None
        if found.is_over:
            return None
        if found.until <= at:
            return rules.raised(found, at, above, "limit.time")
        return rules.raised(found, at, above, "limit.candidates") if found.id in nobodys and found.is_free else None
