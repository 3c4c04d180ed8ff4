"""Payloads: what actions carried, encrypted under a key for each subject, so that a subject can be forgotten.

The subject key is wrapped by the master key. Erasing destroys the subject key; salts lie inside the boxes and go
with it, so that what stays in the log is a commitment nobody can open or test a guess against.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock, now
from autonomy.kernel.errors import Conflict, Corrupt, Unavailable

from .layout import SALT_BYTES
from .leaf import commitment, record
from .store import payload, subject_key

NONCE_BYTES = 12
MAX_KEYS = 10_000  # subject keys kept in memory
MAX_OPENING = 1_000  # of them, those that only open

_PROOF = "master key"  # the row by which a master key is recognised; no subject has such a name, those are hashes

PayloadRow = tuple[str, str, str, int, bytes, int]

Forget = Callable[[Tx, str], int]
"""Deletes what a room keeps of a subject, by the name the store knows it under, while its payloads are still there;
returns how many things that were."""


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of one subject, in its present generation; a new generation begins when somebody erased returns."""

    subject: str
    generation: int
    box: AESGCM
    binding: canonical.Keyed

    def seal(self, action: str, part: str, value: bytes, at: int) -> tuple[PayloadRow, str]:
        """A row for the payload table and the commitment for the leaf."""
        fresh = os.urandom(SALT_BYTES + NONCE_BYTES)
        salt, nonce = fresh[:SALT_BYTES], fresh[SALT_BYTES:]
        box = nonce + self.box.encrypt(nonce, salt + value, _aad(action, part))
        return (action, part, self.subject, self.generation, box, at), commitment(salt, value)

    def bind(self, value: bytes) -> str:
        """A keyed hash of `value`, hexadecimal: equal for equal values, telling nothing once the key is gone."""
        return self.binding.hash(value)


class Opened(NamedTuple):
    """A payload as it was: the value's bytes and the salt of its commitment."""

    value: bytes
    salt: bytes


class Sealed(NamedTuple):
    """A box that another room keeps: the name and part it was sealed as, and under which key."""

    name: str
    part: str
    subject: str
    generation: int
    box: bytes


