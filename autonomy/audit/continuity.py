"""That the log goes on from what was signed before, proved before each signature.

Who can write the tables could otherwise have a history of their own signed: the key would say of it what it said of the
true one. What was signed is known from this process's memory, and when it starts from the notes in the store and the
newest copy with the witness: of these the tables alone are in reach of who writes tables.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import NoReturn

from sqlalchemy import select

from autonomy.db.tx import Reader
from autonomy.kernel.errors import Corrupt, Invalid, Unavailable

from . import note
from .layout import MAX_CHECKPOINT_GAP
from .merkle import Frontier
from .store import checkpoint, leaf_hashes, nodes

log = logging.getLogger("autonomy.audit")

ENDING = ".note"
COPY_NAME = re.compile(r"0[0-9]{19}\.note")  # one digit less than a database can hold


class Continuity:
    """What is known to have been signed by `verifier`, and whether the log still goes on from it.

    One thread proves; any may ask.
    """

    def __init__(self, verifier: note.Verifier, witness: Path | None) -> None:
        self._verifier = verifier
        self._witness = witness
        self._proven: bytes | None = None
        self._grown: bytes | None = None
        self._rewritten: Corrupt | None = None

    @property
    def size(self) -> int:
        """How many leaves were proved; -1 before the first proof."""
        return -1 if self._proven is None else Frontier.decode(self._proven).size

    def grew(self, stored: bytes, grown: bytes) -> None:
        """Hear what a group of this process, which may yet fail, makes of the tree that is `stored`: what it appended
        to what was proved need not be read again."""
        self._grown = grown if stored in (self._proven, self._grown) else None

    def check(self) -> None:
        """Raise Corrupt (`log.rewritten`) where it was ever found that the log does not go on from what was signed."""
        if self._rewritten is not None:
            raise self._rewritten

    def prove(self, reader: Reader, frontier: Frontier) -> None:
        """Prove that the log up to `frontier`, as the store has it, goes on from all that is known to have been signed.

        Where others have appended since the last proof, reads the hashes of the leaves since, at most a thousand, or
        O(log n) nodes. Raises Corrupt (`log.rewritten`), from then on always; Unavailable where the witness's folder
        cannot be read.
        """
        self.check()
        encoded = frontier.encode()
        if encoded not in (self._proven, self._grown):
            known = self._begun(reader) if self._proven is None else Frontier.decode(self._proven)
            self._grow(known, frontier.size, reader)
            if known.encode() != encoded:
                self.alarm(f"the head of the log is not that of its first {frontier.size} leaves")
        self._proven = encoded

    def alarm(self, found: str) -> NoReturn:
        """Say for good that the log is not the one that was signed. Raises Corrupt (`log.rewritten`)."""
        if self._rewritten is None:
            log.error("the log is not the one that was signed, nothing is signed any more: %s", found)
            hint = "stop the servers; keep the database and the witness's copies as evidence; `autonomy doctor`"
            self._rewritten = Corrupt(
                f"the log is not the one that was signed: {found}", code="log.rewritten", hint=hint
            )
        raise self._rewritten

    def read(self, text: str, size: int) -> note.Checkpoint | None:
        """The checkpoint of this log at `size` in a note; None where it is none, or not signed by its key."""
        try:
            found = note.parse(text, [self._verifier])
        except Invalid:
            return None
        return found if (found.origin, found.size) == (self._verifier.name, size) else None

    def newest_copy(self) -> note.Checkpoint | None:
        """The newest checkpoint of this log with the witness. Raises Unavailable where its folder cannot be read."""
        if self._witness is None:
            return None
        try:
            names = os.listdir(self._witness) if self._witness.is_dir() else []
            for name in sorted(filter(COPY_NAME.fullmatch, names), reverse=True):
                text = (self._witness / name).read_text(encoding="utf-8", errors="replace")
                found = self.read(text, int(name.removesuffix(ENDING)))
                if found is not None:
                    return found
        except OSError as error:
            raise unusable(error) from None
        return None

    def _begun(self, reader: Reader) -> Frontier:
        """The tree of the newest checkpoint that anything vouches for, grown from the beginning."""
        grown = Frontier()
        vouched = [one for one in (self._newest_stored(reader), self.newest_copy()) if one is not None]
        for one in sorted(vouched, key=lambda one: one.size):
            self._grow(grown, one.size, reader)
            if grown.root() != one.root:
                self.alarm(f"its first {one.size} leaves are others")
        return grown

    def _newest_stored(self, reader: Reader) -> note.Checkpoint | None:
        row = reader.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        found = self.read(row.note, row.size)
        if found is None:
            self.alarm(f"its key did not sign the checkpoint of {row.size} leaves that stands in the store")
        return found

    def _grow(self, known: Frontier, size: int, reader: Reader) -> None:
        if size < known.size:
            self.alarm(f"it ends after {size} leaves, {known.size} were signed")
        if size - known.size <= MAX_CHECKPOINT_GAP:
            known.extend(leaf_hashes(reader, known.size, size))
            return
        try:
            known.grow(size, nodes(reader))
        except Corrupt as error:
            self.alarm(error.message)


def unusable(error: OSError) -> Unavailable:
    """What is said of a witness's folder that cannot be used."""
    return Unavailable(
        f"the witness folder cannot be used: {error.strerror}",
        code="witness.unavailable",
        hint="what is signed is safe in the store; it is copied when the folder can be used again",
    )
