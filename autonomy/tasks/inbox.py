"""Lists of tasks: what somebody may take, what they have, and everything there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, tuple_

from autonomy.db import Database
from autonomy.identity import PersonCaller
from autonomy.kernel.errors import NotFound

from .model import ENDED, State, Task
from .store import COLUMNS, task, to_task

PAGE = 100  # tasks a list returns unless told
MAX_PAGE = 1_000


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
        queries = [query.where(part) for part in _parts(states)] if states else [query]
        count = max(1, min(count, MAX_PAGE))
        return await self._database.read(lambda connection: _page(connection, queries, count, after))


def _parts(states: Collection[State]) -> Iterator[ColumnElement[bool]]:
    """Conditions of which a task in one of these states fulfils one: each has an index in which its tasks lie in
    order."""
    waiting = sorted(set(states) - ENDED)
    if waiting:
        yield and_(task.c.ended_at.is_(None), task.c.state.in_(waiting))
    for one in sorted(ENDED.intersection(states)):
        yield and_(task.c.ended_at.is_not(None), task.c.state == one)


Query = Select[tuple[object, ...]]


def _page(connection: Connection, queries: Sequence[Query], count: int, after: str | None) -> list[Task]:
    if after is not None:
        last = connection.execute(select(task.c.opened_at, task.c.id).where(task.c.id == after)).one_or_none()
        if last is None:
            raise NotFound(f"there is no task `{after[:80]}`", code="task.unknown")
        queries = [each.where(tuple_(task.c.opened_at, task.c.id) < (last.opened_at, last.id)) for each in queries]
    newest = (each.order_by(task.c.opened_at.desc(), task.c.id.desc()).limit(count) for each in queries)
    found = [to_task(row) for each in newest for row in connection.execute(each)]
    return sorted(found, key=lambda one: (one.opened_at, one.id), reverse=True)[:count]