class Vault:
    """Seals and opens payloads; erases subjects, and has other rooms forget what they keep of them."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        master: bytes,
        clock: Clock = now,
        forgetting: Sequence[Forget] = (),
    ) -> None:
        self._database = database
        self._queue = queue
        self._wrap = AESGCM(canonical.derive(master, b"autonomy subject keys"))
        self._naming = canonical.Keyed(canonical.derive(master, b"autonomy subject names"))
        self._clock = clock
        self._forgetting = forgetting
        self._keys: OrderedDict[str, SubjectKey] = OrderedDict()
        self._opening = lru_cache(MAX_OPENING)(self._unwrap)  # by what is stored: of somebody erased that is gone
        self._epoch = -1

    def prove_key(self) -> None:
        """Raise Unavailable (`vault.wrong_key`) unless the master key is the one the store was begun with. Blocks."""
        with self._database.reading() as connection:
            live = _live(connection, _PROOF)
        self._unwrap(_PROOF, *(live or self._queue.run(lambda tx: self._create(tx, _PROOF))))

    async def key(self, subject: str, epoch: int) -> SubjectKey:
        """The key to seal with for `subject`. `epoch` is the identity epoch: an erasure anywhere moves it."""
        if epoch > self._epoch:
            self._keys.clear()
            self._opening.cache_clear()
            self._epoch = epoch
        while (found := self._keys.get(subject)) is None:
            begun = self._epoch
            read = await self._read_key(self.name(subject))
            if self._epoch == begun:  # else the subject may have been erased while this was read
                self._keep(subject, read)
        return found

    def _keep(self, subject: str, key: SubjectKey) -> None:
        self._keys[subject] = key
        if len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)

    async def _read_key(self, name: str) -> SubjectKey:
        """The live key in the store, made where there is none."""
        live = await self._database.read(lambda connection: _live(connection, name))
        if live is None:
            live = await self._queue.perform(lambda tx: self._create(tx, name))
        return self._unwrap(name, *live)

    def open(self, connection: Connection, action: str, part: str) -> Opened | None:
        """What the action carried as `part`; None where it carried nothing or its subject was erased."""
        return self.open_all(connection, [action], part).get(action)

    def open_all(self, connection: Connection, actions: Sequence[str], part: str) -> dict[str, Opened]:
        """What each of the actions carried as `part`, of those that carried anything whose subject was not erased."""
        rows = connection.execute(_SEALED_PARTS, {"actions": list(actions), "part": part}).all()
        return {
            action: _opened(self._opening(subject, generation, bytes(wrapped)), action, part, box)
            for action, subject, generation, wrapped, box in rows
        }

    def unseal(self, connection: Connection | Tx, boxes: Sequence[Sealed]) -> dict[str, bytes]:
        """What each of the boxes holds, by name; those of erased subjects are left out."""
        keys = self.live_keys(connection, {(each.subject, each.generation) for each in boxes})
        opened = {}
        for each in boxes:
            if key := keys.get((each.subject, each.generation)):
                opened[each.name] = _unboxed(key, each.name, each.part, each.box)[SALT_BYTES:]
        return opened

    def live_keys(
        self, connection: Connection | Tx, wanted: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], SubjectKey]:
        """The keys under these names and generations, of subjects that were not erased."""
        names = {subject for subject, _ in wanted}
        found = connection.execute(_LIVE_KEYS, {"subjects": list(names)}) if names else ()
        return {
            (row.subject, row.generation): self._unwrap(row.subject, row.generation, bytes(row.wrapped))
            for row in found
        }

    def key_of(self, connection: Connection, action: str) -> SubjectKey | None:
        """The key under which what the action carried is sealed; None where nothing of it can be opened any more."""
        same = (subject_key.c.subject == payload.c.subject) & (subject_key.c.generation == payload.c.generation)
        columns = subject_key.c.subject, subject_key.c.generation, subject_key.c.wrapped
        query = (
            select(*columns).join(payload, same).where(payload.c.action == action, columns[-1].is_not(None)).limit(1)
        )
        row = connection.execute(query).one_or_none()
        return None if row is None else self._unwrap(row.subject, row.generation, bytes(row.wrapped))

    def name(self, subject: str) -> str:
        """How the store knows a subject: by a keyed hash, for a name is what is to be forgotten first."""
        return self._naming.hash(subject.encode())

    async def erase(self, subject: str, by: str, reason: str) -> int:
        """Destroy every key of `subject`; returns how many payloads can never be opened again.

        Raises Conflict where nothing of the subject is kept, and Unavailable where its traces could not be taken out of
        the store's files: it has to be repeated then, until it says that nothing is kept. The leaf names the subject
        only by a commitment whose salt nobody keeps.
        """
        count = await self._queue.perform(lambda tx: self._erase(tx, subject, by, reason))
        await asyncio.to_thread(self._database.wipe, subject_key)
        if count is None:
            raise Conflict(f"nothing is kept of the subject `{subject}`", code="erase.nothing")
        return count

    def _erase(self, tx: Tx, subject: str, by: str, reason: str) -> int | None:
        """How many payloads went with the subject's key; None where there is no such key."""
        columns, name = subject_key.c, self.name(subject)
        live = columns.subject == name, columns.wrapped.is_not(None)
        if tx.execute(select(columns.generation).where(*live)).first() is None:
            return None
        boxes = tx.execute(select(func.count()).select_from(payload).where(payload.c.subject == name)).scalar_one()
        elsewhere = sum(forget(tx, name) for forget in self._forgetting)
        tx.execute(delete(payload).where(payload.c.subject == name))
        tx.execute(update(subject_key).where(*live).values(wrapped=None, erased_at=self._clock()))
        tx.bump("identity")
        record(
            tx,
            "erasure",
            self._clock(),
            actor=by,
            reason=reason,
            subject=commitment(os.urandom(SALT_BYTES), subject.encode()),
            payloads=boxes + elsewhere,
        )
        return int(boxes) + elsewhere

    def _create(self, tx: Tx, subject: str) -> tuple[int, bytes]:
        existing = tx.execute(_live_query(subject)).one_or_none()
        if existing is not None:
            return existing.generation, bytes(existing.wrapped)
        last = tx.execute(
            select(func.max(subject_key.c.generation)).where(subject_key.c.subject == subject)
        ).scalar_one()
        generation = (last or 0) + 1
        nonce = os.urandom(NONCE_BYTES)
        wrapped = nonce + self._wrap.encrypt(nonce, AESGCM.generate_key(256), _aad(subject, str(generation)))
        values = {"subject": subject, "generation": generation, "wrapped": wrapped, "created_at": self._clock()}
        tx.execute(insert(subject_key).values(**values))
        return generation, wrapped

    def _unwrap(self, subject: str, generation: int, wrapped: bytes) -> SubjectKey:
        try:
            key = self._wrap.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _aad(subject, str(generation)))
        except InvalidTag:
            raise Unavailable(
                "the master key does not open this database",
                code="vault.wrong_key",
                hint="use the key file this database was made with",
            ) from None
        return SubjectKey(subject, generation, AESGCM(key), canonical.Keyed(canonical.derive(key, b"autonomy binding")))


def is_live(tx: Tx, subject: str, generation: int) -> bool:
    """Whether what is sealed under this key can still be opened: nobody has erased the subject since."""
    found = tx.execute(_live_query(subject)).one_or_none()
    return found is not None and found.generation == generation


def _opened(key: SubjectKey, action: str, part: str, box: bytes) -> Opened:
    found = _unboxed(key, action, part, box)
    return Opened(found[SALT_BYTES:], found[:SALT_BYTES])


def _unboxed(key: SubjectKey, name: str, part: str, box: bytes) -> bytes:
    try:
        return key.box.decrypt(box[:NONCE_BYTES], bytes(box[NONCE_BYTES:]), _aad(name, part))
    except InvalidTag:
        raise Corrupt(f"the payload of `{name}` was changed", code="audit.payload_changed") from None


_SEALED_PARTS = text(
    "SELECT p.action, p.subject, p.generation, k.wrapped, p.box FROM payload p "
    "JOIN subject_key k ON k.subject = p.subject AND k.generation = p.generation "
    "WHERE p.action IN :actions AND p.part = :part AND k.wrapped IS NOT NULL"
).bindparams(bindparam("actions", expanding=True))
"""As text, for whoever follows the log asks it most: handed over as the driver has it, for half the work."""

_LIVE_KEYS = select(subject_key.c.subject, subject_key.c.generation, subject_key.c.wrapped).where(
    subject_key.c.subject.in_(bindparam("subjects", expanding=True)), subject_key.c.wrapped.is_not(None)
)
"""Built once: it is asked with every search of memory."""


def _live_query(subject: str) -> Any:
    columns = subject_key.c
    return select(columns.generation, columns.wrapped).where(columns.subject == subject, columns.wrapped.is_not(None))


def _live(connection: Connection, subject: str) -> tuple[int, bytes] | None:
    row = connection.execute(_live_query(subject)).one_or_none()
    return None if row is None else (row.generation, bytes(row.wrapped))


def _aad(*parts: str) -> bytes:
    return "\x1f".join(parts).encode()
