"""What starts runs without being asked: clocks, and what the log tells of deliveries and of runs that ended.

Every process looks. The place in the store says how far it has been looked after; whoever moves it writes the commands
that begin runs in the same transaction, so that each time, delivery and end counts once, whoever sees it and however
often processes stop. Of the times that passed while nothing ran, one is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from autonomy.audit import read_leaf
from autonomy.audit.store import head, leaf
from autonomy.catalog.cron import Schedule, parse, zone_of
from autonomy.catalog.organisation import Organisation, spec
from autonomy.catalog.workflow import WorkflowSpec
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Watch
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.ids import new_id
from autonomy.tasks.model import PRIORITIES

from .codec import Codec
from .model import Triggered
from .outcome import kind_of
from .ports import Offer
from .starting import named
from .store import command as commands
from .store import source as table

log = logging.getLogger("autonomy.workflow")

LOOK_SECONDS = 0.25
LOG = "log"  # the name of the place in the log; schedules have five fields and a zone
MAX_LEAVES = 5_000  # looked through at once
LAZY = 1_000  # leaves without anything to start, after which the place is moved all the same


class Timetable(NamedTuple):
    """A schedule with the clock it goes by."""

    schedule: Schedule
    zone: tzinfo

    def next(self, after: int) -> int:
        return self.schedule.next(after, self.zone)


class Wanted(NamedTuple):
    """What starts runs as declared: schedules by name, hooks, and the workflows whose end starts others."""

    timetables: Mapping[str, Timetable]
    hooks: frozenset[str]
    ended: frozenset[str]


class Sources:
    """Looks after what starts runs by itself. `wake` tells the engine of commands that are due."""

    def __init__(
        self, database: Database, queue: CommitQueue, codec: Codec, watch: Watch, wake: Callable[[], None], clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._codec = codec
        self._watch = watch
        self._wake = wake
        self._clock = clock
        self._seen = 0
        self._wanted: tuple[int, Wanted] = (-1, Wanted({}, frozenset(), frozenset()))

    async def run(self) -> None:
        """Look until cancelled. What fails is logged and looked at again."""
        while True:
            try:
                await self.look()
            except AutonomyError as error:
                log.warning("could not look for what starts runs: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Tell runs of every time, delivery and end that is new."""
        size, places = await self._database.read(_places)
        if size > self._seen:
            # Whatever the leaves up to here were written under, the workflows known now are at least as new.
            await self._watch.refresh()
        house = await self._watch.house()
        wanted = self._read(house.epoch, house.organisation)
        await self._clocks(wanted.timetables, {name: at for name, at in places.items() if name != LOG})
        await self._listen(wanted, places.get(LOG), size)

    def _read(self, epoch: int, organisation: Organisation) -> Wanted:
        if self._wanted[0] != epoch:
            self._wanted = epoch, wanted_of(organisation)
        return self._wanted[1]

    async def _clocks(self, wanted: Mapping[str, Timetable], places: Mapping[str, int]) -> None:
        at = self._clock()
        begun = {name: found.next(at) for name, found in wanted.items() if name not in places}
        gone = [name for name in places if name not in wanted]
        due = {name: when for name, when in places.items() if name in wanted and when <= at}
        if begun or gone:
            await self._queue.perform(lambda tx: _keep(tx, begun, gone))
        for name, when in due.items():
            told = [Triggered(f"{new_id('evt')}::0", "schedule", name, {"at": when})]
            await self._move(name, when, wanted[name].next(at), told)

    async def _listen(self, wanted: Wanted, place: int | None, size: int) -> None:
        if place is None:
            await self._queue.perform(lambda tx: _keep(tx, {LOG: size}, []))
            self._seen = size
            return
        start = max(place, self._seen)
        end = min(size, start + MAX_LEAVES)
        if start >= end:
            return
        leaves = await self._database.read(lambda connection: _leaves(connection, wanted, start, end))
        told = [found for one in leaves if (found := _told(wanted, one))]
        if (told or end - place >= LAZY) and not await self._move(LOG, place, end, told):
            return  # another process was faster, but may have seen less: look again from where it came to
        self._seen = end

    async def _move(self, name: str, place: int, to: int, told: Sequence[Triggered]) -> bool:
        """Move a place on and write what is to be told; False where another process has moved it."""
        at = self._clock()
        rows = [self._row(one, at) for one in told]

        def work(tx: Tx) -> bool:
            here = update(table).where(table.c.name == name, table.c.place == place)
            if tx.execute(here.values(place=to)).rowcount == 0:
                return False
            if rows:
                tx.execute(insert(commands), rows)
                tx.hand_over([Offer(row["id"], row["due"], row["priority"]) for row in rows])
            return True

        moved = await self._queue.perform(work)
        if moved and rows:
            self._wake()
        return moved

    def _row(self, command: Triggered, at: int) -> dict[str, Any]:
        return {
            "id": command.id,
            "run": "",
            "kind": kind_of(command),
            "priority": PRIORITIES["normal"],
            "due": at,
            "attempts": 0,
            "body": self._codec.command(command),
            "at": at,
        }


def wanted_of(organisation: Organisation) -> Wanted:
    """What starts runs in this organisation. Where there are workflows, their runs may wait for every hook."""
    workflows = organisation.all("Workflow").values()
    said = [named(one) for revision in workflows for one in spec(revision, WorkflowSpec).triggers]
    times = {name: _timetable(name) for source, name in said if source == "schedule"}
    hooks = frozenset(organisation.all("Hook") if workflows else ())
    return Wanted(times, hooks, frozenset(name for source, name in said if source == "ended"))


def _timetable(name: str) -> Timetable:
    fields, _, zone = name.rpartition(" ")
    return Timetable(parse(fields), zone_of(zone))


def _told(wanted: Wanted, said: Mapping[str, Any]) -> Triggered | None:
    """What a leaf has to tell; None where nobody waits for it."""
    id = f"{new_id('evt')}::0"
    if said["kind"] == "delivery" and said["hook"] in wanted.hooks:
        came = {"hook": said["hook"], "delivery": said["delivery"], "type": said.get("type", "")}
        return Triggered(id, "webhook", said["hook"], came)
    if said["kind"] == "run" and said["event"] == "ended" and said["workflow"] in wanted.ended:
        came = {"run": said["run"], "workflow": said["workflow"], "status": said["status"]}
        return Triggered(id, "ended", said["workflow"], came)
    return None


def _places(connection: Connection) -> tuple[int, dict[str, int]]:
    """How many leaves there are, and how far each source has been looked after."""
    size = connection.execute(select(head.c.size)).scalar_one()
    return size, {name: place for name, place in connection.execute(select(table.c.name, table.c.place))}


def _leaves(connection: Connection, wanted: Wanted, start: int, end: int) -> list[dict[str, Any]]:
    kinds = [kind for kind, named in (("delivery", wanted.hooks), ("run", wanted.ended)) if named]
    query = select(leaf.c.body).where(leaf.c.idx >= start, leaf.c.idx < end, leaf.c.kind.in_(kinds))
    return (
        [read_leaf(bytes(body)) for body in connection.execute(query.order_by(leaf.c.idx)).scalars()] if kinds else []
    )


def _keep(tx: Tx, begun: Mapping[str, int], gone: Sequence[str]) -> None:
    """Add places and take some away; what another process has added stays."""
    known = set(tx.execute(select(table.c.name).where(table.c.name.in_(begun))).scalars())
    tx.execute(delete(table).where(table.c.name.in_(gone)))
    rows = [{"name": name, "place": place} for name, place in begun.items() if name not in known]
    if rows:
        tx.execute(insert(table), rows)
