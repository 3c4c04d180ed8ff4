"""Counts the whole log anew, from nothing but its leaves, and compares what comes out with the figures that are shown.

One at a time in a process. What is compared is of one moment, and lies in a file of its own: the log may be as long as
it likes.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import Literal

from sqlalchemy import delete

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Conflict

from . import cells
from .cells import PLACE, TABLES, figure_place
from .reckoning import behind_of, count, forgotten_before, nothing
from .scratch import Difference, Scratch, scratch

log = logging.getLogger("autonomy.insight")

BATCH = 2_000  # leaves read at once
MAX_TOLD = 100  # differences that are told
EMPTYING_SECONDS = 10.0

State = Literal["never", "running", "equal", "different", "failed"]


@dataclass(frozen=True, slots=True)
class Result:
    """How far counting anew has come, and what came of it. `leaves` of `of` are counted; times in milliseconds."""

    state: State = "never"
    leaves: int = 0
    of: int = 0
    rows: int = 0
    begun_at: int | None = None
    ended_at: int | None = None
    differences: tuple[Difference, ...] = ()
    differing: int = 0
    mended: bool = False
    code: str | None = field(default=None)


class Recompute:
    """Counts anew when it is told to, and remembers what came of it."""

    def __init__(self, database: Database, queue: CommitQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._result = Result()
        self._task: asyncio.Task[None] | None = None

    @property
    def result(self) -> Result:
        """What came of the last time, or how far it is."""
        return self._result

    def begin(self, mend: bool) -> Result:
        """Begin to count; with `mend` figures that differ are thrown away, to be counted again from the first leaf on.

        From the event loop. Raises Conflict (`insight.running`) where that is under way.
        """
        if self._task is not None and not self._task.done():
            raise Conflict("the log is being counted already", code="insight.running", hint="wait for its result")
        self._result = Result("running", begun_at=self._clock())
        self._task = asyncio.create_task(self._run(mend))
        return self._result

    async def close(self) -> None:
        """Stop counting."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, mend: bool) -> None:
        try:
            found = await asyncio.to_thread(self._compare)
            if mend and found.state == "different":
                await self._queue.perform(_empty, EMPTYING_SECONDS)
                found = replace(found, mended=True)
        except AutonomyError as error:
            log.warning("the log could not be counted anew: %s", error.code)
            found = replace(self._result, state="failed", code=error.code)
        self._result = replace(found, ended_at=self._clock())

    def _compare(self) -> Result:
        with scratch() as room:
            with self._database.snapshot() as connection:
                behind = behind_of(connection)
                room.keep_shown(connection)
            for start in range(0, behind.counted, BATCH):
                stop = min(behind.counted, start + BATCH)
                with self._database.reading() as connection:
                    found = count(connection, start, stop, nothing(), room.connection)
                cells.add(room, found.sums)
                cells.remember(room, found.before, found.after)
                self._result = replace(self._result, leaves=stop, of=behind.counted)
            room.leave_out(forgotten_before(behind, self._clock()))
            return self._told(room, behind.counted)

    def _told(self, room: Scratch, leaves: int) -> Result:
        told, differing = list[Difference](), 0
        for one in room.differences():
            differing += 1
            if differing <= MAX_TOLD:
                told.append(one)
        return replace(
            self._result,
            state="different" if differing else "equal",
            leaves=leaves,
            of=leaves,
            rows=room.rows(),
            differences=tuple(told),
            differing=differing,
        )


def _empty(tx: Tx) -> None:
    """No figures; the log is counted from its first leaf on, once more."""
    for table in TABLES:
        tx.execute(delete(table))
    tx.execute(delete(figure_place).where(figure_place.c.name == PLACE))
