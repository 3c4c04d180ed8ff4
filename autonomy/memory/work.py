"""Work reuse: who asks before working hears that it is done, that somebody is at it, or that it is theirs to do."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Tx, upsert
from autonomy.kernel.clock import SECOND, Clock
from autonomy.telemetry import Tally

from . import rules, store
from .items import fresh_since
from .model import Author, Item, Member, Recalled, Shelf, Work
from .service import Memory
from .shelves import place

LOOK_AGAIN_SECONDS = 0.1  # between two looks whether somebody has finished, who works in another process perhaps


class Reuse:
    """Lets agents find work that was done, and do together once what several ask for."""

    def __init__(self, memory: Memory, database: Database, queue: CommitQueue, clock: Clock) -> None:
        self._memory = memory
        self._database = database
        self._queue = queue
        self._clock = clock
        self.answers = Tally()
        """What recalls of this process were told: `found` is work that was not done again."""

    async def recall(self, author: Author, work: Work) -> Recalled:
        """What is known of the work; with `claim` it is the author's where nobody has done it and nobody is at it.

        Raises NotFound (`memory.unknown_space`) for who may not read there, or write where they want to claim.
        """
        organisation, members = self._memory.entered(author, work.space, rules.may_read_space)
        if work.claim:
            self._memory.entered(author, work.space, rules.may_write)
        name = self._memory.work_of(work.space, work.task, work.inputs)
        end = monotonic() + work.wait
        while True:
            found = await self._look(organisation, members, author, work, name)
            if found.answer != "taken" or monotonic() >= end:
                self.answers.add(found.answer)
                return found
            await asyncio.sleep(min(LOOK_AGAIN_SECONDS, max(0.0, end - monotonic())))

    async def release(self, author: Author, work: Work) -> bool:
        """Give up the claim of this case; whether there was one."""
        self._memory.entered(author, work.space, rules.may_write)
        columns, name = store.claim.c, self._memory.work_of(work.space, work.task, work.inputs)
        mine = (columns.agent == author.agent) & (columns.case_id == author.case)
        gone = delete(store.claim).where(columns.work == name, mine)
        return await self._queue.perform(lambda tx: tx.execute(gone).rowcount > 0)

    async def _look(
        self, organisation: Organisation, members: list[Member], author: Author, work: Work, name: str
    ) -> Recalled:
        """Read first: who waits for somebody else's work writes nothing meanwhile."""
        look = _Look(self._memory, organisation, members, author, work, name, self._clock())
        known = await self._database.read(look.known)
        if known is None:
            return await self._queue.perform(look.decide) if work.claim else Recalled("unclaimed")
        item = known.item
        if item is not None:
            await self._queue.perform(lambda tx: look.count_saved(tx, item))
        return known


class _Look:
    """One look at what is known of some work, at one time."""

    def __init__(
        self,
        memory: Memory,
        organisation: Organisation,
        members: list[Member],
        author: Author,
        work: Work,
        name: str,
        at: int,
    ) -> None:
        self._memory = memory
        self._organisation = organisation
        self._members = members
        self._author = author
        self._work = work
        self._name = name
        self._at = at

    def known(self, reader: Connection | Tx) -> Recalled | None:
        """The newest result that may be read and is fresh, else who is at it."""
        shelves = self._shelves(reader)
        rows = self._results(reader, shelves)
        items = self._memory.reader.items(reader, shelves, rows, self._organisation, self._at, links=True)
        return Recalled("found", items[0]) if items else self._taken(reader, list(shelves))

    def decide(self, tx: Tx) -> Recalled:
        """The same in the transaction in which it is claimed, so that of two who ask at once one hears of the other."""
        known = self.known(tx)
        if known is None:
            return self._claim(tx)
        if known.item is not None:
            self.count_saved(tx, known.item)
        return known

    def count_saved(self, tx: Tx, item: Item) -> None:
        """Count work that was not done again."""
        columns = store.item.c
        tx.execute(_COUNT, {"space": self._work.space, "saved": 1, "begun": 0})
        tx.execute(update(store.item).where(columns.id == item.id).values(reused=columns.reused + 1))

    def _claim(self, tx: Tx) -> Recalled:
        tags, origins = rules.restriction(self._work.space, (), self._author.labels)
        shelf = place(tx, self._work.space, tags, origins, self._author.agent)
        # On this very shelf everybody hears of everybody, for whoever asks bears the same labels.
        if taken := self._taken(tx, [shelf.id]):
            return taken
        until = self._at + self._work.lease * SECOND
        row = {"work": self._name, "shelf": shelf.id, "agent": self._author.agent, "case_id": self._author.case}
        columns = store.claim.c
        own = tx.execute(select(columns.until).where(*(columns[name] == value for name, value in row.items()))).first()
        tx.execute(upsert(store.claim, row | {"until": until}, ["work", "shelf"], tx.dialect))
        if own is None:
            tx.execute(_COUNT, {"space": self._work.space, "saved": 0, "begun": 1})
        return Recalled("yours", by=self._author.agent, until=until)

    def _shelves(self, reader: Connection | Tx) -> dict[int, Shelf]:
        return self._memory.shelves.readable(reader, self._organisation, self._members, self._work.space)

    def _results(self, reader: Connection | Tx, shelves: dict[int, Shelf]) -> list[Any]:
        columns = store.item.c
        since = fresh_since(self._organisation, self._work.space, self._at)
        if self._work.max_age is not None:
            since = max(since, self._at - self._work.max_age)
        query = select(store.item).where(
            columns.work == self._name,
            columns.shelf.in_(list(shelves)),
            columns.at >= since,
            (columns.valid_from.is_(None)) | (columns.valid_from <= self._at),
            (columns.valid_until.is_(None)) | (columns.valid_until > self._at),
        )
        return list(reader.execute(query.order_by(columns.seq.desc()).limit(1)))

    def _taken(self, reader: Connection | Tx, shelves: list[int]) -> Recalled | None:
        """Who else is at it, as far as the author may read what will come of it."""
        columns = store.claim.c
        query = select(store.claim).where(
            columns.work == self._name,
            columns.shelf.in_(shelves),
            columns.until > self._at,
            ~((columns.agent == self._author.agent) & (columns.case_id == self._author.case)),
        )
        row = reader.execute(query.order_by(columns.until.desc()).limit(1)).one_or_none()
        return None if row is None else Recalled("taken", by=row.agent, until=row.until)


_COUNT = text(
    "INSERT INTO memory_reuse (space, saved, begun) VALUES (:space, :saved, :begun) ON CONFLICT (space) "
    "DO UPDATE SET saved = memory_reuse.saved + excluded.saved, begun = memory_reuse.begun + excluded.begun"
)
