"""Follows the log and lets everything be found that it tells. The place up to which it was taken in moves in the same
transaction as what came of it, so that nothing is counted twice and nothing left out, whoever dies.

One process at a time does it. The door comes first: while there is a crowd at it, whoever follows works one part of its
time and rests sixty-three. What comes in faster than it is taken in then is taken in when there is less to do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, text, update

from autonomy.audit import Vault, read_leaf
from autonomy.audit.store import read_head
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Lifeline
from autonomy.kernel.clock import DAY, Clock
from autonomy.kernel.errors import AutonomyError, Corrupt
from autonomy.kernel.interpreter import giving_way

from . import found
from .marking import Marks
from .pace import rests
from .taken import forget_words, still_kept, write_batch
from .taking_in import Batch, sealed_parts, take_in

log = logging.getLogger("autonomy.insight")

Leaves = Sequence[tuple[int, dict[str, Any]]]
Hear = Callable[[Tx, Leaves], None]
"""Whoever hears every leaf once, in the transaction that takes it in."""

BATCH = 200  # leaves of one transaction: some four milliseconds, in which nobody else can write, and a megabyte
TIDIED = 500  # actions whose sealed words are let go of at once
ASK_SECONDS = 1.0  # between two questions of a process whether it may follow
LOOK_SECONDS = 0.25  # what is taken in together costs less, and all of it is there within half a second
WAIT_SECONDS = 0.01
TIDY_SECONDS = 60.0
SHARE = 64  # parts of the time, of which one is spent on following while there is a crowd at the door


class Read(NamedTuple):
    """Leaves that were read, in a log of `size` leaves and under an identity epoch, and what can be made of them."""

    size: int
    identity: int
    leaves: Leaves
    batch: Batch
    sealed: dict[str, set[int]]


class Following:
    """Takes the log in. `place` is the next leaf to be taken in, as far as this process knows."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        vault: Vault,
        marks: Marks,
        retention_days: int,
        lifeline: Lifeline,
        clock: Clock,
        hear: Hear,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._queue = queue
        self._vault = vault
        self._marks = marks
        self._retention = (retention_days + 1) * DAY
        self._lifeline = lifeline
        self._clock = clock
        self._hear = hear
        self._batch = batch
        self._size = 0
        self._grows = False  # whether the log has grown since the last look: then somebody is at the door
        self._worked = 0.0  # seconds of CPU that the last batch took
        self._woken = asyncio.Event()
        self._holds = False
        self._asked = float("-inf")
        self.place = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                behind = await self.follow()
                if not behind:
                    await self._rest(LOOK_SECONDS)
                elif self._grows:
                    await self._give_way()
            except AutonomyError as error:
                log.warning("what happened is not taken in: %s", error.code)
                await asyncio.sleep(1.0)

    async def run_tidying(self) -> None:
        """Let go of the words of what is kept no longer, until cancelled."""
        while True:
            try:
                while self._holds and await self._queue.perform(self.tidy) >= TIDIED:
                    pass
            except AutonomyError as error:
                log.warning("could not tidy the search: %s", error.code)
            await asyncio.sleep(TIDY_SECONDS)

    async def reach(self, seconds: float) -> int:
        """Wait until what the log holds now is taken in, `seconds` at most; returns how many leaves are not."""
        size = (await self._database.read(read_head))[0]
        deadline = time.monotonic() + seconds
        self._woken.set()
        while (behind := size - self.place) > 0 and time.monotonic() < deadline:
            await asyncio.sleep(WAIT_SECONDS)
            if not self._holds:
                self.place = await self._database.read(_next)
        return max(0, behind)

    async def follow(self) -> int:
        """Take one batch in; returns how many leaves are left. Nobody's work is done twice: whoever does not hold the
        place leaves it to who does."""
        if not self._holds and not await self._hold():
            return 0
        read = await self._database.read(self._read)
        self._grows, self._size = read.size > self._size, read.size
        if not read.leaves:
            return 0
        if not await self._queue.perform(lambda tx: self._write(tx, read)):
            self._holds = False
            return 0
        self.place = read.batch.stop
        return max(0, read.size - read.batch.stop)

    def tidy(self, tx: Tx) -> int:
        """Let go of the sealed words of a batch of old actions; returns how many were looked at."""
        before, columns = self._clock() - self._retention, found.action.c
        start = tx.execute(select(found.place.c.forgotten)).scalar_one()
        # In their order, up to the first that is still kept: whoever looked for old ones would read all that is new.
        query = select(columns.seq, columns.sealed, columns.at).where(columns.seq >= start)
        oldest = tx.execute(query.order_by(columns.seq).limit(TIDIED))
        rows = list(takewhile(lambda row: row.at < before, oldest.all()))
        if rows:
            forget_words(tx, rows)
            tx.execute(update(found.place).values(forgotten=rows[-1].seq + 1))
        return len(rows)

    async def _give_way(self) -> None:
        for seconds in rests(self._worked, SHARE, lambda: self._queue.waiting):
            if await self._rest(seconds):
                return

    async def _rest(self, seconds: float) -> bool:
        """For so long, or until somebody waits for what is new: whether somebody does."""
        try:
            async with asyncio.timeout(seconds):
                return await self._woken.wait()
        except TimeoutError:
            return False
        finally:
            self._woken.clear()

    async def _hold(self) -> bool:
        """Whether this process may follow now. Who may not asks again after a second."""
        if time.monotonic() - self._asked < ASK_SECONDS:
            return False
        self._asked = time.monotonic()
        taken = await self._queue.perform(self._take)
        if taken is None:
            return False
        self.place, self._holds = taken, True
        return True

    def _take(self, tx: Tx) -> int | None:
        row = tx.execute(select(found.place)).one_or_none()
        mine = {"holder": self._lifeline.owner}
        if row is None:
            tx.execute(insert(found.place).values(id=1, next=0, forgotten=0, **mine))
            return 0
        if not self._lifeline.dead_among(tx, {row.holder}) and row.holder != self._lifeline.owner:
            return None
        tx.execute(update(found.place).values(**mine))
        return int(row.next)

    def _read(self, connection: Connection) -> Read:
        """The next leaves, and what can be made of them before their transaction."""
        begun = time.thread_time()
        size, _, _, identity = read_head(connection)
        values = {"start": self.place, "most": self._batch}
        rows = giving_way(connection.execute(_LEAVES, values).all())
        leaves = [(index, read_leaf(bytes(body))) for index, body in rows]
        batch = take_in(giving_way(leaves), self._marks)
        sealed = self._sealed(connection, batch)
        self._worked = time.thread_time() - begun
        return Read(size, identity, leaves, batch, sealed)

    def _sealed(self, connection: Connection, batch: Batch) -> dict[str, set[int]]:
        """The marks of what each action carried, as far as it can be opened."""
        wanted: dict[str, list[str]] = {}
        for action, seen in batch.actions.items():
            for part in sealed_parts(seen):
                wanted.setdefault(part, []).append(action)
        parts: dict[str, list[tuple[str, bytes]]] = {}
        for part, actions in wanted.items():
            for action, value in self._opened(connection, actions, part):
                parts.setdefault(action, []).append((part, value))
        return {action: self._marks.of_sealed(said) for action, said in giving_way(parts.items())}

    def _opened(self, connection: Connection, actions: Sequence[str], part: str) -> Iterator[tuple[str, bytes]]:
        try:
            yield from ((name, opened.value) for name, opened in self._open(connection, actions, part))
        except Corrupt:
            if len(actions) > 1:  # one of them was changed in the store; the others are found all the same
                for action in actions:
                    yield from self._opened(connection, [action], part)

    def _open(self, connection: Connection, actions: Sequence[str], part: str) -> Iterable[tuple[str, Any]]:
        return self._vault.open_all(connection, actions, part).items()

    def _write(self, tx: Tx, read: Read) -> bool:
        """Whether the batch was taken in: somebody else may have done it."""
        begun = time.thread_time()
        mine = found.place.c.next == read.leaves[0][0], found.place.c.holder == self._lifeline.owner
        if tx.execute(update(found.place).where(*mine).values(next=read.batch.stop)).rowcount != 1:
            return False
        erased = tx.epochs.identity != read.identity  # every erasure moves it
        write_batch(tx, read.batch, still_kept(tx, read.sealed, read.batch) if erased else read.sealed)
        self._hear(tx, read.leaves)
        self._worked += time.thread_time() - begun
        return True


def _next(connection: Connection) -> int:
    return connection.execute(select(found.place.c.next)).scalar_one_or_none() or 0


_LEAVES = text("SELECT idx, body FROM leaf WHERE idx >= :start ORDER BY idx LIMIT :most")
"""As text: what is read most is then handed over as the driver has it, for half the work."""
