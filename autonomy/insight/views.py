"""Searches that a person keeps, to ask them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select

from autonomy.db import CommitQueue, Database, Tx, upsert
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound

from .found import view

MOST = 100  # views of one person


@dataclass(frozen=True, slots=True)
class View:
    """A search of one page of the console under a name; `query` are its filters, `at` when it was kept."""

    page: str
    name: str
    query: Mapping[str, str]
    at: int


class Views:
    """Every person's own; nobody sees another's. Blocks: call it from a thread."""

    def __init__(self, database: Database, queue: CommitQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def of(self, person: str) -> list[View]:
        """A person's views, by page and name."""
        query = select(view).where(view.c.person == person).order_by(view.c.page, view.c.name)
        with self._database.reading() as connection:
            return [View(row.page, row.name, json.loads(row.query), row.at) for row in connection.execute(query)]

    def keep(self, person: str, page: str, name: str, query: Mapping[str, str]) -> View:
        """Keep a search, in place of one of this name. Raises Conflict (`view.too_many`)."""
        kept = View(page, name, dict(query), self._clock())
        values = {"person": person, "page": page, "name": name, "query": json.dumps(kept.query), "at": kept.at}

        def work(tx: Tx) -> None:
            mine = select(func.count()).select_from(view).where(view.c.person == person)
            is_new = tx.execute(_named(select(view.c.at), person, page, name)).first() is None
            if is_new and tx.execute(mine).scalar_one() >= MOST:
                raise Conflict(f"a person keeps at most {MOST} views", code="view.too_many", hint="drop one first")
            tx.execute(upsert(view, values, ["person", "page", "name"], tx.dialect))

        self._queue.run(work)
        return kept

    def drop(self, person: str, page: str, name: str) -> None:
        """Keep a search no longer. Raises NotFound (`view.unknown`)."""
        gone = _named(delete(view), person, page, name)
        if self._queue.run(lambda tx: tx.execute(gone).rowcount) == 0:
            raise NotFound(f"you keep no view `{name[:80]}`", code="view.unknown")


def _named(statement: Any, person: str, page: str, name: str) -> Any:
    return statement.where(view.c.person == person, view.c.page == page, view.c.name == name)
