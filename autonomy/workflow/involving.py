"""Which live runs somebody or something takes part in, by the wordings they are pinned to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from autonomy.db import Database
from autonomy.kernel.errors import Corrupt

from .damage import FOR_EVER
from .definition import Definition, Step, ToolWork
from .definitions import Definitions
from .store import run

MOST = 10_000  # runs that are named at once


class Involving:
    """Reads runs and their definitions."""

    def __init__(self, database: Database, definitions: Definitions) -> None:
        self._database = database
        self._definitions = definitions

    async def live(self, agents: Collection[str], tool: str | None) -> list[str]:
        """Live runs that name one of the agents (names) or the tool as what carries out a step, the oldest first."""
        living = run.c.ended_at.is_(None)
        digests = await self._database.read(
            lambda connection: list(connection.execute(select(run.c.digest).where(living).distinct()).scalars())
        )
        wanted = [digest for digest in digests if await self._may_name(digest, agents, tool)]
        if not wanted:
            return []
        query = select(run.c.id).where(living, run.c.digest.in_(wanted)).order_by(run.c.id).limit(MOST)
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def _may_name(self, digest: str, agents: Collection[str], tool: str | None) -> bool:
        """Of a wording that is damaged nobody knows: its runs end as soon as anything happens to them."""
        try:
            return _names(await self._definitions.pinned(digest), agents, tool)
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return True


def _names(definition: Definition, agents: Collection[str], tool: str | None) -> bool:
    return any(_works(step, agents, tool) for step in definition.steps.values())


def _works(step: Step, agents: Collection[str], tool: str | None) -> bool:
    works = (step.work, step.undo)
    return any(isinstance(work, ToolWork) and (work.agent in agents or work.tool == tool) for work in works)
