"""What nobody needs any more of runs: those that ended longer ago than payloads are kept, and wordings none is on."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import delete, select

from autonomy.db import CommitQueue, Tx
from autonomy.kernel.clock import DAY, Clock
from autonomy.kernel.errors import AutonomyError

from .store import command, definition, run

log = logging.getLogger("autonomy.workflow")

LOOK_SECONDS = 60.0
BATCH = 500  # runs of one transaction: others wait for it


class Tidying:
    """Tidies a little every minute. The log keeps every leaf of a run for ever."""

    def __init__(self, queue: CommitQueue, retention_days: int, clock: Clock) -> None:
        self._queue = queue
        self._retention = (retention_days + 1) * DAY
        self._clock = clock

    async def run(self) -> None:
        """Tidy until cancelled."""
        while True:
            try:
                while await self._queue.perform(self.tidy) >= BATCH:
                    pass
            except AutonomyError as error:
                log.warning("could not tidy runs: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    def tidy(self, tx: Tx) -> int:
        """Delete one batch; returns how many runs went."""
        before = self._clock() - self._retention
        old = list(tx.execute(select(run.c.id).where(run.c.ended_at < before).limit(BATCH)).scalars())
        tx.execute(delete(command).where(command.c.run.in_(old)))
        tx.execute(delete(run).where(run.c.id.in_(old)))
        used = select(run.c.digest).where(run.c.digest == definition.c.digest).exists()
        tx.execute(delete(definition).where(definition.c.at < before, ~used))
        return len(old)
