"""Forgetting: what somebody asks to be forgotten, what a subject's erasure takes along, and what is past its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select

from autonomy.audit import Vault, record
from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Tx
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Invalid, NotFound

from . import index, rules, store
from .model import Author, Member, Selection
from .service import Memory

log = logging.getLogger("autonomy.memory")

BATCH = 500  # items of one transaction: others wait for it
LOOK_SECONDS = 60.0


class Forgetting:
    """Takes items out of memory, and of its index."""

    def __init__(
        self,
        memory: Memory,
        queue: CommitQueue,
        vault: Vault,
        organisation: Callable[[], Organisation],
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._queue = queue
        self._vault = vault
        self._organisation = organisation
        self._clock = clock

    async def by_author(self, author: Author, asked: Selection) -> int:
        """Forget items the agent wrote itself; returns how many. Raises NotFound, Invalid (`memory.nothing_named`)."""
        self._memory.entered(author, asked.space, rules.may_write)
        where = [*self._where(asked), store.item.c.author == author.agent]
        return await self._forget(where)

    async def by_person(self, asked: Selection, member: Member, by: str, reason: str) -> int:
        """Forget items of a space that the person owns; returns how many, which the log says with the reason.

        Raises NotFound (`memory.unknown_space`), Invalid (`memory.nothing_named`).
        """
        said = rules.space_of(self._organisation(), asked.space)
        if said is None or said.owner != member.name:
            raise NotFound(
                f"you own no memory space `{asked.space[:63]}`", code="memory.unknown_space", hint="ask its owner"
            )
        count = await self._forget(self._where(asked))
        at = self._clock()
        await self._queue.perform(
            lambda tx: record(
                tx, "memory", at, actor=by, event="forgotten", space=asked.space, items=count, reason=reason
            )
        )
        return count

    async def run(self) -> None:
        """Let go of what is past its time, until cancelled."""
        while True:
            try:
                while await self._queue.perform(self.tidy) >= BATCH:
                    pass
                await self._queue.perform(index.tend)
            except AutonomyError as error:
                log.warning("could not let go of old memories: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    def tidy(self, tx: Tx) -> int:
        """Delete a batch of what its space keeps no longer, and claims that are over; returns how many items went.

        What belongs to a space that is declared no more stays: nobody can read it, and the space may come back.
        """
        at, columns = self._clock(), store.item.c
        tx.execute(delete(store.claim).where(store.claim.c.until < at))
        over = [
            (columns.space == name) & (columns.at < at - clock.duration(said.retention))
            for name in self._organisation().all("MemorySpace")
            if (said := rules.space_of(self._organisation(), name))
        ]
        return forget(tx, [or_(*over)]) if over else 0

    def _where(self, asked: Selection) -> list[ColumnElement[bool]]:
        if asked.is_empty:
            raise Invalid("nothing says what to forget", code="memory.nothing_named", hint="name an item, say")
        columns = store.item.c
        named = {
            columns.id: asked.item,
            columns.source: asked.source,
            columns.case_id: asked.case,
            columns.author: asked.author,
            columns.subject: None if asked.subject is None else self._vault.name(asked.subject),
        }
        where = [columns.space == asked.space]
        where += [column == value for column, value in named.items() if value is not None]
        return where if asked.before is None else [*where, columns.at < asked.before]

    async def _forget(self, where: Sequence[ColumnElement[bool]]) -> int:
        count = 0
        while gone := await self._queue.perform(lambda tx: forget(tx, where)):
            count += gone
        return count


def forget(tx: Tx, where: Sequence[ColumnElement[bool]], most: int = BATCH) -> int:
    """Delete up to `most` items that fit, their links, vectors and places in the index; returns how many."""
    columns = store.item.c
    rows: list[Any] = list(
        tx.execute(select(columns.seq, columns.id, columns.shelf, columns.marks).where(*where).limit(most))
    )
    names = [row.id for row in rows]
    if names:
        tx.execute(delete(store.link).where(or_(store.link.c.item.in_(names), store.link.c.to_item.in_(names))))
        tx.execute(delete(store.vector).where(store.vector.c.item.in_(names)))
        index.remove(tx, rows)
    return len(rows)


def forget_subject(tx: Tx, subject: str) -> int:
    """Delete everything about a subject, by the name the store knows it under; the vault calls it as it erases."""
    count = 0
    while gone := forget(tx, [store.item.c.subject == subject]):
        count += gone
    return count
