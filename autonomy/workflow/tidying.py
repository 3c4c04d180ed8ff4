"""What nobody needs any more of runs: those that ended longer ago than payloads are kept, keys as old as they, and
wordings that none is on."""

from __future__ import annotations

import logging

from sqlalchemy import delete, select

from autonomy.db import CommitQueue, Tx
from autonomy.db.tidying import keep_tidy
from autonomy.kernel.clock import DAY, Clock
from autonomy.tasks.store import request

from .store import command, definition, run

log = logging.getLogger("autonomy.workflow")

BATCH = 500  # runs of one transaction: others wait for it


class Tidying:
    """Tidies a little every minute. The log keeps every leaf of a run for ever."""

    def __init__(self, queue: CommitQueue, retention_days: int, clock: Clock) -> None:
        self._queue = queue
        self._retention = (retention_days + 1) * DAY
        self._clock = clock

    async def run(self) -> None:
        """Tidy until cancelled."""
        await keep_tidy(self._queue, self.tidy, BATCH, log, "could not tidy runs")

    def tidy(self, tx: Tx) -> int:
        """Delete one batch; returns how many runs went, or wordings or keys where those are more."""
        before = self._clock() - self._retention
        old = list(tx.execute(select(run.c.id).where(run.c.ended_at < before).limit(BATCH)).scalars())
        tx.execute(delete(command).where(command.c.run.in_(old)))
        tx.execute(delete(run).where(run.c.id.in_(old)))
        used = select(run.c.digest).where(run.c.digest == definition.c.digest).exists()
        unused = select(definition.c.digest).where(definition.c.at < before, ~used).limit(BATCH)
        gone = list(tx.execute(unused).scalars())
        tx.execute(delete(definition).where(definition.c.digest.in_(gone)))
        stale = list(tx.execute(select(request.c.key).where(request.c.at < before).limit(BATCH)).scalars())
        tx.execute(delete(request).where(request.c.key.in_(stale)))
        return max(len(old), len(gone), len(stale))
