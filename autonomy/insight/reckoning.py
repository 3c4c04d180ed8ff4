"""Counts the log as it grows. Where it has come to lies beside the sums and moves with them in one transaction, so that
every leaf counts exactly once, whoever counts and however often processes end.

One process at a time does it, for a few seconds, and goes on while it works; when it dies another one takes over. That
only saves work: what was counted from a place that has moved meanwhile is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from autonomy.audit.store import leaf
from autonomy.db import CommitQueue, Database, Reader, Tx
from autonomy.kernel.clock import DAY, SECOND, Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.failpoint import failpoint
from autonomy.kernel.interpreter import giving_way

from . import cells
from .cells import PLACE, figure_place
from .counting import CASE_MS, Cell, Counting, Memory, Sums, needs_of
from .pace import rests

log = logging.getLogger("autonomy.insight")

LOOK_SECONDS = 0.6  # the figures are shown to be at most a second old
BATCH = 300  # leaves of one transaction: two or three milliseconds, in which nobody else can write
SHARE = 80  # parts of the time, of which one is spent on counting while there is a crowd at the door
BREATH_SECONDS = 0.05  # between two batches at least
HOLD_MS = 5 * SECOND
SPARE_MS = DAY  # by which the clocks of processes may differ
MAX_KNOWN = 5_000  # cases, and actions under way, that a process keeps in mind between two batches


class Behind(NamedTuple):
    """How far somebody is behind the log: `counted` of `size` leaves; when the oldest of the rest was written."""

    counted: int
    size: int
    oldest_at: int | None


class Counted(NamedTuple):
    """What some leaves come to: from `start` up to, not including, `stop`."""

    start: int
    stop: int
    sums: Mapping[Cell, Sums]
    before: Memory
    after: Memory
    ended: Collection[str]
    """Actions that have ended in them: what they began with need not be remembered any more."""


class Reckoning:
    """Counts what is new in the log, in the name of the process `owner`."""

    def __init__(self, database: Database, queue: CommitQueue, owner: str, clock: Clock, batch: int = BATCH) -> None:
        self._database = database
        self._queue = queue
        self._owner = owner
        self._clock = clock
        self._batch = batch
        self._worked = 0.0  # seconds of CPU that the last batch took
        self._counts = False  # whether this process has counted
        self._known, self._known_at = nothing(), -1  # what it remembers, as long as nobody else has counted since

    async def run(self) -> None:
        """Count until cancelled. What fails is logged and tried again."""
        while True:
            self._worked = 0.0
            try:
                counted = await self.count()
            except AutonomyError as error:
                log.warning("the figures wait: %s", error.code)
                counted = 0
            if counted < self._batch:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            await asyncio.sleep(BREATH_SECONDS)
            for seconds in rests(self._worked, SHARE, lambda: self._queue.waiting):
                await asyncio.sleep(seconds)

    async def count(self) -> int:
        """Count one batch; returns how many leaves it went on, 0 where there is nothing or another process counts."""
        found = await self._database.read(self._look)
        if found is None:
            return 0
        if not await self._queue.perform(lambda tx: self._write(tx, found)):
            return 0
        self._keep(found)
        return found.stop - found.start

    async def let_go(self) -> None:
        """Let another process count at once."""
        held = figure_place.c.name == PLACE, figure_place.c.holder == self._owner
        mine = update(figure_place).where(*held).values(until=0)
        if self._counts:
            await self._queue.perform(lambda tx: tx.execute(mine).rowcount)

    def _look(self, connection: Connection) -> Counted | None:
        """What the next leaves come to; None where there are none, or where they are for another process."""
        size, place = cells.log_size(connection), _place(connection)
        start, now = (place.next, self._clock()) if place else (0, 0)
        if place and place.holder != self._owner and now < place.until <= now + 2 * HOLD_MS:
            return None
        stop = min(size, start + self._batch)
        if stop <= start:
            return None
        begun = time.thread_time()
        counted = count(connection, start, stop, self._known if self._known_at == start else nothing())
        self._worked = time.thread_time() - begun
        return counted

    def _keep(self, found: Counted) -> None:
        """Keep in mind what was counted, so that it need not be read again."""
        if self._known_at != found.start or max(len(self._known.cases), len(self._known.begun)) > MAX_KNOWN:
            self._known = nothing()
        self._known.begun.update(found.after.begun)
        for action in found.ended:
            self._known.begun.pop(action, None)
        self._known.cases.update(found.after.cases)
        self._known.open.update(found.after.open)
        self._known.people.update(found.after.people)
        self._known_at = found.stop

    def _write(self, tx: Tx, found: Counted) -> bool:
        begun = time.thread_time()
        if not self._move(tx, found.start, found.stop):
            return False
        cells.add(tx, found.sums)
        cells.remember(tx, found.before, found.after)
        failpoint("figures.written")
        self._counts = True
        self._worked += time.thread_time() - begun
        return True

    def _move(self, tx: Tx, start: int, stop: int) -> bool:
        """Move the place; False where it is not where it was when these leaves were counted."""
        values = {"next": stop, "holder": self._owner, "until": self._clock() + HOLD_MS}
        here = figure_place.c.name == PLACE, figure_place.c.next == start
        if tx.execute(update(figure_place).where(*here).values(values)).rowcount == 1:
            return True
        known = select(figure_place.c.name).where(figure_place.c.name == PLACE)
        if start or tx.execute(known).first() is not None:
            return False
        tx.execute(insert(figure_place).values(name=PLACE, **values))
        return True


def count(connection: Connection, start: int, stop: int, known: Memory, figures: Connection | None = None) -> Counted:
    """What the leaves from `start` up to, not including, `stop` come to, by what is known or stored of those before: in
    the store, unless `figures` lie elsewhere."""
    leaves = cells.said_between(connection, start, stop)
    needs = needs_of(leaves)
    before = cells.remembered(connection if figures is None else figures, needs, known)
    before.begun = cells.begun(connection, needs, start, known)
    counting = Counting(Memory(dict(before.begun), dict(before.cases), dict(before.open), dict(before.people)))
    for said in giving_way(leaves):
        counting.take(said)
    return Counted(start, stop, counting.sums(), before, counting.memory, counting.ended)


def behind_of(connection: Reader) -> Behind:
    """How far the figures are behind the log."""
    place = _place(connection)
    return behind_at(connection, place.next if place else 0)


def forgotten_before(behind: Behind, now: int) -> int:
    """The time before which nothing ended in cases that are remembered no more, however old the next leaf is."""
    at = now if behind.oldest_at is None else min(now, behind.oldest_at)
    return at - CASE_MS - SPARE_MS


def behind_at(connection: Reader, next: int) -> Behind:
    """How far whoever follows the log is behind it, where `next` is the leaf to come."""
    size = cells.log_size(connection)
    counted = min(next, size)
    oldest = connection.execute(select(leaf.c.at).where(leaf.c.idx == counted)).scalar_one_or_none()
    return Behind(counted, size, oldest)


def nothing() -> Memory:
    """Nothing is remembered."""
    return Memory({}, {}, {}, {})


class _Place(NamedTuple):
    next: int
    holder: str
    until: int


def _place(connection: Reader) -> _Place | None:
    columns = figure_place.c
    query = select(columns.next, columns.holder, columns.until).where(columns.name == PLACE)
    row = connection.execute(query).one_or_none()
    return None if row is None else _Place(row.next, row.holder, row.until)
