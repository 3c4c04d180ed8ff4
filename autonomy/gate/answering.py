"""Late answers: an action of unknown ending is ended by what comes in at the hook its tool names."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Connection, select

from autonomy.db import Database
from autonomy.kernel.errors import AutonomyError
from autonomy.tools.deliveries import delivery
from autonomy.tools.hooks import Hooks

from .store import action
from .taking_up import TakingUp

log = logging.getLogger("autonomy.gate")

LOOK_SECONDS = 0.5
TAKE = 64  # answers looked at in one round
MAX_PASSED = 10_000  # deliveries remembered that answer nothing; beyond it they are looked at once more


class Answering:
    """Looks for answers that nobody waits for any more. Any process may: the first ending stands."""

    def __init__(self, database: Database, hooks: Hooks, taking_up: TakingUp) -> None:
        self._database = database
        self._hooks = hooks
        self._taking_up = taking_up
        self._passed: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except AutonomyError as error:
                log.warning("could not look for late answers: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """End what has been answered."""
        for id, named, hook in await self._database.read(_answered):
            if id not in self._passed:
                await self._hear(id, named, hook)

    async def _hear(self, id: str, named: str, hook: str) -> None:
        value = await self._database.read(lambda connection: self._hooks.said(connection, id))
        try:
            if await self._taking_up.answered(named, hook, value):
                log.info("%s was answered at the hook `%s`", named, hook)
                return
        except AutonomyError as error:
            log.warning("%s could not be ended by its answer: %s", named, error.code)
            return
        if len(self._passed) >= MAX_PASSED:
            self._passed.clear()
        self._passed.add(id)


def _answered(connection: Connection) -> list[tuple[str, str, str]]:
    """Deliveries that answer an action of unknown ending: their id, the action, the hook."""
    query = (
        select(delivery.c.id, action.c.id, delivery.c.hook)
        .join(action, action.c.id == delivery.c.action)
        .where(action.c.state == "unknown")
        .order_by(delivery.c.at, delivery.c.id)
        .limit(TAKE)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]
