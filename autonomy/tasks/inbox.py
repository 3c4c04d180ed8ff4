"""Lists of tasks: what somebody may take, what they have, and everything there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from autonomy.db import Database
from autonomy.db.newest import by_state, newest
from autonomy.identity import PersonCaller
from autonomy.kernel.errors import NotFound

from .model import ENDED, State, Task
from .store import COLUMNS, task, to_task

PAGE = 100  # tasks a list returns unless told
MAX_PAGE = 1_000
PLACE = task.c.opened_at, task.c.id


class Inbox:
    """Read-only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tasks(
        self,
        mine: PersonCaller | None = None,
        run: str | None = None,
        role: str | None = None,
        states: Sequence[State] = (),
        count: int = PAGE,
        after: str | None = None,
    ) -> list[Task]:
        """Tasks, newest first; those that `mine` has or may take where a person is named. `after` is the id of the last
        one of the page before. Raises NotFound (`task.unknown`).
        """
        query = select(*COLUMNS)
        if mine is not None:
            free = task.c.holder.is_(None) & task.c.role.in_(mine.roles) & (task.c.by != "agent")
            query = query.where(task.c.ended_at.is_(None), or_(task.c.holder == mine.actor, free))
        if run is not None:
            query = query.where(task.c.run == run)
        if role is not None:
            query = query.where(task.c.role == role)
        parts = by_state(task.c.state, task.c.ended_at, ENDED, states)
        queries = [query.where(part) for part in parts] if states else [query]
        count = max(1, min(count, MAX_PAGE))
        return await self._database.read(lambda connection: _page(connection, queries, count, after))


def _page(connection: Connection, queries: Sequence[Select[Any]], count: int, after: str | None) -> list[Task]:
    last = None if after is None else connection.execute(select(*PLACE).where(task.c.id == after)).one_or_none()
    if after is not None and last is None:
        raise NotFound(f"there is no task `{after[:80]}`", code="task.unknown")
    return [to_task(row) for row in newest(connection, queries, PLACE, count, last)]
