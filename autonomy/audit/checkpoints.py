"""Signed checkpoints of the log, at most a thousand leaves or ten seconds apart, and their copies with a witness."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.ports import Row
from autonomy.db.tx import Reader
from autonomy.kernel.clock import SECOND, Clock, now
from autonomy.kernel.errors import Corrupt, Unavailable
from autonomy.kernel.failpoint import failpoint
from autonomy.kernel.repeating import repeat

from . import note
from .continuity import ENDING, Continuity, unusable
from .merkle import Frontier
from .store import checkpoint, head, read_head

log = logging.getLogger("autonomy.audit")

MAX_AGE = 10 * SECOND
LOOK_SECONDS = 0.5
BATCH = 1_000  # checkpoints held in memory at once


class Checkpoints:
    """Signs the log's head as it grows, where it goes on from what was signed before. Any process may; two that sign
    the same size sign the same root."""

    def __init__(
        self, database: Database, queue: CommitQueue, signer: note.Signer, witness: Path | None, clock: Clock = now
    ) -> None:
        self._database = database
        self._queue = queue
        self._signer = signer
        self._witness = witness
        self._clock = clock
        self._copied: int | None = None  # the newest size the witness has; looked up once
        self._continuity = Continuity(signer.verifier, witness)
        self._proved_at = clock()

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

    def check(self) -> None:
        """Raise Corrupt (`log.rewritten`) where this process found that the log is not the one that was signed."""
        self._continuity.check()

    def grew(self, stored: bytes, grown: bytes) -> None:
        """What a group of this process makes of the tree that is `stored`; the log says so."""
        self._continuity.grew(stored, grown)

    def row(self, core: Connection, stored: Frontier, grown: Frontier) -> Row | None:
        """The checkpoint row of `grown`, which goes on from what is `stored`; handed to the log, which signs by itself
        when it grows fast. None where that is not proved, which `sign` and `check` say aloud."""
        try:
            self._prove(core, stored)
        except (Corrupt, Unavailable):
            return None
        return grown.size, self._clock(), self._note(grown)

    async def begin(self) -> None:
        """Prove for the first time that the log goes on from what was signed before; without that nothing is signed.

        Raises Unavailable where the witness's folder cannot be read: what is written meanwhile would have no checkpoint
        ever after. Where the log is another one, `check` says so.
        """
        try:
            await self._queue.perform(self._prove_head)
        except Corrupt as error:
            log.error("it begins, and signs nothing: %s", error.code)

    async def run(self) -> None:
        """Sign when it is due, until cancelled; a failure is logged and tried again."""
        await repeat(self._look, LOOK_SECONDS, log, "no checkpoint could be signed")

    async def _look(self) -> None:
        due = await self._database.read(self._due)
        if due is not None:
            await self._queue.perform(due)
            failpoint("checkpoint.signed")
        await asyncio.to_thread(self.copy)

    async def sign(self) -> str:
        """Sign the log as it is now, and give the witness its copy; returns the signed note.

        Raises Corrupt (`log.rewritten`) where it does not go on from what was signed before.
        """
        signed = await self._queue.perform(self._sign)
        failpoint("checkpoint.signed")
        await asyncio.to_thread(self.copy)
        return signed

    def copy(self) -> int:
        """Give the witness every checkpoint after the newest it has got; returns how many.

        Raises Unavailable where its folder cannot be used, Corrupt (`log.rewritten`) where it has another one already,
        or the log's key did not sign what stands in the store.
        """
        if self._witness is None:
            return 0
        try:
            return self._copy_to(self._witness)
        except OSError as error:
            raise unusable(error) from None

    def _copy_to(self, witness: Path) -> int:
        self.check()
        if self._copied is None:
            newest = self._continuity.newest_copy()
            # They are copied in order, so that none before it is missing.
            self._copied = -1 if newest is None else newest.size
        copied = 0
        while rows := self._read_after(self._copied):
            for row in rows:
                self._copy_one(witness, row.size, row.note)
                self._copied = row.size
                failpoint("witness.written")
            copied += len(rows)
        return copied

    def _copy_one(self, witness: Path, size: int, text: str) -> None:
        if self._continuity.read(text, size) is None:
            self._continuity.alarm(f"its key did not sign the checkpoint of {size} leaves that stands in the store")
        there = write_copy(witness, size, text)
        if there != text:
            self._continuity.alarm(f"the witness has another checkpoint of {size} leaves")

    def _read_after(self, size: int) -> Sequence[Any]:
        query = select(checkpoint).where(checkpoint.c.size > size).order_by(checkpoint.c.size).limit(BATCH)
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def _sign(self, tx: Tx) -> str:
        """In the queue, under the head lock. What the group itself appends is not on disk yet and is not signed."""
        frontier = self._prove_head(tx)
        signed = self._note(frontier)
        newest = tx.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).one_or_none()
        if newest is None or newest.size < frontier.size:
            tx.execute(insert(checkpoint).values(size=frontier.size, at=self._clock(), note=signed))
        elif newest.note != signed:  # the same key signs the same tree by the same bytes (RFC 8032)
            self._continuity.alarm(f"the store has another checkpoint, of {newest.size} leaves")
        return signed

    def _prove_head(self, tx: Tx) -> Frontier:
        """What is stored, proved to go on from what was signed before; under the head lock."""
        row = tx.execute(select(head.c.size, head.c.frontier)).one()
        frontier = Frontier.decode(bytes(row.frontier))
        if frontier.size != row.size:
            self._continuity.alarm(f"its head counts {row.size} leaves and holds the tree of {frontier.size}")
        self._prove(tx, frontier)
        return frontier

    def _prove(self, reader: Reader, frontier: Frontier) -> None:
        self._continuity.prove(reader, frontier)
        self._proved_at = self._clock()

    def _note(self, frontier: Frontier) -> str:
        return note.sign(note.Checkpoint(self.verifier.name, frontier.size, frontier.root()), self._signer)

    def _due(self, connection: Connection) -> Callable[[Tx], object] | None:
        """What is to be done now: sign, or else prove what other processes signed, for who ran before a rewrite knows
        what was there."""
        size = read_head(connection)[0]
        if self._unsigned(connection, size):
            return self._sign
        is_time = not 0 <= self._clock() - self._proved_at < MAX_AGE
        return self._prove_head if is_time and size != self._continuity.size else None

    def _unsigned(self, connection: Connection, size: int) -> bool:
        last = connection.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).one_or_none()
        if last is None:
            return size > 0
        # A clock that was set back makes the last one lie in the future: that is no reason to wait for it.
        return bool(size != last.size and not 0 <= self._clock() - last.at < MAX_AGE)


def copy_name(size: int) -> str:
    """The file name of a checkpoint in a witness folder."""
    return f"{size:020d}{ENDING}"


def write_copy(folder: Path, size: int, text: str) -> str:
    """Put a checkpoint into a witness folder, whole or not at all; one that is there is never overwritten. Returns what
    is there then."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / copy_name(size)
    if path.exists():
        return path.read_text(encoding="utf-8", errors="replace")
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return text
