"""Signed checkpoints of the log, at most a thousand leaves or ten seconds apart, and their copies with a witness."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.ports import Row
from autonomy.kernel.clock import SECOND, Clock, now
from autonomy.kernel.errors import AutonomyError, Unavailable
from autonomy.kernel.failpoint import failpoint

from . import note
from .merkle import Frontier
from .store import checkpoint, head, read_head

log = logging.getLogger("autonomy.audit")

MAX_AGE = 10 * SECOND
LOOK_SECONDS = 0.5
BATCH = 1_000  # checkpoints held in memory at once
ENDING = ".note"
COPY_NAME = re.compile(r"0[0-9]{19}\.note")  # one digit less than a database can hold


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
        self._copied: int | None = None  # the newest size the witness has; looked up once

    @property
    def signer(self) -> note.Signer:
        """The log's key, which also seals exports; it never shows itself."""
        return self._signer

    @property
    def copied(self) -> int | None:
        """The size of the newest checkpoint that this process knows the witness to have; None before it has looked."""
        return self._copied

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
        """Give the witness every checkpoint after the newest it has got; returns how many.

        Raises Unavailable where its folder cannot be used.
        """
        if self._witness is None:
            return 0
        try:
            return self._copy_to(self._witness)
        except OSError as error:
            raise Unavailable(
                f"the witness folder cannot be used: {error.strerror}",
                code="witness.unavailable",
                hint="what is signed is safe in the store; it is copied when the folder can be written again",
            ) from None

    def _copy_to(self, witness: Path) -> int:
        if self._copied is None:
            self._copied = self._newest_in(witness)
        copied = 0
        while rows := self._read_after(self._copied):
            for row in rows:
                write_copy(witness, row.size, row.note)
                self._copied = row.size
                failpoint("witness.written")
            copied += len(rows)
        return copied

    def _newest_in(self, witness: Path) -> int:
        """The size of the newest of our checkpoints in the folder; -1 where there is none. They are copied in order,
        so that none before it is missing."""
        names = os.listdir(witness) if witness.is_dir() else []
        sizes = sorted((int(name.removesuffix(ENDING)) for name in names if COPY_NAME.fullmatch(name)), reverse=True)
        with self._database.reading() as connection:
            return next((size for size in sizes if _is_signed(connection, size)), -1)

    def _read_after(self, size: int) -> Sequence[Any]:
        query = select(checkpoint).where(checkpoint.c.size > size).order_by(checkpoint.c.size).limit(BATCH)
        with self._database.reading() as connection:
            return connection.execute(query).all()

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
        # A clock that was set back makes the last one lie in the future: that is no reason to wait for it.
        return bool(size > last.size and not 0 <= self._clock() - last.at < MAX_AGE)


def _is_signed(connection: Connection, size: int) -> bool:
    return connection.execute(select(checkpoint.c.size).where(checkpoint.c.size == size)).first() is not None


def copy_name(size: int) -> str:
    """The file name of a checkpoint in a witness folder."""
    return f"{size:020d}{ENDING}"


def write_copy(folder: Path, size: int, text: str) -> None:
    """Put a checkpoint into a witness folder, whole or not at all; one that is there is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / copy_name(size)
    if path.exists():
        return
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
