"""Late answers: an action of unknown ending is ended by what comes in at the hook its tool names."""

from __future__ import annotations

import logging
from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from autonomy.db import Database
from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.repeating import repeat
from autonomy.tools.deliveries import delivery
from autonomy.tools.hooks import Hooks

from .store import action
from .taking_up import TakingUp

log = logging.getLogger("autonomy.gate")

LOOK_SECONDS = 0.5
TAKE = 64  # answers heard in one round
SEEN = 1_000  # deliveries gone through in one round, those included that were heard and answer nothing
MAX_PASSED = 10_000  # deliveries remembered that answer nothing; beyond it they are looked at once more

_FIRST = (0, "")
"""Before every delivery: they are looked at by when they came in, and their ids."""


class _Answer(NamedTuple):
    """A delivery that came in at a hook, and names an action of unknown ending."""

    at: int
    delivery: str
    action: str
    hook: str


class Answering:
    """Looks for answers that nobody waits for any more. Any process may: the first ending stands."""

    def __init__(self, database: Database, hooks: Hooks, taking_up: TakingUp) -> None:
        self._database = database
        self._hooks = hooks
        self._taking_up = taking_up
        self._passed: set[str] = set()
        self._after = _FIRST

    async def run(self) -> None:
        """Look until cancelled."""
        await repeat(self.look, LOOK_SECONDS, log, "could not look for late answers")

    async def look(self) -> None:
        """End what has been answered. Goes on where the last look ended, and round again: however many deliveries
        answer nothing, those behind them have their turn."""
        after = self._after
        found = await self._database.read(lambda connection: _answered(connection, after))
        fresh = [one for one in found if one.delivery not in self._passed]
        for one in fresh[:TAKE]:
            await self._hear(one)
        last = fresh[TAKE - 1] if len(fresh) > TAKE else found[-1] if len(found) == SEEN else None
        self._after = (last.at, last.delivery) if last else _FIRST

    async def _hear(self, one: _Answer) -> None:
        value = await self._database.read(lambda connection: self._hooks.said(connection, one.delivery))
        try:
            if await self._taking_up.answered(one.action, one.hook, value):
                log.info("%s was answered at the hook `%s`", one.action, one.hook)
                return
        except AutonomyError as error:
            log.warning("%s could not be ended by its answer: %s", one.action, error.code)
            return
        if len(self._passed) >= MAX_PASSED:
            self._passed.clear()
        self._passed.add(one.delivery)


def _answered(connection: Connection, after: tuple[int, str]) -> list[_Answer]:
    """What may answer an action of unknown ending, from after a place on."""
    query = (
        select(delivery.c.at, delivery.c.id, action.c.id, delivery.c.hook)
        .join(action, action.c.id == delivery.c.action)
        .where(action.c.state == "unknown", tuple_(delivery.c.at, delivery.c.id) > after)
        .order_by(delivery.c.at, delivery.c.id)
        .limit(SEEN)
    )
    return [_Answer(*row) for row in connection.execute(query)]
