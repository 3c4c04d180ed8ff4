"""The log as the commit queue appends to it: contiguous indices, a Merkle frontier, and the epochs in the same row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from autonomy.db import Epochs
from autonomy.db.ports import Row, Write

from . import note
from .leaf import Leaf
from .merkle import Frontier
from .store import INSERT_CHECKPOINT, INSERT_LEAF, INSERT_NODE, READ_HEAD, UPDATE_HEAD, checkpoint, head

Mark = tuple[int, int, int]

Sign = Callable[[Connection, Frontier, Frontier], Row | None]
"""Makes the checkpoint row (size, at, note) of a tree that goes on, after leaves not stored yet, from one that is; None
where that cannot be proved to go on from what was signed before."""

Grew = Callable[[bytes, bytes], None]
"""Hears which tree is stored and what a group makes of it, before that is committed."""

SIGN_AFTER = 700  # leaves; with a whole group after it still less than the thousand that verifiers are promised


class LogPage:
    """What one group of commits appends. Nothing is kept between groups: the next one reads the head again."""

    def __init__(
        self,
        size: int,
        frontier: bytes,
        catalog: int,
        identity: int,
        signed: int,
        sign: Callable[[Frontier, Frontier], Row | None] | None,
        grew: Grew | None,
    ) -> None:
        self._signed = signed
        self._sign = sign
        self._grew = grew
        self.epochs = Epochs(catalog, identity)
        self._start = size
        self._frontier = frontier
        self._opened = (catalog, identity)
        self._leaves: list[Leaf] = []

    @property
    def size(self) -> int:
        return self._start + len(self._leaves)

    def append(self, leaf: Leaf) -> int:
        self._leaves.append(leaf)
        return self.size - 1

    def bump(self, which: Literal["catalog", "identity"]) -> int:
        if which == "catalog":
            self.epochs.catalog += 1
            return self.epochs.catalog
        self.epochs.identity += 1
        return self.epochs.identity

    def mark(self) -> Mark:
        return len(self._leaves), self.epochs.catalog, self.epochs.identity

    def rewind(self, mark: Mark) -> None:
        kept, self.epochs.catalog, self.epochs.identity = mark
        del self._leaves[kept:]

    def writes(self) -> list[Write]:
        epochs = (self.epochs.catalog, self.epochs.identity)
        if not self._leaves and epochs == self._opened:
            return []
        frontier = Frontier.decode(self._frontier)
        nodes = frontier.extend(leaf.hash for leaf in self._leaves)
        rows = [
            (index, leaf.kind, leaf.action, leaf.at, leaf.body, leaf.hash)
            for index, leaf in enumerate(self._leaves, self._start)
        ]
        writes: list[Write] = [(INSERT_LEAF, rows)] if rows else []
        if nodes:
            writes.append((INSERT_NODE, nodes))
        if self._sign and self.size - self._signed >= SIGN_AFTER:
            signed = self._sign(Frontier.decode(self._frontier), frontier)
            if signed is not None:
                self._signed = self.size
                writes.append((INSERT_CHECKPOINT, [signed]))
        encoded = frontier.encode()
        if self._grew:
            self._grew(self._frontier, encoded)
        return [*writes, (UPDATE_HEAD, [(self.size, encoded, *epochs, self._signed)])]


class Log:
    """The ledger handed to the commit queue."""

    head = READ_HEAD

    def __init__(self, sign: Sign | None = None, grew: Grew | None = None) -> None:
        self._sign = sign
        self._grew = grew

    def open(self, row: Row, core: Connection) -> LogPage:
        size, frontier, catalog, identity, signed = row
        sign = partial(self._sign, core) if self._sign else None
        return LogPage(size, bytes(frontier), catalog, identity, signed, sign, self._grew)


def begin_log(connection: Connection, origin: str) -> None:
    """Write the head of an empty log that is called `origin` for ever, whatever its server is called later."""
    empty = {"size": 0, "frontier": Frontier().encode(), "catalog": 0, "identity": 0, "signed": 0}
    connection.execute(insert(head).values(id=1, origin=origin, **empty))


def name_log(connection: Connection, origin: str) -> None:
    """Give a log of an earlier release its name: that of its checkpoints, else `origin`. One that has a name keeps
    it."""
    if connection.execute(select(head.c.origin)).scalar_one() is not None:
        return
    newest = select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1)
    signed = connection.execute(newest).scalar_one_or_none()
    found = origin if signed is None else note.read(signed).checkpoint().origin
    connection.execute(update(head).values(origin=found))
