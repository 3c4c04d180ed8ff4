"""What somebody asked for under an idempotency key is done once, and answered alike however often it is asked.

A key counts for whoever used it. It is remembered as long as tasks and runs that ended are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from autonomy.db import Tx
from autonomy.gate.results import mismatch
from autonomy.kernel.canonical import Json

from .store import request as table


class Key(NamedTuple):
    """A key of `by`, and the bind of what was asked with it."""

    word: str
    by: str
    bind: str

    @property
    def name(self) -> str:
        """As it is stored."""
        return f"{self.by}|{self.word}"


class Earlier(NamedTuple):
    """What the key led to: a task, a run or an event; whether the run was `joined`."""

    id: str
    joined: bool


def key_of(bind: Callable[[Json], str], word: str | None, by: str, asked: Json) -> Key | None:
    """The key of a request; None where it has none. `bind` gives the same for the same request, and tells nothing."""
    return None if word is None else Key(word, by, bind(asked))


def earlier(connection: Connection | Tx, key: Key) -> Earlier | None:
    """What the first request with this key led to. Raises Conflict (`key.mismatch`) where that was another one."""
    row = connection.execute(select(table).where(table.c.key == key.name)).one_or_none()
    if row is None:
        return None
    if row.bind != key.bind:
        raise mismatch(key.word)
    return Earlier(row.id, bool(row.joined))


def once(tx: Tx, key: Key | None, id: str, at: int) -> str:
    """The id that counts: what the key led to before, or `id` from now on. Raises like `earlier`."""
    if key is None:
        return id
    if (found := earlier(tx, key)) is not None:
        return found.id
    tx.execute(insert(table).values(key=key.name, bind=key.bind, id=id, joined=0, at=at))
    return id


def joined(tx: Tx, key: Key, run: str) -> None:
    """The key led to a run that was live already."""
    tx.execute(update(table).where(table.c.key == key.name).values(id=run, joined=1))
