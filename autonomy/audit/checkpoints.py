"""Signed checkpoints of the log, at most a thousand leaves or ten seconds apart, and their copies with a witness."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import Path

from sqlalchemy import Connection, insert, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.ports import Row
from autonomy.kernel.clock import SECOND, Clock, now
from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.failpoint import failpoint

from . import note
from .merkle import Frontier
from .store import checkpoint, head, read_head

log = logging.getLogger("autonomy.audit")

MAX_AGE = 10 * SECOND
LOOK_SECONDS = 0.5


class Checkpoints:
    """Signs the log's head as it grows. Any process may; two that sign the same size sign the same root."""

    def __init__(
        self, database: Database, queue: CommitQueue, signer: note.Signer, witness: Path | None, clock: Clock = now
    ) -> None:
        self._database = database
        self._queue = queue
        self._signer = signer
        self._witness = witness
        self._clock = clock
        self._copied = -1

    @property
    def signer(self) -> note.Signer:
        """The log's key, which also seals exports; it never shows itself."""
        return self._signer

    @property
    def verifier(self) -> note.Verifier:
        """The public half of the log's key, by which everybody checks a checkpoint."""
        return self._signer.verifier

    def row(self, size: int, root: bytes) -> Row:
        """The checkpoint row of a tree; handed to the log, which signs by itself when it grows fast."""
        signed = note.sign(note.Checkpoint(self._signer.verifier.name, size, root), self._signer)
        return size, self._clock(), signed

    async def run(self) -> None:
        """Sign when it is due, until cancelled; a failure is logged and tried again."""
        while True:
            try:
                if await self._database.read(self._due):
                    await self.sign()
                await asyncio.to_thread(self.copy)
            except AutonomyError as error:
                log.warning("no checkpoint could be signed: %s", error.code)
            await asyncio.sleep(LOOK_SECONDS)

    async def sign(self) -> str:
        """Sign the log as it is now, and give the witness its copy; returns the signed note."""
        signed = await self._queue.perform(self._sign)
        failpoint("checkpoint.signed")
        await asyncio.to_thread(self.copy)
        return signed

    def copy(self) -> int:
        """Give the witness every checkpoint it has not got; returns how many."""
        if self._witness is None:
            return 0
        with self._database.reading() as connection:
            query = select(checkpoint).where(checkpoint.c.size > self._copied).order_by(checkpoint.c.size)
            rows = connection.execute(query).all()
        for row in rows:
            write_copy(self._witness, row.size, row.note)
            self._copied = row.size
            failpoint("witness.written")
        return len(rows)

    def _sign(self, tx: Tx) -> str:
        """In the queue, under the head lock. What the group itself appends is not on disk yet and is not signed."""
        row = tx.execute(select(head.c.size, head.c.frontier)).one()
        known = tx.execute(select(checkpoint.c.note).where(checkpoint.c.size == row.size)).scalar_one_or_none()
        if known is not None:
            return str(known)
        size, at, signed = self.row(row.size, Frontier.decode(bytes(row.frontier)).root())
        tx.execute(insert(checkpoint).values(size=size, at=at, note=signed))
        return str(signed)

    def _due(self, connection: Connection) -> bool:
        size = read_head(connection)[0]
        last = connection.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).one_or_none()
        if last is None:
            return size > 0
        return bool(size > last.size and self._clock() - last.at >= MAX_AGE)


def write_copy(folder: Path, size: int, text: str) -> None:
    """Put a checkpoint into a witness folder, whole or not at all; one that is there is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{size:020d}.note"
    if path.exists():
        return
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
