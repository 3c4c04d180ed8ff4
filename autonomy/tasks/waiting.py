"""Agents that wait for work, and how what is free is given to them.

Whoever asks for a task waits here, in its own process. What becomes free is given to the best of those who wait, here
or elsewhere (`elsewhere.py`): what is best for an agent at another process is left to that process for a moment. The
transaction in which it is claimed decides.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Corrupt

from . import rules
from .elsewhere import Elsewhere
from .free import free_for, is_any
from .model import Body, Candidate, Task
from .records import Records
from .routing import Given, assign, is_eligible
from .workforce import Workforce, in_hand

log = logging.getLogger("autonomy.tasks")

LOOK_SECONDS = 0.25  # between two looks at what other processes have opened, while somebody waits
LEFT_SECONDS = 1.0  # how long a task is left to another process, which looks several times meanwhile


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
        self,
        database: Database,
        queue: CommitQueue,
        records: Records,
        workforce: Workforce,
        elsewhere: Elsewhere,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._records = records
        self._workforce = workforce
        self._elsewhere = elsewhere
        self._clock = clock
        self._left: dict[str, float] = {}
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
        telling = asyncio.create_task(self._tell())
        try:
            while True:
                self._due.clear()
                while self._waiters and await self.look():
                    pass
                if telling.done():
                    telling = asyncio.create_task(self._tell())
                try:
                    async with asyncio.timeout(LOOK_SECONDS if self._waiters else None):
                        await self._due.wait()
                except TimeoutError:
                    pass  # nobody woke us: another process may have opened something
        finally:
            telling.cancel()

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

    async def _tell(self) -> None:
        """Other processes hear who waits here, beside the giving out; not hearing it costs nobody a task."""
        while self._elsewhere.is_news(names := {waiter.name for waiter in self._waiters}):
            try:
                await self._elsewhere.tell(names)
            except AutonomyError as error:
                log.warning("other processes could not be told who waits: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    def _given(self, connection: Connection, waiters: dict[str, _Waiter]) -> list[Given]:
        """What goes to whom of those who wait here."""
        roles = {role for waiter in waiters.values() for role in waiter.roles}
        agents = self._agents(connection, waiters, roles) if is_any(connection, roles) else []
        here = [one for one in agents if one.name in waiters]
        free = free_for(connection, here, len(agents) - len(here))
        if not free:
            self._left.clear()
            return []
        late = [found for found in free if self._was_left(found)]
        given = assign(late, here)
        busy = {one.candidate for one in given}
        rest = assign([found for found in free if found not in late], [one for one in agents if one not in busy])
        self._leave([*late, *(one.task for one in rest if one.candidate.name not in waiters)])
        return given + [one for one in rest if one.candidate.name in waiters]

    def _agents(self, connection: Connection, waiters: Collection[str], roles: Collection[str]) -> list[Candidate]:
        """Those who wait here, and those elsewhere who might have the same."""
        others = self._elsewhere.names(connection, self._workforce.organisation, roles)
        return self._workforce.agents(connection, [*waiters, *(name for name in others if name not in waiters)])

    def _was_left(self, found: Task) -> bool:
        """Whether it has been left to another process for long enough."""
        return time.monotonic() - self._left.get(found.id, math.inf) > LEFT_SECONDS

    def _leave(self, tasks: Sequence[Task]) -> None:
        """These are left to other processes, since when they were left first."""
        at = time.monotonic()
        self._left = {found.id: self._left.get(found.id, at) for found in tasks}

    def _take(self, tx: Tx, given: Sequence[Given], waiters: dict[str, _Waiter]) -> list[Held]:
        """Claim what is still free, for who may still have it."""
        taken = (self._claim(tx, chosen, waiters[chosen.candidate.name].lease) for chosen in given)
        return [held for held in taken if held is not None]

    def _claim(self, tx: Tx, chosen: Given, lease: int) -> Held | None:
        found, candidate = self._records.find(tx, chosen.task.id), chosen.candidate
        if found is None or not found.is_free or not is_eligible(found, candidate):
            return None
        if in_hand(tx, candidate) >= candidate.at_once:
            return None
        try:
            body = self._records.body(tx, found.id)
        except Corrupt:
            self._records.park(tx, found)
            return None
        change = rules.claim(found, candidate, self._clock(), lease)
        return Held(self._records.move(tx, found, change, candidate.id), body)

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
