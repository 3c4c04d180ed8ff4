"""The shelves that items stand on: each is one restriction, made once, never changed, and known to every process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select

from autonomy.catalog.organisation import Organisation
from autonomy.db import Tx
from autonomy.kernel.errors import Conflict

from . import rules, store
from .model import Member, Shelf

MAX_SHELVES = 256  # of one space: combinations of classes and origins, each of which every search has to name
MOST_OF_ONE = 64  # of them that one agent may have begun: no single writer takes the room of all


class Shelves:
    """Every shelf there is, read as they come to be. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[int, Shelf] = {}
        self._lock = threading.Lock()

    def of(self, reader: Connection | Tx) -> dict[int, Shelf]:
        """All of them, by id. What a transaction sees is not kept: it may never be committed."""
        with self._lock:
            known = dict(self._known)
        newer = select(store.shelf).where(store.shelf.c.id > max(known, default=0))
        found = {row.id: shelf(row) for row in reader.execute(newer)}
        if found and isinstance(reader, Connection):
            with self._lock:
                self._known |= found
        return known | found

    def readable(
        self, reader: Connection | Tx, organisation: Organisation, members: Sequence[Member], space: str | None = None
    ) -> dict[int, Shelf]:
        """Those that all of the members may read, in `space` or anywhere."""
        shelves = (each for each in self.of(reader).values() if space in (None, each.space))
        return {each.id: each for each in rules.readable(organisation, shelves, members)}


def place(tx: Tx, space: str, tags: Iterable[str], origins: Iterable[str], author: str) -> Shelf:
    """The shelf for what bears these restrictions; made where there is none. Raises Conflict (`memory.shelves`)."""
    columns = store.shelf.c
    said = {"space": space, "tags": json.dumps(sorted(tags)), "origins": json.dumps(sorted(origins))}
    query = select(store.shelf).where(*(columns[name] == value for name, value in said.items()))
    found = tx.execute(query).one_or_none()
    if found is None:
        _make_room(tx, space, author)
        # Ids rise without gaps that could be filled later: whoever knows the newest knows them all.
        newest = tx.execute(select(func.coalesce(func.max(columns.id), 0))).scalar_one()
        tx.execute(insert(store.shelf).values(id=newest + 1, author=author, **said))
        found = tx.execute(query).one()
    return shelf(found)


def _make_room(tx: Tx, space: str, author: str) -> None:
    """Where there is no room for one more shelf the empty ones go. Raises Conflict (`memory.shelves`)."""
    if _is_full(tx, space, author):
        _clear(tx, space)
        if _is_full(tx, space, author):
            raise Conflict(
                f"`{space}` holds {MAX_SHELVES} combinations of data already, or {MOST_OF_ONE} that you began",
                code="memory.shelves",
                hint="let fewer classes of data and fewer other spaces flow into it, or forget items",
            )


def _is_full(tx: Tx, space: str, author: str) -> bool:
    columns = store.shelf.c
    authors = list(tx.execute(select(columns.author).where(columns.space == space)).scalars())
    return len(authors) >= MAX_SHELVES or authors.count(author) >= MOST_OF_ONE


def _clear(tx: Tx, space: str) -> None:
    """Delete shelves on which nothing stands and nobody is at work: transactions come one after another, so that nobody
    is about to put something there. The newest of all stays, so that no id is given twice."""
    columns = store.shelf.c
    items = exists().where(store.item.c.shelf == columns.id)
    claims = exists().where(store.claim.c.shelf == columns.id)
    newest = select(func.max(columns.id)).scalar_subquery()
    empty = tx.execute(select(columns.id).where(columns.space == space, ~items, ~claims, columns.id < newest)).scalars()
    tx.execute(delete(store.shelf).where(columns.id.in_(list(empty))))


def shelf(row: Any) -> Shelf:
    """The shelf of a row."""
    return Shelf(row.id, row.space, frozenset(json.loads(row.tags)), frozenset(json.loads(row.origins)))
