"""An event reaches those that wait for it when it comes: each of them once, whoever dies on the way.

Everybody who waits is marked with the event before the first of them hears it, and that all are marked is remembered
with the event. What hears it goes on and may wait anew for an event of that name: that one is for the next.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, or_, select, update

from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate.cases import add_labels
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Corrupt, NotFound

from .codec import Codec
from .desk import Desk
from .events import EventArrived
from .model import Subscribe
from .outcome import kind_of_type
from .ports import Work
from .store import command as table
from .units import Fence

log = logging.getLogger("autonomy.workflow")

BATCH = 200  # of those that wait: marked in one transaction, and found in one look
FOUND = ""  # the topic of what has found its event, which is then its key; no event is named so

_WAITS = table.c.kind == kind_of_type(Subscribe)


class Hearing:
    """Brings events to runs, in the name of one process, its `owner`."""

    def __init__(self, database: Database, queue: CommitQueue, desk: Desk, owner: str, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._desk = desk
        self._owner = owner
        self._clock = clock

    async def hear(
        self, work: Work, event: str, key: str | None, data: Json, labels: frozenset[str], origin: tuple[str, ...] = ()
    ) -> int:
        """Bring the event that `work` carries to every run that waited for it, which from then on has seen what it was
        made of, and comes from where its data do; returns how many waits it ended, those of an earlier try as well."""
        heard = None
        while heard is None:
            heard = await self._queue.perform(lambda tx: self._mark(tx, work.id, event, key))
        after = ""
        while waiting := await self._database.read(lambda connection: _marked(connection, work.id, after)):  # noqa: B023
            for id, run in waiting:
                await self._bring(run, EventArrived(self._clock(), id, data, origin), labels)
            after = waiting[-1][0]
        return heard

    async def label(self, case: str, labels: frozenset[str]) -> None:
        """Before the case goes on: no action of it may be judged without them."""
        if labels:
            await self._queue.perform(lambda tx: add_labels(tx, case, labels, self._clock()))

    async def _bring(self, run: str, event: EventArrived, labels: frozenset[str]) -> None:
        """Let one run hear it. One that is gone, cannot be read or meets a defect keeps no other from hearing."""
        try:
            await self.label((await self._desk.known(run)).case, labels)
            await self._desk.take_in(run, event, Fence(event.command, None))
        except (Corrupt, NotFound) as error:
            log.error("%s does not hear what it waits for: %s: %s", event.command, error.code, error)
        except AutonomyError:
            raise  # the store is away, or too much is going on: all is tried again
        except Exception:
            log.exception("%s does not hear what it waits for: it met a defect", event.command)

    def _mark(self, tx: Tx, id: str, event: str, key: str | None) -> int | None:
        """Mark some of those that wait; returns how many there are in all, None while there may be more."""
        mine = tx.execute(select(table.c.owner, table.c.topic, table.c.topic_key).where(table.c.id == id)).one_or_none()
        if mine is None or mine.owner != self._owner:
            return 0  # somebody else brings it
        count = int(mine.topic_key or 0)
        if mine.topic is not None:
            return count
        found = _waiting(tx, event, key)
        tx.execute(update(table).where(table.c.id.in_(found)).values(topic=FOUND, topic_key=id))
        count, all_marked = count + len(found), len(found) < BATCH
        told = {"topic_key": str(count), "topic": FOUND if all_marked else None}
        tx.execute(update(table).where(table.c.id == id).values(told))
        return count if all_marked else None


def _waiting(tx: Tx, event: str, key: str | None) -> Sequence[str]:
    """What waits for this event and has found none yet."""
    wanted = or_(table.c.topic_key.is_(None), table.c.topic_key == key)
    query = select(table.c.id).where(table.c.topic == event, wanted, _WAITS)
    return tx.execute(query.order_by(table.c.id).limit(BATCH)).scalars().all()


def wait_again(tx: Tx, codec: Codec, id: str) -> None:
    """Let those who were to hear the event `id` wait for the next one: nobody brings it any more."""
    marked = table.c.topic == FOUND, table.c.topic_key == id, _WAITS
    for row in tx.execute(select(table.c.id, table.c.kind, table.c.body).where(*marked)).all():
        found = codec.look_into(row.id, row.kind, bytes(row.body))
        if isinstance(found, Subscribe):
            tx.execute(update(table).where(table.c.id == row.id).values(topic=found.event, topic_key=found.key))


def _marked(connection: Connection, id: str, after: str) -> list[tuple[str, str]]:
    """What has found the event `id`, and their runs."""
    query = select(table.c.id, table.c.run).where(table.c.topic == FOUND, table.c.topic_key == id, _WAITS)
    rows = connection.execute(query.where(table.c.id > after).order_by(table.c.id).limit(BATCH))
    return [(row.id, row.run) for row in rows]
