"""Evidence that others can check without us: leaves, checkpoints, proofs, and the export of it all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Select, select

from autonomy.audit import Vault, export, note, read_leaf, sealed_as
from autonomy.audit.merkle import Frontier, inclusion_proof
from autonomy.audit.store import checkpoint, leaf, leaves, nodes
from autonomy.db import Database
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import Corrupt, NotFound

from .kinds import last_of_kind, of_kind

BATCH = 1_000  # leaves an export reads at once, each batch over a connection of its own


@dataclass(frozen=True, slots=True)
class Proof:
    """Leaf `index` is under the checkpoint of `size` leaves: its exact bytes, hash, audit path, and the signed note."""

    index: int
    size: int
    body: bytes
    hash: bytes
    path: tuple[bytes, ...]
    checkpoint: str


class Evidence:
    """Reads the log. Blocks: call it from a thread."""

    def __init__(self, database: Database, vault: Vault, clock: Clock = now) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def leaves(
        self, after: int | None, limit: int, kind: str | None = None, newest_first: bool = False
    ) -> list[tuple[int, bytes, bytes]]:
        """Index, exact bytes and hash of the `limit` leaves that come after the index `after`, of one kind if given.

        With `newest_first` those below `after`, downwards. Without `after` from the beginning, whichever that is.
        """
        columns = leaf.c
        query = select(columns.idx, columns.body, columns.hash)
        query = query.order_by(columns.idx.desc() if newest_first else columns.idx)
        if after is not None:
            query = query.where(columns.idx < after if newest_first else columns.idx > after)
        with self._database.reading() as connection:
            if kind is not None:
                query = query.where(columns.idx.in_(_named(connection, kind, after, limit, newest_first)))
            return [(index, bytes(body), bytes(hash)) for index, body, hash in connection.execute(query.limit(limit))]

    def newest_checkpoint(self) -> str | None:
        """The newest signed note; None while there is none."""
        query = select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1)
        with self._database.reading() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
            return found

    def proof(self, index: int) -> Proof | None:
        """The proof of leaf `index` under the first checkpoint that holds it; None while none does.

        Raises NotFound where there is no such leaf.
        """
        with self._database.reading() as connection:
            columns = leaf.c
            row = connection.execute(select(columns.body, columns.hash).where(columns.idx == index)).one_or_none()
            if row is None:
                raise NotFound(f"there is no leaf {index}", code="audit.no_leaf")
            found = connection.execute(_first_after(index)).one_or_none()
            if found is None:
                return None
            path = inclusion_proof(index, found.size, nodes(connection))
            return Proof(index, found.size, bytes(row.body), bytes(row.hash), tuple(path), found.note)

    def export_lines(self, signer: note.Signer, stop: int, reveal: bool) -> Iterator[bytes]:
        """The lines of an export of the first `stop` leaves, which a checkpoint must hold; values with `reveal`."""
        header = export.Header(
            signer.verifier.name, (signer.verifier,), 0, stop, exported_at=self._clock(), frontier=Frontier()
        )
        payloads = self._payloads(stop) if reveal else ()
        return export.lines(header, self._bodies(stop), self._notes(stop), signer, payloads)

    def _bodies(self, stop: int) -> Iterator[tuple[int, bytes]]:
        for start in range(0, stop, BATCH):
            with self._database.reading() as connection:
                found = list(leaves(connection, start, min(stop, start + BATCH)))
            yield from found

    def _notes(self, stop: int) -> Iterator[str]:
        columns, last = checkpoint.c, 0
        query = select(columns.size, columns.note).order_by(columns.size).limit(BATCH)
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(columns.size > last, columns.size <= stop)).all()
            if not rows:
                return
            yield from (row.note for row in rows)
            last = rows[-1].size

    def _payloads(self, stop: int) -> Iterator[export.Payload]:
        for start in range(0, stop, BATCH):
            with self._database.reading() as connection:
                found = [
                    payload
                    for index, body in leaves(connection, start, min(stop, start + BATCH))
                    for payload in self._revealed(connection, index, body)
                ]
            yield from found

    def _revealed(self, connection: Connection, index: int, body: bytes) -> Iterator[export.Payload]:
        """What leaf `index` commits to, as far as it is still kept as it was written."""
        told = read_leaf(body)
        for name in told.get("commitments", {}):
            try:
                opened = self._vault.open(connection, sealed_as(told), name)
            except Corrupt:
                continue  # its absence from the export says that it cannot be shown; `explain` says why
            if opened is not None:
                yield export.Payload(index, name, opened.salt, opened.value)


def _first_after(index: int) -> Select[tuple[int, str]]:
    query = select(checkpoint.c.size, checkpoint.c.note).where(checkpoint.c.size > index)
    return query.order_by(checkpoint.c.size).limit(1)


def _named(connection: Connection, kind: str, after: int | None, limit: int, newest_first: bool) -> list[int]:
    """The leaves of a kind that come after `after`, in this direction."""
    if newest_first:
        return last_of_kind(connection, kind, after, limit)
    return of_kind(connection, kind, 0 if after is None else after + 1, limit)
