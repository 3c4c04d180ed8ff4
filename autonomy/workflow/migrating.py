"""Live runs under the newest wording of their workflow: each is looked at first; what cannot move stays as it is."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from autonomy.audit import Leaf
from autonomy.db import Database
from autonomy.gate import Watch
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Corrupt, NotFound

from .damage import FOR_EVER, because
from .definition import Definition
from .definitions import Definitions
from .desk import Desk
from .migration import Obstacle, obstacles
from .model import State
from .outcome import steered
from .store import run as table

PAGE = 100  # runs of one call: each is a transaction of its own


class Moved(NamedTuple):
    """What became of one run: it is under the new wording, or `obstacles` stand in its way."""

    run: str
    was: str
    obstacles: tuple[Obstacle, ...]


class Migrated(NamedTuple):
    """Runs that were looked at; `after` is where the next call goes on, None where there are no more."""

    definition: str
    runs: tuple[Moved, ...]
    after: str | None


class Migrating:
    """Moves live runs, some at a time."""

    def __init__(self, database: Database, desk: Desk, definitions: Definitions, watch: Watch, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._definitions = definitions
        self._watch = watch
        self._clock = clock

    async def migrate(
        self, workflow: str, by: str, dry: bool = False, count: int = PAGE, after: str | None = None
    ) -> Migrated:
        """Move the live runs of `workflow` that are under an older wording, in the order of their ids from `after` on;
        with `dry` only look. Raises NotFound (`workflow.unknown`)."""
        await self._watch.refresh()
        organisation = (await self._watch.house()).organisation
        new = await self._definitions.declared(organisation, workflow)
        count = max(1, min(count, PAGE))
        found = await self._database.read(lambda connection: _older(connection, new, count, after))
        moved = [one for run in found if (one := await self._one(run, new, by, dry)) is not None]
        return Migrated(new.digest, tuple(moved), found[-1] if len(found) == count else None)

    async def _one(self, run: str, new: Definition, by: str, dry: bool) -> Moved | None:
        """None where the run ended meanwhile, and is of no interest any more."""
        try:
            state = (await self._desk.look(run)).state
        except NotFound:
            return None
        if state.ended or state.digest == new.digest:
            return None
        found = await self._obstacles(state, new)
        if found or dry:
            return Moved(run, state.digest, found)

        def tell(now: State) -> Leaf:
            return steered(now, "migrated", by, self._clock(), definition=new.digest)

        try:
            await self._desk.migrate(run, new, tell)
        except Conflict as error:  # it has moved on between the look and the move
            told = [Obstacle(one["path"], one["reason"]) for one in error.detail["obstacles"]]
            return Moved(run, state.digest, tuple(told))
        return Moved(run, state.digest, ())

    async def _obstacles(self, state: State, new: Definition) -> tuple[Obstacle, ...]:
        try:
            return tuple(obstacles(state, await self._definitions.pinned(state.digest), new))
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return (Obstacle("", because(error)),)


def _older(connection: Connection, new: Definition, count: int, after: str | None) -> list[str]:
    """Live runs under another wording."""
    query = select(table.c.id).where(
        table.c.workflow == new.workflow, table.c.ended_at.is_(None), table.c.digest != new.digest
    )
    if after is not None:
        query = query.where(table.c.id > after)
    return list(connection.execute(query.order_by(table.c.id).limit(count)).scalars())
