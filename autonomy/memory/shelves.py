"""The shelves that items stand on: each is one restriction, made once, never changed, and known to every process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from autonomy.catalog.organisation import Organisation
from autonomy.db import Tx
from autonomy.kernel.errors import Conflict

from . import rules, store
from .model import Member, Shelf

MAX_SHELVES = 256  # of one space: combinations of classes and origins, each of which every search has to name


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


def place(tx: Tx, space: str, tags: Iterable[str], origins: Iterable[str]) -> Shelf:
    """The shelf for what bears these restrictions; made where there is none. Raises Conflict (`memory.shelves`)."""
    columns = store.shelf.c
    said = {"space": space, "tags": json.dumps(sorted(tags)), "origins": json.dumps(sorted(origins))}
    query = select(store.shelf).where(*(columns[name] == value for name, value in said.items()))
    found = tx.execute(query).one_or_none()
    if found is None:
        count = select(func.count()).select_from(store.shelf).where(columns.space == space)
        if tx.execute(count).scalar_one() >= MAX_SHELVES:
            raise Conflict(
                f"`{space}` holds {MAX_SHELVES} combinations of data already",
                code="memory.shelves",
                hint="let fewer classes of data and fewer other spaces flow into it",
            )
        # Ids rise without gaps that could be filled later: whoever knows the newest knows them all.
        newest = tx.execute(select(func.coalesce(func.max(columns.id), 0))).scalar_one()
        tx.execute(insert(store.shelf).values(id=newest + 1, **said))
        found = tx.execute(query).one()
    return shelf(found)


def shelf(row: Any) -> Shelf:
    """The shelf of a row."""
    return Shelf(row.id, row.space, frozenset(json.loads(row.tags)), frozenset(json.loads(row.origins)))
