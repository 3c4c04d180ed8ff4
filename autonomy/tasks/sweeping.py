"""What nobody does by themselves: silent and stopped holders lose their tasks, and what nobody takes finds a person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, or_, select, tuple_

from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.tidying import keep_tidy
from autonomy.gate import Watch
from autonomy.gate.store import case_holder
from autonomy.kernel.clock import DAY, Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.repeating import repeat

from . import rules
from .model import Change, Task
from .records import Records
from .routing import could_ever
from .store import COLUMNS, task, to_task, with_labels
from .waiting import Waiting
from .workforce import Workforce

log = logging.getLogger("autonomy.tasks")

SWEEP_SECONDS = 1.0
BATCH = 500  # tasks of one look

_PLACE = tuple_(task.c.opened_at, task.c.id)
_BACK = (task.c.state == "returned") & task.c.command.is_(None) & task.c.run.is_not(None)
"""Its result came back to its run, which has not asked for it again so far, and may be paused."""

IsOver = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Whether the run that a column names has ended, or is gone."""


class _Looked(NamedTuple):
    """What one look found: holders, and those for whom tasks are meant, who may not act any more; tasks whose runs are
    over; and tasks that nobody could ever do."""

    stopped: frozenset[str]
    over: frozenset[str]
    nobodys: frozenset[str]


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
        is_over: IsOver,
        retention_days: int,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._records = records
        self._workforce = workforce
        self._waiting = waiting
        self._watch = watch
        self._is_over = is_over
        self._seen: tuple[int, str] = (0, "")
        self._retention = (retention_days + 1) * DAY
        self._clock = clock

    async def run(self) -> None:
        """Sweep until cancelled. What fails is logged and tried again."""
        await repeat(self.sweep, SWEEP_SECONDS, log, "could not look after tasks")

    async def run_tidying(self) -> None:
        """Delete what ended long ago, until cancelled. The log keeps every leaf of it."""
        await keep_tidy(self._queue, self.tidy, BATCH, log, "could not tidy tasks")

    async def sweep(self) -> int:
        """Look once; returns how many tasks were moved."""
        await self._watch.house()
        looked = await self._database.read(self._look)
        wanted = await self._database.read(lambda connection: self._wanted(connection, looked))
        if not wanted:
            return 0
        moved = await asyncio.gather(*(self._look_after(id, looked) for id in wanted))
        self._waiting.wake()
        return sum(moved)

    def tidy(self, tx: Tx) -> int:
        """Delete one batch; returns how many tasks went."""
        before = self._clock() - self._retention
        old = list(tx.execute(select(task.c.id).where(task.c.ended_at < before).limit(BATCH)).scalars())
        tx.execute(delete(case_holder).where(case_holder.c.task.in_(old)))
        tx.execute(delete(task).where(task.c.id.in_(old)))
        return len(old)

    def _stopped(self, connection: Connection) -> list[str]:
        """Those who have tasks, or for whom some are meant, and may not act any more."""
        live = task.c.ended_at.is_(None)
        held = select(task.c.holder).where(live, task.c.state == "claimed")
        meant = select(task.c.meant).where(live, task.c.meant.is_not(None))
        return self._workforce.stopped(connection, connection.execute(held.union(meant)).scalars())

    def _look(self, connection: Connection) -> _Looked:
        stopped, over = self._stopped(connection), self._forgotten(connection)
        return _Looked(frozenset(stopped), frozenset(over), frozenset(self._nobodys(connection)))

    def _wanted(self, connection: Connection, looked: _Looked) -> set[str]:
        at = self._clock()
        lost = (task.c.state == "claimed") & (or_(task.c.lease_until <= at, task.c.holder.in_(looked.stopped)))
        late = (task.c.until <= at) & (task.c.state != "claimed") & ~_BACK
        meant = task.c.meant.in_(looked.stopped)
        query = select(task.c.id).where(task.c.ended_at.is_(None), or_(lost, late, meant)).limit(BATCH)
        return {*looked.over, *looked.nobodys, *connection.execute(query).scalars()}

    def _forgotten(self, connection: Connection) -> list[str]:
        """Tasks whose results came back to runs that ended without asking for them again."""
        query = select(task.c.id).where(task.c.ended_at.is_(None), _BACK, self._is_over(task.c.run))
        return list(connection.execute(query.limit(BATCH)).scalars())

    def _nobodys(self, connection: Connection) -> list[str]:
        """Tasks for agents that no declared agent could ever do, or that all of them have refused: of a part of the
        free ones, each time of the next."""
        query = select(*COLUMNS).where(task.c.by == "agent", task.c.ended_at.is_(None), task.c.holder.is_(None))
        query = query.where(tuple_(*self._seen) < _PLACE).order_by(task.c.opened_at, task.c.id).limit(BATCH)
        free = with_labels(connection, list(map(to_task, connection.execute(query))))
        self._seen = (free[-1].opened_at, free[-1].id) if len(free) == BATCH else (0, "")
        agents = {role: self._workforce.holders_of(connection, role) for role in {one.role for one in free}}
        return [
            one.id
            for one in free
            if one.is_free and not any(could_ever(one, candidate) for candidate in agents[one.role])
        ]

    async def _look_after(self, id: str, looked: _Looked) -> bool:
        """Move one task, where it is due. Each has a savepoint of its own: what one cannot do holds up no other."""
        try:
            return await self._queue.perform(lambda tx: self._sweep(tx, id, looked))
        except AutonomyError as error:
            log.warning("%s could not be looked after: %s", id, error.code)
            return False

    def _sweep(self, tx: Tx, id: str, looked: _Looked) -> bool:
        found = self._records.find(tx, id)
        change = None if found is None else self._change(found, looked)
        if found is None or change is None:
            return False
        self._records.move_on(tx, found, change)
        return True

    def _change(self, found: Task, looked: _Looked) -> Change | None:
        at, above = self._clock(), self._workforce.above(found.role)
        if found.state == "claimed":
            if found.holder in looked.stopped:
                return rules.lose(found, "stopped", at, above)
            return rules.lose(found, "silent", at, above) if rules.is_silent(found, at) else None
        if found.is_over:
            return None
        if found.run is not None and found.command is None:
            return rules.withdraw(found) if found.id in looked.over else None
        if found.meant in looked.stopped:
            return rules.unmeant(found, at)
        if found.until <= at:
            return rules.raised(found, at, above, "limit.time")
        return (
            rules.raised(found, at, above, "limit.candidates") if found.id in looked.nobodys and found.is_free else None
        )
