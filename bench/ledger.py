"""Audit logs of any size: the leaves of a real action again and again under new names, appended as the queue does."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sqlalchemy import select

from autonomy.audit import Leaf, Log, note
from autonomy.audit.checkpoints import Checkpoints
from autonomy.audit.merkle import leaf_hash
from autonomy.audit.store import READ_HEAD, checkpoint, leaf, read_head
from autonomy.db import CommitQueue, Database
from autonomy.db.writer import open_writer
from autonomy.gate import Request
from autonomy.kernel.ids import new_id
from autonomy.wiring import Settings, System, open_system

from .door import noop
from .organisation import organisation

BORN = 1_800_000_000_000  # when the first of the made-up actions happened; each is a millisecond after the one before
BULK = 700  # leaves in a commit while a log is made: a signed checkpoint follows each


@dataclass(frozen=True, slots=True)
class Pattern:
    """The exact bytes of a real leaf, about to be said of other actions."""

    kind: str
    action: bytes
    at: bytes
    body: bytes

    def said_of(self, action: str, at: int) -> Leaf:
        """The same leaf about another action at another time."""
        body = self.body.replace(self.action, action.encode()).replace(self.at, b'"at":%d' % at)
        return Leaf(self.kind, action, at, body, leaf_hash(body))


@dataclass(frozen=True, slots=True)
class Origin:
    """The log of a system after its first action: where it lies, who signs it, and the leaves of that action."""

    path: Path
    signer: note.Signer
    patterns: Sequence[Pattern]

    @classmethod
    async def create(cls, folder: Path) -> Self:
        """Let an agent of a small organisation perform one action, and stop."""
        system = open_system(replace(Settings(), data=folder), functions={"noop": noop})
        system.catalog.apply(organisation(agents=20, policies=50), by="person:bench")
        await system.start()
        key = system.identity.issue_credential("agent-1", "api_key", "system").secret
        reply = await system.gate.perform(key, Request("work.t1", {"amount": 120, "item": "bolt", "quantity": 3}))
        path, checkpoints = system.database.path, system.checkpoints
        patterns = _patterns(system, reply.action)
        await system.stop()
        assert path is not None
        return cls(path, checkpoints.signer, patterns)


class Ledger:
    """A copy of the origin's database whose log grows; `close` it."""

    def __init__(self, origin: Origin, path: Path) -> None:
        shutil.copy(origin.path, path)
        self.database = Database.open(f"sqlite:///{path}")
        self.origin = origin
        self._queue = CommitQueue(self.database, Log())  # nobody uses it: the commits are made here
        self._log = Log(Checkpoints(self.database, self._queue, origin.signer, None).row)
        self._writer = open_writer(self.database)
        with self.database.reading() as connection:
            self.size = read_head(connection)[0]

    def made(self, count: int) -> list[Leaf]:
        """`count` leaves that continue the log; not appended yet."""
        patterns = self.origin.patterns
        found: list[Leaf] = []
        for number in range(self.size, self.size + count, len(patterns)):
            action = new_id("act", BORN + number)
            found += [pattern.said_of(action, BORN + number) for pattern in patterns]
        return found[:count]

    def append(self, leaves: Sequence[Leaf]) -> None:
        """One durable commit, as the commit queue makes it."""
        with self._writer.turn():
            [[row]] = self._writer.begin([(READ_HEAD, ())])
            page = self._log.open(row, self._writer.core)
            for each in leaves:
                page.append(each)
            self._writer.commit(page.writes())
        self.size = page.size

    def grow(self, size: int) -> None:
        """Append until the log holds `size` leaves; quickly, for nobody relies on these commits."""
        self._writer.run("PRAGMA synchronous=OFF")
        while self.size < size:
            self.append(self.made(min(BULK, size - self.size)))
        self._writer.run("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.run("PRAGMA synchronous=FULL")

    def notes(self) -> list[str]:
        """The signed checkpoints, ascending."""
        with self.database.reading() as connection:
            return list(connection.execute(select(checkpoint.c.note).order_by(checkpoint.c.size)).scalars())

    def close(self) -> None:
        self._writer.close()
        self._queue.close()
        self.database.close()


def _patterns(system: System, action: str) -> list[Pattern]:
    query = select(leaf.c.kind, leaf.c.at, leaf.c.body).where(leaf.c.action == action).order_by(leaf.c.idx)
    with system.database.reading() as connection:
        rows = connection.execute(query).all()
    found = [Pattern(kind, action.encode(), b'"at":%d' % at, bytes(body)) for kind, at, body in rows]
    if [pattern.kind for pattern in found] != ["intent", "outcome"]:
        raise AssertionError(f"an action leaves an intent and an outcome, not {found}")
    return found
