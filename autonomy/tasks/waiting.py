"""Agents that wait for work, and how what is free is given to them.

Whoever asks for a task waits here, in its own process. What becomes free is given to the best of those who wait; the
transaction in which it is claimed decides between processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import Clock

from . import rules
from .model import Body, Task
from .records import Records
from .routing import Given, assign, is_eligible
from .store import COLUMNS, task, to_task
from .workforce import Workforce, in_hand

LOOK_SECONDS = 0.25  # between two looks at what other processes have opened, while somebody waits
FREE = 500  # free tasks looked at together


class Held(NamedTuple):
    """A task and what goes with it."""

    task: Task
    body: Body


class _Waiter(NamedTuple):
    name: str
    roles: tuple[str, ...]
    lease: int
    answer: asyncio.Future[Held]


class Waiting:
    """Those who wait at this process."""

    def __init__(
        self, database: Database, queue: CommitQueue, records: Records, workforce: Workforce, clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._records = records
        self._workforce = workforce
        self._clock = clock
        self._waiters: list[_Waiter] = []
        self._due = asyncio.Event()

    def wake(self) -> None:
        """Something is free: look now."""
        self._due.set()

    async def next(self, name: str, roles: tuple[str, ...], lease: int, seconds: float) -> Held | None:
        """The next task of the agent `name`, claimed for it; None where there was none within `seconds`."""
        waiter = _Waiter(name, roles, lease, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self.wake()
        try:
            await asyncio.wait({waiter.answer}, timeout=seconds)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        answer = waiter.answer
        return answer.result() if answer.done() and not answer.cancelled() else None

    def close(self) -> None:
        """Let nobody wait any longer: this process ends."""
        for waiter in self._waiters:
            waiter.answer.cancel()

    async def run(self) -> None:
        """Give out what is free, until cancelled."""
        while True:
            self._due.clear()
            while self._waiters and await self.look():
                pass
            try:
                async with asyncio.timeout(LOOK_SECONDS if self._waiters else None):
                    await self._due.wait()
            except TimeoutError:
                pass  # nobody woke us: another process may have opened something

    async def look(self) -> int:
        """Give out what is free once; returns how many tasks were taken."""
        waiters = {waiter.name: waiter for waiter in reversed(self._waiters)}
        if not waiters:
            return 0
        given = await self._database.read(lambda connection: self._given(connection, waiters))
        taken = [] if not given else await self._queue.perform(lambda tx: self._take(tx, given, waiters))
        for held in taken:
            await self._hand_over(held, waiters[held.task.holder.removeprefix("agent:")])  # type: ignore[union-attr]
        return len(taken)

    def _given(self, connection: Connection, waiters: dict[str, _Waiter]) -> list[Given]:
        roles = {role for waiter in waiters.values() for role in waiter.roles}
        query = select(*COLUMNS).where(task.c.ended_at.is_(None), task.c.holder.is_(None), task.c.role.in_(roles))
        query = query.where(task.c.by != "person").order_by(task.c.priority, task.c.opened_at).limit(FREE)
        free = [found for found in map(to_task, connection.execute(query)) if found.is_free]
        return assign(free, self._workforce.agents(connection, list(waiters))) if free else []

    def _take(self, tx: Tx, given: Sequence[Given], waiters: dict[str, _Waiter]) -> list[Held]:
        """Claim what is still free, for who may still have it."""
        taken = []
        for chosen in given:
            found, candidate = self._records.get(tx, chosen.task.id), chosen.candidate
            if found.is_free and is_eligible(found, candidate) and in_hand(tx, candidate) < candidate.at_once:
                change = rules.claim(found, candidate, self._clock(), waiters[candidate.name].lease)
                moved = self._records.move(tx, found, change, candidate.id)
                taken.append(Held(moved, self._records.body(tx, moved.id)))
        return taken

    async def _hand_over(self, held: Held, waiter: _Waiter) -> None:
        """Answer who waits; where they have left meanwhile, the task is free again and nothing is held against them."""
        if waiter in self._waiters and not waiter.answer.done():
            self._waiters.remove(waiter)
            waiter.answer.set_result(held)
            return
        await self._queue.perform(lambda tx: self._let_go(tx, held.task))

    def _let_go(self, tx: Tx, claimed: Task) -> None:
        found = self._records.get(tx, claimed.id)
        if (found.state, found.claim) == ("claimed", claimed.claim):
            self._records.move(tx, found, rules.left(found), "system")
