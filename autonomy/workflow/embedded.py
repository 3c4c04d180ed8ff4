"""Our own dispatcher, on the commit queue: rows with an owner. It works on both databases, in any number of processes.

A command is claimed in the transaction that gives it an owner; the owner's beat is its lease. What a dead process was
carrying out is freed for others, and carried out again under the same id: who has it then is told by the row, so that
a frozen process that wakes stands down. What is claimed too often is given up, with an answer that says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select, update

from autonomy.approvals.rules import ALIVE
from autonomy.approvals.store import hold
from autonomy.audit.store import head, leaf
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Lifeline
from autonomy.gate.store import action
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Busy, Corrupt, Overdue, Unavailable
from autonomy.tasks.store import is_over as is_task_over
from autonomy.tasks.store import task as work_task

from .codec import Codec
from .desk import Desk
from .ports import Offer, Work
from .store import command as table
from .store import run
from .units import Fence, Stay

log = logging.getLogger("autonomy.workflow")

LOOK_SECONDS = 0.05  # between two looks for what is due or has ended
IDLE_SECONDS = 0.25  # where no run has anything open
SWEEP_SECONDS = 1.0
STUCK_SECONDS = 10.0  # without a look: the process is then not ready
MAX_OUT = 512  # commands that one process carries out at once; the others are anybody's
MAX_NEWS = 1_000  # leaves looked through at once
SURVEY = 2_000  # waiting commands looked at in one round of the slow look
CLAIMS = 10  # of one command before it is given up (`limit.claims`): its rests have come to four minutes by then
AT_ONCE = 2  # claims after which what outlived its process is free at once; later it rests, for it may be what kills
AGAIN_MS = 500
LONGEST_MS = 60_000

Carry = Callable[[Work], Awaitable[None]]
"""Carries a command out and has its answer taken in."""


class _News(NamedTuple):
    """What a look found: whether anything is due, the waiting commands whose action has a new leaf, up to which leaf
    the log was looked through, and whether any run has anything open."""

    due: bool
    heard: list[str]
    seen: int
    open: bool


class Embedded:
    """The engine of one process. One that does not carry out (`carries`) takes events in, and leaves to other
    processes what comes of them."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        codec: Codec,
        desk: Desk,
        lifeline: Lifeline,
        carry: Carry,
        give_up: Carry,
        clock: Clock,
        carries: bool = True,
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._desk = desk
        self._lifeline = lifeline
        self._carry = carry
        self._give_up = give_up
        self._clock = clock
        self._carries = carries
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._due = asyncio.Event()
        self._seen = -1
        self._surveyed = ""
        self._unknown: set[str] = set()  # heard of already
        self._still_unknown: set[str] = set()  # those of them seen since the slow look began anew
        self._closing = False
        self._looked = time.monotonic()

    @property
    def owner(self) -> str:
        return self._lifeline.owner

    @property
    def under_way(self) -> int:
        """How many commands this process carries out now."""
        return len(self._tasks)

    async def alive(self) -> None:
        """Raise Unavailable (`workflow.stuck`) where nothing was looked for in a while: runs would wait in vain."""
        if time.monotonic() - self._looked > STUCK_SECONDS:
            raise Unavailable("runs are not looked after", code="workflow.stuck")

    def room(self) -> str | None:
        return None if self._closing or not self._carries or len(self._tasks) >= MAX_OUT else self.owner

    def start(self, work: Sequence[Work]) -> None:
        for one in work:
            task = asyncio.create_task(self._do(one))
            self._tasks[one.id] = task
            task.add_done_callback(partial(self._done, one.id))

    def wake(self) -> None:
        self._due.set()

    async def run(self) -> None:
        """Look for what is due until cancelled. What fails is logged and looked at again."""
        while True:
            self._due.clear()
            news = None
            try:
                news = await self.look()
            except AutonomyError as error:
                log.warning("could not look for what is due: %s", error.code)
            try:
                async with asyncio.timeout(LOOK_SECONDS if news is None or news.open else IDLE_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass  # nobody woke us: it is time to look all the same

    async def run_sweeps(self) -> None:
        """Free what the dead left, and look at every waiting action once in a while, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def look(self) -> _News:
        """Take what is due, and hear what has become of actions."""
        seen, at = self._seen, self._clock()
        news = await self._database.read(lambda connection: _look(connection, seen, at))
        if self._carries:
            await self._take(news.due)
            await self._hear(news.heard)
        self._seen = news.seen
        self._looked = time.monotonic()
        return news

    async def sweep(self) -> None:
        others = await self._database.read(self._other_owners)
        freed = bool(others) and await self._queue.perform(lambda tx: self._free(tx, others))
        if freed:
            self.wake()
        if self._carries:
            await self._hear(self._news_of(await self._database.read(self._survey)))

    def let_go(self) -> None:
        """Carry nothing on: for a process that is taken for dead. Others have its commands, or will."""
        self._closing = True
        for task in self._tasks.values():
            task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is carried out."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Take nothing more, and wait until what is carried out has its answer."""
        self._closing = True
        await self.idle()

    async def _take(self, due: bool) -> None:
        """Claim what is `due`, while there is room for it."""
        while due and (space := MAX_OUT - len(self._tasks)) > 0 and not self._closing:
            await self._lifeline.fresh()
            claimed = await self._queue.perform(lambda tx, space=space: self._claim(tx, space))  # type: ignore[misc]
            self.start(claimed)
            due = bool(claimed)

    def _done(self, id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(id) is task:
            del self._tasks[id]

    async def _do(self, work: Work) -> None:
        try:
            await (self._carry(work) if work.attempts <= CLAIMS else self._give_up(work))
        except Busy as error:
            await self._later(work, round(error.retry_after * 1_000), 1)
        except (Unavailable, Overdue) as error:
            log.warning("%s could not be carried out now: %s", work.id, error.code)
            await self._later(work, AGAIN_MS, 1)
        except Corrupt as error:
            log.error("%s cannot be carried out here: %s: %s", work.id, error.code, error)
            await self._later(work, min(LONGEST_MS, AGAIN_MS << min(work.attempts, 10)), 0)
        except Exception:
            log.exception("carrying out %s met a defect", work.id)
            await self._later(work, min(LONGEST_MS, AGAIN_MS << min(work.attempts, 10)), 0)

    async def _later(self, work: Work, wait: int, forgiven: int) -> None:
        """Let it be taken again after `wait` milliseconds; where the store is away, once this process ends."""
        stay = Stay(work.id, work.action, self._clock() + wait, forgiven)
        try:
            await self._desk.settle(Fence(work.id, self.owner), stay)
        except AutonomyError as error:
            log.warning("%s could not be left for later: %s", work.id, error.code)
            if not self._closing:
                await asyncio.sleep(wait / 1_000)
                await self._later(work, wait, forgiven)

    def _claim(self, tx: Tx, space: int) -> list[Work]:
        free = select(table).where(table.c.due <= self._clock(), table.c.owner.is_(None))
        rows = tx.execute(free.order_by(table.c.priority, table.c.due).limit(space)).all()
        changed = {"owner": self.owner, "due": None, "attempts": table.c.attempts + 1}
        tx.execute(update(table).where(table.c.id.in_([row.id for row in rows])).values(changed))
        return [self._work(row, row.attempts + 1) for row in rows]

    def _work(self, row: Any, attempts: int) -> Work:
        return Work(row.run, self._codec.look_into(row.id, row.kind, bytes(row.body)), attempts, row.action)

    async def _hear(self, ids: Sequence[str]) -> None:
        """Carry on with waiting commands whose action may have ended; whoever is faster answers."""
        if not ids:
            return
        rows = await self._database.read(
            lambda connection: connection.execute(
                select(table).where(table.c.id.in_(ids), table.c.owner.is_(None), table.c.action.is_not(None))
            ).all()
        )
        heard = [self._work(row, 0) for row in rows if row.id not in self._tasks]
        self.start(heard)

    def _other_owners(self, connection: Connection) -> list[str]:
        owners = select(table.c.owner).where(table.c.owner.is_not(None), table.c.owner != self.owner).distinct()
        return [str(owner) for owner in connection.execute(owners).scalars()]

    def _free(self, tx: Tx, owners: Sequence[str]) -> bool:
        dead = self._lifeline.dead_among(tx, owners)
        if not dead:
            return False
        left = select(table.c.id, table.c.priority, table.c.attempts).where(table.c.owner.in_(dead))
        rows, at = tx.execute(left).all(), self._clock()
        for attempts in {row.attempts for row in rows}:
            free = update(table).where(table.c.owner.in_(dead), table.c.attempts == attempts)
            tx.execute(free.values(owner=None, due=at + _rest(attempts)))
        tx.hand_over([Offer(row.id, at + _rest(row.attempts), row.priority) for row in rows])
        return bool(rows)

    def _news_of(self, found: Sequence[tuple[str, bool]]) -> list[str]:
        """Of commands that have come to an end, unknown or not, those of which that is to be heard: of an unknown one
        this process hears once, and again when it is known."""
        told = [id for id, unknown in found if not (unknown and id in self._unknown)]
        unknown = {id for id, unknown in found if unknown}
        self._unknown |= unknown
        self._still_unknown |= unknown
        if not self._surveyed:
            self._unknown, self._still_unknown = self._still_unknown, set()
        return told

    def _survey(self, connection: Connection) -> list[tuple[str, bool]]:
        """Waiting commands, of the next part of them all, whose action or approval has come to an end, and whether that
        is unknown."""
        query = select(table.c.id, action.c.state, hold.c.state, table.c.kind, work_task.c.state)
        # Of a run that has ended it is heard how an action did, not again and again that nobody knows.
        query = query.outerjoin(run, and_(run.c.id == table.c.run, run.c.ended_at.is_not(None)))
        query = query.where(or_(run.c.id.is_(None), action.c.state.is_(None), action.c.state != "unknown"))
        query = query.outerjoin(action, action.c.id == table.c.action).outerjoin(hold, hold.c.action == table.c.action)
        query = query.outerjoin(work_task, work_task.c.id == table.c.action)
        query = query.where(table.c.action.is_not(None), table.c.id > self._surveyed)
        rows = connection.execute(query.order_by(table.c.id).limit(SURVEY)).all()
        self._surveyed = rows[-1][0] if rows else ""
        return [
            (id, acted == "unknown")
            for id, acted, asked, kind, state in rows
            if (is_task_over(state) if kind == "open_task" else _is_over(acted, asked))
        ]


def _rest(attempts: int) -> int:
    """Milliseconds that a command rests whose processes died under it so often; none where it is given up next."""
    return min(LONGEST_MS, AGAIN_MS << attempts) if AT_ONCE < attempts < CLAIMS else 0


def _is_over(acted: str | None, asked: str | None) -> bool:
    """Whether a command's action, or the people asked about it, have come to an end."""
    if acted in (None, "held"):
        return asked not in ALIVE and not (acted == "held" and asked == "performed")
    return acted != "intent"


def _look(connection: Connection, seen: int, at: int) -> _News:
    size = connection.execute(select(head.c.size)).scalar_one()
    due = select(table.c.id).where(table.c.due <= at, table.c.owner.is_(None)).limit(1)
    start = size if seen < 0 else seen
    end = min(size, start + MAX_NEWS)
    news = select(table.c.id).join(leaf, leaf.c.action == table.c.action)
    heard = news.where(leaf.c.idx >= start, leaf.c.idx < end).distinct()
    return _News(
        connection.execute(due).first() is not None,
        list(connection.execute(heard).scalars()) if end > start else [],
        end,
        connection.execute(select(table.c.id).limit(1)).first() is not None,
    )
