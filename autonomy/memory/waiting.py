"""Rows of vectors: which items wait for theirs, which have it, and which are to have none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, update

from autonomy.db import Tx, upsert

from . import store
from .vectors import Due

LOOKED_AT = 256  # of what is due, to find what goes together
BATCH = 200  # rows of one transaction: others wait for it

_VECTOR, _ITEM = store.vector.c, store.item.c
_DUE = [_VECTOR[name] for name in Due._fields]


def expect(tx: Tx, wanted: Iterable[Due], at: int) -> None:
    """Let items wait for a vector from `at` (milliseconds) on; one by another maker is forgotten."""
    gone = {"subject": None, "generation": None, "box": None}
    for each in wanted:
        tx.execute(upsert(store.vector, each._asdict() | gone | {"due_at": at}, ["item"], tx.dialect))


def due(connection: Connection, makers: Collection[str], at: int) -> list[Due]:
    """What is due by these makers, the longest due first."""
    query = select(*_DUE).where(_VECTOR.due_at.is_not(None), _VECTOR.due_at <= at, _VECTOR.maker.in_(list(makers)))
    return [Due(*row) for row in connection.execute(query.order_by(_VECTOR.due_at, _VECTOR.seq).limit(LOOKED_AT))]


def claim(tx: Tx, wanted: Sequence[Due], at: int, until: int) -> list[Due]:
    """Keep others from these until then; returns those that nobody else has taken meanwhile."""
    names = [each.item for each in wanted]
    free = set(tx.execute(select(_VECTOR.item).where(_VECTOR.item.in_(names), _VECTOR.due_at <= at)).scalars())
    tx.execute(update(store.vector).where(_VECTOR.item.in_(list(free))).values(due_at=until))
    return [each for each in wanted if each.item in free]


def keep(tx: Tx, one: Due, sealed: Mapping[str, Any]) -> None:
    """Keep the vector of an item that waits for it still: not of one that was forgotten meanwhile."""
    values = {**sealed, "tries": 0, "due_at": None}
    tx.execute(update(store.vector).where(_VECTOR.item == one.item, _VECTOR.maker == one.maker).values(values))


def put_off(tx: Tx, wanted: Sequence[Due], until: int, tries: int | None = None) -> None:
    """Let them wait until then, as what was tried `tries` times."""
    names = [each.item for each in wanted]
    values = {"due_at": until} | ({} if tries is None else {"tries": tries})
    tx.execute(update(store.vector).where(_VECTOR.item.in_(names), _VECTOR.box.is_(None)).values(values))


def drop(tx: Tx, items: Collection[str]) -> None:
    """Let these have no vector."""
    tx.execute(delete(store.vector).where(_VECTOR.item.in_(list(items))))


def waiting(connection: Connection) -> int:
    """How many items wait for their vector."""
    query = select(func.count()).select_from(store.vector).where(_VECTOR.due_at.is_not(None))
    return int(connection.execute(query).scalar_one())


def unmet(connection: Connection, space: str, maker: str, shelves: Collection[int], newest: int) -> list[Due]:
    """A batch of the space's newest items on these shelves that neither have a vector by the maker nor wait for it."""
    at, seq = _oldest(connection, space, newest)
    has = exists().where(_VECTOR.item == _ITEM.id, _VECTOR.maker == maker)
    query = select(_ITEM.id, _ITEM.seq, _ITEM.shelf).where(
        _ITEM.space == space, _ITEM.at >= at, _ITEM.seq >= seq, _ITEM.shelf.in_(list(shelves)), ~has
    )
    rows = connection.execute(query.order_by(_ITEM.at.desc()).limit(BATCH))
    return [Due(row.id, row.seq, space, row.shelf, maker, 0) for row in rows]


def surplus(connection: Connection, space: str, shelves: Collection[int], newest: int) -> list[str]:
    """A batch of items that have a vector or wait for it and are to have none: those of other shelves, and older
    ones."""
    _, seq = _oldest(connection, space, newest)
    query = select(_VECTOR.item).where(
        _VECTOR.space == space, (_VECTOR.seq < seq) | _VECTOR.shelf.not_in(list(shelves))
    )
    return list(connection.execute(query.limit(BATCH)).scalars())


def spaces(connection: Connection) -> list[str]:
    """The spaces in which anything has a vector or waits for it."""
    return list(connection.execute(select(_VECTOR.space).distinct()).scalars())


def scanned(connection: Connection, maker: str, shelves: Collection[int], newest: int) -> list[Any]:
    """The newest rows on these shelves with a vector by the maker."""
    query = select(_VECTOR.seq, _VECTOR.item, _VECTOR.subject, _VECTOR.generation, _VECTOR.box).where(
        _VECTOR.shelf.in_(list(shelves)), _VECTOR.maker == maker, _VECTOR.box.is_not(None)
    )
    return list(connection.execute(query.order_by(_VECTOR.seq.desc()).limit(newest)))


def _oldest(connection: Connection, space: str, newest: int) -> tuple[int, int]:
    """Time and number of the oldest of the space's newest items; those that are older are found by words alone."""
    query = select(_ITEM.at, _ITEM.seq).where(_ITEM.space == space).order_by(_ITEM.at.desc(), _ITEM.seq.desc())
    row = connection.execute(query.offset(newest - 1).limit(1)).one_or_none()
    return (0, 0) if row is None else (row.at, row.seq)
